# The reading side of the log, over real logs that audit_story has the real writer make.
failcore_program(audit_story SOURCES ${PROJECT_SOURCE_DIR}/tests/support/audit_story.c LIBS audit)
failcore_integration_test(show_timeline show_timeline.sh)
failcore_integration_test(audit_report audit_report.sh)
failcore_integration_test(audit_export audit_export.sh)
failcore_integration_test(replay replay.sh)
failcore_integration_test(policy_learn policy_learn.sh)
failcore_integration_test(metrics_top metrics_top.sh)
failcore_integration_test(effects effects.sh)
