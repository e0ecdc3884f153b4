#!/usr/bin/env bash
# Whom a guard that does not answer hinders: a network that there is not, a guard that is dead, one that is
# stopped and one that is only slow are told apart, nobody waits for ever, and no second guard is started.
. "${FAILCORE_SOURCE_DIR:-$(dirname "$0")/../..}/tests/support/integration.sh"
need_root
network=status$$
at_exit "$bin/failcore-netns" delete "$network"
netns()
{
    timeout 30 "$bin/failcore-netns" "$@" </dev/null
}
# says CODE TEXT CMD...: ends with that code, and its first line has the text.
says()
{
    local wanted=$1 text=$2 status=0
    shift 2
    "$@" >"$work/said" 2>&1 || status=$?
    cat "$work/said"
    [ "$status" = "$wanted" ] && head -n 1 "$work/said" | grep -q -- "$text"
}
guards()
{
    pgrep -cf "^[^ ]*failcore-netguard .*$work/audit"
}
listed()
{
    netns list | grep -qx "$network $1"
}

for verb in status reload resume delete; do
    check "$verb of a network that there is not" says 125 "there is no network named $network" netns $verb "$network"
done
netns status "$network" 2>"$work/said"
check "with what to do" grep -q "failcore-netns create $network" "$work/said"
check "a network is made" netns create "$network" --uplink none --audit "$work/audit"
pid=$(netns status --json "$network" | jq .pid)
before=$(guards)
check "open" listed open

# Stopped: each waits ten seconds, not for ever; all of them at once.
kill -STOP "$pid"
began=$SECONDS
netns status "$network" >"$work/status" 2>&1 &
waiting=$!
(netns resume "$network" 2>&1 || echo "code $?") >"$work/resume" &
(netns exec "$network" -- true 2>&1 || echo "code $?") >"$work/exec" &
for i in $(seq 30); do # callers that have given up
    timeout 0.2 "$bin/failcore-netns" status "$network" >/dev/null 2>&1 &
done
check "it is there" listed open
code=0
wait "$waiting" || code=$?
check "the status gives up" test "$code" = 125
check "after ten seconds" test $((SECONDS - began)) -le 15
check "and says why" grep -q "the guard of $network does not answer within 10 seconds" "$work/status"
wait
for verb in resume exec; do
    check "$verb gives up as well" grep -q "does not answer within 10 seconds" "$work/$verb"
    check "$verb: its code" grep -qx 'code 125' "$work/$verb"
done
check "no second guard was started" test "$(guards)" = "$before"

# Only slow: whoever asks gets the answer when it comes.
netns status --json "$network" >"$work/late" 2>&1 &
waiting=$!
sleep 0.5
kill -CONT "$pid"
check "a slow guard's answer is waited for" wait "$waiting"
check "and whole" jq -e ".pid == $pid" "$work/late"

# Dead.
kill -STOP "$pid"
kill -9 "$pid"
check "dead" wait_until 5 listed dead
for verb in status resume reload; do
    check "$verb says so" says 125 "the guard of $network is dead" netns $verb "$network"
done
check "it can be made again" netns create "$network" --uplink none --audit "$work/audit"
pid=$(netns status --json "$network" | jq .pid)
kill -STOP "$pid"
check "a stopped guard can be ended" netns delete "$network"
check "it has ended" wait_until 5 test ! -e "/proc/$pid"
check "nothing is left" says 125 "there is no network named $network" netns status "$network"
