failcore_integration_test(main_job main_job.sh)
add_test(NAME integration/demo COMMAND ${PROJECT_SOURCE_DIR}/scripts/demo)
set_tests_properties(integration/demo PROPERTIES LABELS integration TIMEOUT 120 RUN_SERIAL ON)
if(FAILCORE_SANITIZE STREQUAL thread)
    # As need_namespaces in tests/support/integration.sh.
    set_tests_properties(integration/demo PROPERTIES SKIP_REGULAR_EXPRESSION "cannot make namespaces")
endif()
