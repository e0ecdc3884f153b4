#!/usr/bin/env bash
# What the units rely on, without systemd: the log's writer serves a socket that it is given and says
# that it lives; a guard takes its network out of the descriptor store, as a user that never was root.
. "${FAILCORE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/integration.sh"
need_root
command -v python3 >/dev/null || skip "no python3"
chmod 755 "$work"

# ---- failcore-auditd.socket ---------------------------------------------------------------------
mkdir -m 700 "$work/audit"
mkdir "$work/w"
python3 "$FAILCORE_SOURCE_DIR/tests/support/activate.py" "$work/audit.writer" writer "$work/said" \
    "$bin/failcore-auditd" --foreground --idle-exit 2 "$work/audit" >"$work/activation" 2>&1 &
activation=$!
at_exit kill "$activation"
wait_until 10 grep -q listening "$work/activation"
run() { "$bin/failcore" run --workspace "$work/w" --no-net --audit "$work/audit" -- sleep 0.5; }
check "a run connects to the given socket" run
check "the writer said that it is ready" grep -q '^READY=1 STATUS=writing' "$work/said"
check "and that it lives" wait_until 10 grep -qE '^WATCHDOG=1 STATUS=writing; [1-9][0-9]* records' "$work/said"
wait "$activation"
check "it left, and the socket is its owner's still" test -S "$work/audit.writer"
check "the log is intact" "$bin/failcore" audit verify "$work/audit"
rm "$work/audit.writer"
check "without a manager a run starts its own writer" run
check "which goes on with the same log" "$bin/failcore" audit verify "$work/audit"

# ---- failcore-netguard@.service -----------------------------------------------------------------
unshare --user --map-root-user true 2>/dev/null || skip "no user namespaces (the rest passed)"
name=service$$
mkdir "$work/bin" "$work/own"
cp "$bin/failcore-netguard" "$bin/failcore-auditd" "$work/bin/"
chown nobody: "$work/own"
netns() { FAILCORE_STATE='' "$bin/failcore-netns" "$@"; }
env -u FAILCORE_STATE XDG_STATE_HOME="$work/own" XDG_RUNTIME_DIR="$work/own" \
    python3 "$FAILCORE_SOURCE_DIR/tests/support/service_manager.py" nobody \
    "$bin/failcore-netns" create "$name" --store --uplink none -- \
    "$work/bin/failcore-netguard" --stored-network >"$work/heard" 2>"$work/errors" &
manager=$!
at_exit kill "$manager"
at_exit "$bin/failcore-netns" delete "$name"
check "the guard is ready" wait_until 20 grep -q '"READY": "1"' "$work/heard"
guard=$(sed -n 's/.*"MAINPID": \([0-9]*\).*/\1/p' "$work/heard")
check "it is that user" test "$(stat -c %U "/proc/$guard")" = nobody
check "with one capability, over its own namespace" grep -qE '^CapEff:\s*0000000000001000$' "/proc/$guard/status"
check "the store keeps nothing" grep -q '"READY".*"store": \[\]' "$work/heard"
check "it says that it lives" wait_until 10 grep -q '"WATCHDOG": "1".*"STATUS": "open; packets judged' "$work/heard"
check "root asks it" netns status "$name"
check_exit "and runs a command in its network" 7 netns exec "$name" -- sh -c 'exit 7'
check_fails "which reaches nothing" netns exec "$name" -- timeout 5 bash -c 'exec 3<>/dev/tcp/192.0.2.1/443'
chmod 711 "$work"
check_fails "another user does not" setpriv --reuid nobody --regid nogroup --clear-groups "$work/bin/failcore-netguard" --stored-network
kill -KILL "$guard"
wait "$manager" 2>/dev/null
check_fails "killed, it answers nobody" netns status "$name"
check "and is deleted" netns delete "$name"
