failcore_integration_test(main_job main_job.sh)
add_test(NAME integration/demo COMMAND ${PROJECT_SOURCE_DIR}/scripts/demo)
set_tests_properties(integration/demo PROPERTIES LABELS integration RUN_SERIAL ON)
failcore_patience(integration/demo 120)
