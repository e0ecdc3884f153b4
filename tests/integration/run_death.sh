#!/usr/bin/env bash
# Nothing survives a run, and no part of a run survives another (SR4).
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run

# A word that only this run's processes have, to find them by.
mark=$((RANDOM % 9000 + 1000)).$$
alive()
{
    pgrep -f "^sleep $mark" >/dev/null
}
gone()
{
    ! alive
}
# Gone, or only waited for by whoever inherited it.
ended()
{
    ! grep -qv '^State:.Z' <(grep '^State:' "/proc/$1/status" 2>/dev/null)
}
child_of()
{
    pgrep -P "$1" -x "$2" | head -1
}

start_run()
{
    "$bin/failcore" run --no-net --policy "$allow_all" --workspace "$ws" --audit "$audit" -- "$@" \
        >"$work/run.out" 2>"$work/run.err" &
    run=$!
    wait_until 10 alive || failed "the run did not start: $(cat "$work/run.err")"
}

run_failcore -- sh -c "(setsid sleep $mark &) ; (nohup sleep $mark >/dev/null 2>&1 &); exit 4"
check "the exit code of a command that left others behind" test $? = 4
check "double fork, setsid and nohup outlive nothing" gone

for victim in failcore-mount failcore-auditd; do
    start_run sh -c "trap '' TERM HUP INT; sleep $mark; echo survived"
    if [ "$victim" = failcore-auditd ]; then
        pid=$(pgrep -f "failcore-auditd.*$audit" | head -1)
    else
        pid=$(child_of $run failcore-mount)
    fi
    check "$victim is there" test -n "$pid"
    began=$(date +%s%N)
    kill -9 "$pid"
    wait $run
    code=$?
    took=$((($(date +%s%N) - began) / 1000000))
    check "$victim killed: the run ends, with our code" test $code = 137
    check "at once ($took ms)" test $took -lt "$(patience 1000)"
    check "and all of it" gone
    check "standard error says which part" grep -q "$victim" "$work/run.err"
    check_fails "nothing went on" grep -q survived "$work/run.out"
done

start_run sh -c "trap '' TERM HUP INT; sleep $mark; echo survived"
server=$(child_of $run failcore-mount)
{
    kill -9 $run
    wait $run
} 2>/dev/null
check "supervisor killed: everything ends" wait_until 2 gone
check "its server too" wait_until 2 ended "$server"

start_run sh -c "sleep $mark"
kill -TERM $run
wait $run
check "SIGTERM reaches the command" test $? = 143
check "and nothing stays" wait_until 2 gone

# server_stopped WHAT: the run's server is stopped with its caller in the middle of a request.
server_stopped()
{
    local began
    server=$(child_of $run failcore-mount)
    began=$(date +%s%N)
    kill -STOP "$server"
    wait $run
    check "a server that is stopped $1 ends the run" test $? = 137
    check "at once" test $((($(date +%s%N) - began) / 1000000)) -lt "$(patience 2000)"
    check "all of it" wait_until 2 gone
}

# A caller that waits for a stopped server cannot be killed before the server is.
start_run sh -c "sleep $mark & while :; do ls -R . >/dev/null; done"
server_stopped "in a listing"
# The run's root has the same server: whoever looks for what is not there waits for it, too.
start_run sh -c "sleep $mark & i=0; while :; do test -e /gone-$mark-\$i; i=\$((i + 1)); done"
server_stopped "in a look at the root"
check "no root of a run is left on the machine" bash -c "! grep -q failcore-view /proc/mounts"

start_run sh -c "sleep $mark"
first=$(pgrep -P $run -x failcore-init)
check "the run's first process is ours" test -n "$first"
kill -9 "$first"
wait $run
check "killed from outside: the run is over" test $? = 137
check "nothing of it is left" wait_until 2 gone
check "no mount of a run is left on the machine" bash -c "! grep -q '$ws' /proc/mounts"

# Killed at any moment of its start, a supervisor leaves nothing behind.
for delay in 0.005 0.01 0.02 0.03 0.05 0.08 0.12 0.2; do
    "$bin/failcore" run --uplink none --policy "$allow_all" --workspace "$ws" --audit "$audit" -- \
        sleep "$mark" >/dev/null 2>&1 &
    run=$!
    sleep $delay
    {
        kill -9 $run
        wait $run
    } 2>/dev/null
done
left()
{
    own_processes '^[^ ]*failcore-(mount|netguard) --run ' || pgrep -x failcore-init -f "$ws"
}
nothing_left()
{
    ! left >/dev/null && gone
}
check "killed at any moment of its start" wait_until 5 nothing_left

# Its daemons wait for it while it makes its plan: where there is none, they end before it does.
echo 'version: 2' >"$work/policies/bad.yaml"
check_exit "a run whose policy is refused" 65 "$bin/failcore" run --policy "$work/policies/bad.yaml" \
    --workspace "$ws" --audit "$audit" -- true
check_fails "has left nobody waiting" own_processes '^[^ ]*failcore-(mount|netguard) --run '
