#!/usr/bin/env bash
# failcore-netns exec, started by root: nothing of root's groups stays with the command.
. "${FAILCORE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/integration.sh"
need_root

chmod 755 "$work"
network=groups$$
echo secret >"$work/of_root"
chgrp root "$work/of_root"
chmod 640 "$work/of_root"
at_exit "$bin/failcore-netns" delete "$network"
run_with_groups()
{
    setpriv --groups 0,4 "$bin/failcore-netns" exec "$network" --uplink none --audit "$work/audit" -- "$@"
}
check "a command runs" run_with_groups true
check "it has no supplementary group" grep -qx 'Groups:[[:space:]]*' <(run_with_groups cat /proc/self/status)
check_fails "what root's group may read, it may not" run_with_groups cat "$work/of_root"
check "nor does it as the user of sudo" grep -qx 'Groups:[[:space:]]*' \
    <(SUDO_UID=65534 SUDO_GID=65534 run_with_groups cat /proc/self/status)
