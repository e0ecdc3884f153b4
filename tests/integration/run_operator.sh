#!/usr/bin/env bash
# The operator's side of a run: ps, stop, kill; and what is left when a supervisor was killed.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run
user_setup

start_run()
{
    rm -f "$ws/started"
    "$bin/failcore" run --no-net --policy "$allow_all" --workspace "$ws" --audit "$audit" \
        --status-fd 9 --name "$@" >"$work/out" 2>"$work/err" 9>"$work/status" &
    run=$!
    wait_until 10 test -e "$ws/started" || failed "the run did not start: $(cat "$work/err")"
    wait_until 10 grep -q '"started"' "$work/status" || failed "no word that the run started"
    id=$(jq -r 'select(.event == "started").run' "$work/status")
}
listed()
{
    "$bin/failcore" ps | grep -q "$1"
}
stubborn="trap '' TERM INT HUP; touch started; sleep 300; sleep 300"

start_run one -- sh -c "$stubborn"
check "a live run is listed" listed "$id"
check "with its name" listed one
check "and its command as it was given" listed "sh -c trap '' TERM"
check "as JSON with its command" wait_until 5 bash -c '"$1" ps --json | jq -e "select(.run == \"$2\") |
    .command[0] == \"sh\" and .pid == $3" >/dev/null' sh "$bin/failcore" "$id" "$run"
check "an ordinary user does not see root's runs" test -z "$(as_user "$user_bin/failcore" ps)"
check_exit "nor can it kill them" 125 as_user "$user_bin/failcore" kill "$id"
began=$(date +%s%3N)
check "kill" "$bin/failcore" kill "$id"
took=$(($(date +%s%3N) - began))
check "within a second ($took ms)" test $took -lt "$(patience 1000)"
wait $run
check "the killed run: 137" test $? = 137
check_fails "it is not listed any more" listed "$id"
check "END says why" test "$(records ".run == \"$id\" and .kind == \"END\"" | jq -r .call.cause)" \
    = stopped

# Nor does root, or another user, see or end a user's; that one does.
mkdir -p "$work/other"
chown 64124 "$work/other"
as_other()
{
    (cd / && setpriv --reuid 64124 --regid 64124 --clear-groups --inh-caps=-all env HOME="$work/other" \
        XDG_RUNTIME_DIR="${runtime:-$work/other}" "$user_bin/failcore" "$@")
}
as_user "$user_bin/failcore" run --no-net --policy "$allow_all" --name theirs -- sh -c "$stubborn" >"$work/out" 2>&1 &
run=$!
check "a user's run" wait_until 10 test -e "$user_home/ws/started"
check "is listed to that user" bash -c '"$@" ps | grep -q theirs' sh setpriv --reuid "$user_id" --regid "$user_id" \
    --clear-groups env XDG_RUNTIME_DIR="$user_home/run" "$user_bin/failcore"
check_fails "not to root" listed theirs
check "nor to another user" test -z "$(as_other ps)"
check_exit "who cannot end it" 125 as_other kill theirs
check "nor by looking where the first one's runs are" test -z "$(runtime=$user_home/run as_other ps 2>/dev/null)"
check_exit "or by saying so there" 125 env runtime="$user_home/run" bash -c "$(declare -f as_other)
    work=$work user_bin=$user_bin; as_other kill theirs"
supervisor=$(pgrep -f "^$user_bin/failcore run .*--name theirs" | head -1)
check_fails "nor by a signal to its supervisor" setpriv --reuid 64124 --regid 64124 --clear-groups --inh-caps=-all \
    kill -9 "$supervisor"
check "it still runs" kill -0 "$supervisor"
check "its user can" setpriv --reuid "$user_id" --regid "$user_id" --clear-groups env \
    XDG_RUNTIME_DIR="$user_home/run" "$user_bin/failcore" kill theirs
wait $run
check "that is 137 as well" test $? = 137

start_run two -- sh -c "trap 'exit 6' TERM; touch started; while :; do sleep 0.05; done"
check "stop, by name" "$bin/failcore" stop two
wait $run
check "the command's own answer to SIGTERM" test $? = 6

start_run three -- sh -c "$stubborn"
began=$(date +%s%3N)
check "kill of one that ignores everything" "$bin/failcore" kill three
check "within a second" test $(($(date +%s%3N) - began)) -lt "$(patience 1000)"
wait $run
check "137 again" test $? = 137

start_run four -- sh -c "$stubborn"
kill -STOP $run
began=$(date +%s%3N)
check "kill with a supervisor that is stopped" "$bin/failcore" kill four
check "within a second and a half" test $(($(date +%s%3N) - began)) -lt "$(patience 1500)"
wait $run 2>/dev/null
check "nothing of it is left" bash -c "! pgrep -f '[t]ouch started; sleep 300' >/dev/null"

start_run five -- sh -c "$stubborn"
{
    kill -9 $run
    wait $run
} 2>/dev/null
check_fails "a killed supervisor's run is not listed" listed five
check "and its directory is cleared" test ! -e "/run/failcore/runs/$id"

# What a killed supervisor could not take away, the next look does.
if [ -w /sys/fs/cgroup/pids ] || [ -w /sys/fs/cgroup/cgroup.procs ]; then
    printf 'version: 1\nname: grouped\nextends: [./allow_all.yaml]\nlimits: {processes: 50}\n' \
        >"$policies/grouped.yaml"
    start_run six --policy "$policies/grouped.yaml" -- sh -c "$stubborn"
    groups()
    {
        find /sys/fs/cgroup -name "failcore-$id" | grep .
    }
    check "a run with a control group" groups
    {
        kill -9 $run
        wait $run
    } 2>/dev/null
    no_groups()
    {
        "$bin/failcore" ps >/dev/null
        ! groups
    }
    check "is gone with its group at a later look" wait_until 5 no_groups
    check "and its directory" wait_until 5 test ! -e "/run/failcore/runs/$id"
fi

check_exit "no such run" 125 "$bin/failcore" kill nothing-like-that
check_exit "no run named" 2 "$bin/failcore" stop
check_exit "a reader outside that never reads does not keep a killed run" 137 bash -c '
    "$@" -- sh -c "touch pipe-started; yes" > >(sleep 4) &
    until [ -e "$0/pipe-started" ]; do sleep 0.05; done
    "$1" kill pipe; wait $!' "$ws" "$bin/failcore" run --name pipe --no-net --policy "$allow_all" \
    --workspace "$ws" --audit "$audit"

# Whatever it does: within a second. A fork bomb as large as it may be, and callers that wait for a
# server that answers nobody.
printf 'version: 1\nname: bomb\nextends: [./allow_all.yaml]\nlimits: {processes: 150}\n' \
    >"$policies/bomb.yaml"
rm -f "$ws/started"
"$bin/failcore" run --policy "$policies/bomb.yaml" --workspace "$ws" --audit "$audit" --name bomb \
    -- bash -c 'trap "" TERM; touch started; b() { b | b & }; b; sleep 100' >/dev/null 2>&1 &
run=$!
check "a fork bomb runs" wait_until 10 test -e "$ws/started"
check "the machine answers meanwhile" timeout 5 "$bin/failcore" ps
began=$(date +%s%3N)
check "kill of a fork bomb" "$bin/failcore" kill bomb
took=$(($(date +%s%3N) - began))
check "within a second ($took ms)" test $took -lt "$(patience 1000)"
wait $run
check "the bomb: 137" test $? = 137
