# What is installed, and what people read about it.
failcore_integration_test(pack_completion pack_completion.sh)
failcore_integration_test(pack_man pack_man.sh)
failcore_integration_test(pack_install pack_install.sh)
failcore_integration_test(pack_adapters pack_adapters.sh)
failcore_integration_test(pack_docs pack_docs.sh)
failcore_integration_test(pack_services pack_services.sh)
failcore_integration_test(pack_library pack_library.sh)
failcore_integration_test(pack_examples pack_examples.sh)
