# The audit log.
failcore_program(audit_emitter SOURCES ${PROJECT_SOURCE_DIR}/tests/support/audit_emitter.c LIBS audit)
failcore_integration_test(audit_chain audit_chain.sh)
failcore_integration_test(audit_crash audit_crash.sh)
failcore_integration_test(audit_identity audit_identity.sh)
failcore_integration_test(audit_limits audit_limits.sh)
failcore_integration_test(audit_strangers audit_strangers.sh)
failcore_integration_test(audit_tlog audit_tlog.sh)
failcore_integration_test(audit_vectors audit_vectors.sh)
