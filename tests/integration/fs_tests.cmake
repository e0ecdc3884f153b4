# The mount.
failcore_integration_test(fs_mount fs_mount.sh)
failcore_integration_test(fs_policy fs_policy.sh)
failcore_integration_test(fs_closed fs_closed.sh)
failcore_integration_test(fs_attacks fs_attacks.sh)
failcore_integration_test(fs_reload fs_reload.sh)
failcore_integration_test(fs_requests fs_requests.sh)
failcore_integration_test(fs_confined fs_confined.sh)
failcore_integration_test(fs_large fs_large.sh)
