# The network guard: real namespaces, packets and resolvers.
failcore_integration_test(net_world net_world.sh)
failcore_integration_test(net_attacks net_attacks.sh)
failcore_integration_test(net_decoys net_decoys.sh)
failcore_integration_test(net_guard net_guard.sh)
failcore_integration_test(net_names net_names.sh)
failcore_integration_test(net_reload net_reload.sh)
failcore_integration_test(net_dns net_dns.sh)
failcore_integration_test(net_budget net_budget.sh)
