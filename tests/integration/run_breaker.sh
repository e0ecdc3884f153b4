#!/usr/bin/env bash
# The circuit breaker of a run: freeze, resume, kill, read-only; what the mount's server trips holds
# in the guard and the reverse; what an operator sees.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
. "$(dirname "$0")/../support/world.sh"
need_root
need_run
world_start

policy_with() # NAME RULE...
{
    local name=$1 rule
    shift
    {
        printf 'version: 1\nname: %s\nfilesystem:\n  rules:\n' "$name"
        printf '    - {id: all, action: allow, paths: ["**"]}\n'
        printf 'network:\n  rules:\n    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80, 7777], name_check: address-only}\n'
        printf 'breaker:\n'
        for rule in "$@"; do printf '  - {%s}\n' "$rule"; done
    } >"$policies/$name.yaml"
    echo "$policies/$name.yaml"
}
precious()
{
    rm -rf "$ws" "$work"/{out,err,status}
    mkdir -p "$ws/src"
    for i in $(seq 1 20); do echo "precious $i" >"$ws/src/f$i"; done
}
left()
{
    ls "$ws/src" | wc -l
}
start_run() # POLICY OPTION... -- CMD
{
    local policy=$1
    shift
    "$bin/failcore" run --policy "$policy" --workspace "$ws" --audit "$audit" --status-fd 9 "$@" \
        >"$work/out" 2>"$work/err" 9>"$work/status" &
    run=$!
    wait_until 10 grep -q started "$work/status" || failed "the run did not start: $(cat "$work/err")"
    id=$(jq -r 'select(.event == "started").run' "$work/status")
}
state_is()
{
    "$bin/failcore" ps | grep "^$id" | grep -q " $1 "
}
trips()
{
    records ".kind == \"BREAKER\" and .run == \"$id\"" | jq -c '[.call.state, .call.event, .call.count, .call.action]'
}
recorded()
{
    trips | grep -qF "$1"
}
# Every process inside the run but its first one, as the kernel has them: T is stopped, D waits in
# vfork(2) for a child that is.
states()
{
    pgrep -f "$1" | while read -r pid; do
        if awk '/^NSpid:/ { found = NF > 2 && $NF != 1 } END { exit !found }' "/proc/$pid/status" 2>/dev/null; then
            sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -c1
        fi
    done | sort -u | tr -d '\n'
}
all_stopped()
{
    states "$1" >"$work/states"
    grep -qxE 'D?T' "$work/states"
}

# ---- freeze and resume -----------------------------------------------------------------------

freeze=$(policy_with freeze 'event: delete, count: 5, within: 1h, action: freeze')
precious
echo 'rm -rf src; echo "rm: $?" >>log; echo went-on >>log; while :; do date +%N >tick; sleep 0.02; done' >"$ws/agent.sh"
start_run "$freeze" --no-net -- sh -c "(while :; do sleep 0.01; done) & sh agent.sh marker-$$"
check "frozen" wait_until 10 state_is frozen
check "five files went and no more" test "$(left)" = 15
check "every process is stopped" wait_until 5 all_stopped "marker-$$"
check "the record" wait_until 5 recorded '["tripped","delete",5,"freeze"]'
check "stderr says what and how to go on" grep -q "tripped: more than 5 deletes within 1h; the run is frozen" "$work/err"
check "and which command" grep -q "failcore resume $id" "$work/err"
check "as --status-fd does" grep -q '"event":"breaker".*"state":"tripped"' "$work/status"
check "JSON for programs" bash -c '"$1" ps --json | jq -se "map(select(.run == \"$2\"))[0].breaker | .action == \"freeze\" and .count == 5" >/dev/null' sh "$bin/failcore" "$id"
check "a continued signal from the caller's side does not wake it" sh -c "kill -CONT $run; kill -TERM $run; sleep 0.3"
check "still stopped" all_stopped "marker-$$"
check "resume" "$bin/failcore" resume "$id"
# It goes on deleting until it has died of the signal: on a loaded machine far enough for the next freeze.
over_or_resumed()
{
    ! kill -0 $run 2>/dev/null || { "$bin/failcore" resume "$id" >/dev/null 2>&1; false; }
}
check "its processes, too (SIGTERM came with it)" wait_until 30 over_or_resumed
wait $run
ended=$?
cp "$work/err" "$work/output"
check "the signal that waited ended it: 143 ($ended)" test $ended = 143
check "the record of it" wait_until 5 recorded '["resumed","delete",5,"freeze"]'
check "what is shown" sh -c '"$1" show --audit "$3" "$2" 2>/dev/null | grep -qi breaker || "$1" show "$2" | grep -qi breaker' sh "$bin/failcore" "$id" "$audit"

precious
start_run "$freeze" --no-net -- sh -c 'for f in src/*; do until rm -f $f 2>/dev/null; do sleep 0.05; done; done; echo all >done'
for rest in 15 10 5; do
    check "frozen with $rest left" wait_until 10 state_is frozen
    check "after five more" test "$(left)" = "$rest"
    check "resumed" "$bin/failcore" resume "$id"
done
wait $run
check "goes on to its own end" test $? = 0
check "with all that the operator let it do" test "$(left)$(cat "$ws/done")" = 0all
check_exit "a run that is over cannot be resumed" 125 "$bin/failcore" resume "$id"

precious
start_run "$freeze" --no-net -- sh -c 'trap "" TERM; rm -rf src; sleep 100'
check "frozen" wait_until 10 state_is frozen
check "killed while frozen" timeout 5 "$bin/failcore" kill "$id"
wait $run
check "137" test $? = 137
check "nothing more went" test "$(left)" = 15

precious
start_run "$freeze" --no-net -- sh -c 'trap "exit 9" TERM; rm -rf src; while :; do sleep 0.02; done'
check "frozen" wait_until 10 state_is frozen
check "stopped while frozen" timeout 5 "$bin/failcore" stop "$id"
wait $run
check "it could still say its last word" test $? = 9

# A fork bomb does not outrun the freeze.
precious
start_run "$freeze" --no-net -- sh -c "cd src; while :; do (sh -c 'sleep 0.01 # bomb-$$') & (sh -c 'rm -f f*; sleep 0.01 # bomb-$$') & sleep 0.01; done # bomb-$$"
check "frozen among forks" wait_until 10 state_is frozen
wait_until 10 all_stopped "bomb-$$"
check "all of them ($(cat "$work/states"))" grep -qxE 'D?T' "$work/states"
check "killed" timeout 5 "$bin/failcore" kill "$id"
wait $run

# Nor does who has asked the kernel for a SIGCONT every so often: stopped again and again, or killed.
precious
cat >"$ws/restless.py" <<'PY'
import ctypes, signal, time
signal.signal(signal.SIGCONT, lambda *_: None)
class Event(ctypes.Structure):
    _fields_ = [("value", ctypes.c_long), ("signo", ctypes.c_int), ("notify", ctypes.c_int), ("rest", ctypes.c_long * 6)]
timer = ctypes.c_void_p()
c = ctypes.CDLL(None)
c.timer_create(1, ctypes.byref(Event(signo=signal.SIGCONT)), ctypes.byref(timer))
c.timer_settime(timer, 0, (ctypes.c_long * 4)(0, 30000000, 0, 30000000), None)
while True:
    print("awake", flush=True)
    time.sleep(0.02)
PY
start_run "$freeze" --no-net -- sh -c "(exec python3 restless.py awake-$$) & sleep 0.5; rm -rf src; sleep 100"
settled() # for a second: stopped, or gone
{
    for _ in $(seq 20); do
        case "$(states "restless.py awake-$$")" in *[RS]*) return 1 ;; esac
        sleep 0.05
    done
}
check "frozen" wait_until 10 state_is frozen
check "whoever goes on by itself does not for long" wait_until 15 settled
check "the rest is there" state_is frozen
check "killed" timeout 5 "$bin/failcore" kill "$id"
wait $run

# Its command ends between the trip and the freeze: who is held is let go, so that all can end.
precious
cat >"$ws/ends.py" <<'PY'
import os, time
if os.fork() == 0:
    while not os.path.exists("go"):
        time.sleep(0.01)
    for name in os.listdir("src"):
        os.unlink("src/" + name)
    os._exit(0)
while "BREAKER" not in open(".failcore/denials").read():
    time.sleep(0.01)
PY
start_run "$freeze" --no-net -- python3 ends.py "ends-$$"
both()
{
    test "$(pgrep -fc "^python3 ends.py ends-$$")" = "$1"
}
check "both are there" wait_until 10 both 2
kill -STOP $run
touch "$ws/go"
check "the command has ended while nobody could freeze" wait_until 9 both 1
began=$(date +%s%N)
kill -CONT $run
wait $run
check "as it wanted" test $? = 0
check "at once ($(($(date +%s%N) - began)) ns)" test $(($(date +%s%N) - began)) -lt 4000000000

# What a run made is its own to remove; of the next run it is what was there before.
precious
start_run "$freeze" --no-net -- sh -c 'mkdir made && cd made && for i in $(seq 1 40); do echo $i >m$i; done; rm -f m1? m2?'
wait $run
check "its own, however many" test "$?$(ls "$ws/made" | wc -l)" = 020
start_run "$freeze" --no-net -- rm -rf made
check "the next run may not" wait_until 10 state_is frozen
check "but five" test "$(ls "$ws/made" | wc -l)" = 15
check "killed" "$bin/failcore" kill "$id"
wait $run

# ---- kill ------------------------------------------------------------------------------------

kill=$(policy_with kill 'event: overwrite, count: 3, within: 1h, action: kill')
precious
start_run "$kill" --no-net -- sh -c 'trap "" TERM; for f in src/*; do : >$f; done; touch survived; sleep 100'
wait $run
check "killed by the breaker: 137" test $? = 137
check "three were truncated" test "$(find "$ws/src" -size 0 | wc -l)" = 3
check "nothing after" test ! -e "$ws/survived"
check "stderr says why" grep -q 'the circuit breaker has ended the run: more than 3 overwrites within 1h' "$work/err"
check "END says so" test "$(records ".run == \"$id\" and .kind == \"END\"" | jq -r '[.call.cause, .call.exit] | @csv')" = '"breaker",137'
check "the status line as well" grep -q '"cause":"breaker"' "$work/status"

# ---- readonly, and what one side trips holds on the other -------------------------------------

readonly=$(policy_with readonly 'event: delete, count: 2, within: 1h, action: readonly' 'event: connect, count: 2, within: 1h, action: readonly')
precious
cat >"$ws/agent.sh" <<'AGENT'
curl -sS -m 5 -o /dev/null http://www.example.org/ && echo "web before: ok"
rm src/f1 src/f2 && echo "two: ok"
rm src/f3 || echo "third: refused"
curl -sS -m 5 -o /dev/null http://www.example.org/ || echo "web after: refused"
cat src/f3
AGENT
start_run "$readonly" --uplink "netns:$world_ns" -- sh agent.sh
wait $run
check "it ended by itself" test $? = 0
cp "$work/out" "$work/output"
check "a trip in the mount closes the network" test "$(tr '\n' ';' <"$work/out")" = "web before: ok;two: ok;third: refused;web after: refused;precious 3;"
check "and the network's refusal says why" test -n "$(records ".run == \"$id\" and .source != \"fs\" and .code == \"BREAKER_TRIPPED\" and .policy.rule == \"breaker.delete\"")"
check "one trip" test "$(trips | wc -l)" = 1

precious
cat >"$ws/agent.sh" <<'AGENT'
for i in 1 2 3; do curl -sS -m 5 -o /dev/null http://www.example.org/ && echo "web $i: ok"; done
rm src/f1 || echo "delete: refused"
cat src/f3
AGENT
start_run "$readonly" --uplink "netns:$world_ns" -- sh agent.sh
wait $run
check "it ended by itself" test $? = 0
cp "$work/out" "$work/output"
check "a trip in the guard closes the mount" test "$(tr '\n' ';' <"$work/out")" = "web 1: ok;web 2: ok;delete: refused;precious 3;"
check "its record comes from the guard" wait_until 5 recorded '["tripped","connect",2,"readonly"]'

# A flow that is there is cut when something else trips.
precious
cat >"$ws/agent.py" <<'AGENT'
import os, socket, time
s = socket.create_connection(("www.example.org", 7777), timeout=5)
s.sendall(b"before"); print("echo", len(s.recv(100)), flush=True)
for i in (1, 2, 3):
    try: os.unlink(f"src/f{i}")
    except PermissionError: print("refused", i, flush=True)
end = time.monotonic() + 8
try:
    while time.monotonic() < end:
        s.sendall(b"after"); s.recv(100); time.sleep(0.05)
    print("never cut")
except OSError as error:
    print("cut")
AGENT
start_run "$readonly" --uplink "netns:$world_ns" -- python3 agent.py
wait $run
check "a live flow is cut" test "$(tr '\n' ';' <"$work/out")" = "echo 6;refused 3;cut;"

bytes=$(policy_with bytes 'event: bytes_out, count: 1MiB, within: 1h, action: kill')
precious
cat >"$ws/agent.py" <<'AGENT'
import socket, time
s = socket.create_connection(("www.example.org", 80), timeout=5)
s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n")
while True:
    s.send(bytes(20000)); time.sleep(0.005)
AGENT
start_run "$bytes" --uplink "netns:$world_ns" -- python3 agent.py
wait $run
check "bytes: killed" test $? = 137
check "the record" recorded '["tripped","bytes_out",1048576,"kill"]'

# Refusals of the mount and of the guard count together.
blocked=$(policy_with blocked 'event: blocked, count: 6, within: 1h, action: kill')
sed -i 's/^network:/    - {id: no, action: deny, paths: ["no\/**"]}\nnetwork:/' "$blocked"
precious
mkdir "$ws/no"
start_run "$blocked" --uplink "netns:$world_ns" -- sh -c 'for i in 1 2 3 4; do cat no/$i; done 2>/dev/null
    for i in 1 2 3 4; do curl -sS -m 5 http://www$i.example.com/ 2>/dev/null; done; sleep 5; touch survived'
wait $run
check "refusals of both count together: killed" test $? = 137
check "before it went on" test ! -e "$ws/survived"
# Programs: of the system, of the workspace, and by names that look like one and are the other.
exec=$(policy_with exec 'event: exec, count: 6, within: 1h, action: kill')
precious
cp /bin/true "$ws/own"
ln -s /usr/bin/true "$ws/link"
start_run "$exec" --no-net -- bash -c 'for i in 1 2 3; do ./own; ./link; ../../../../../../usr/bin/true; done; echo survived >>log; sleep 5; touch survived'
wait $run
check "executions by whatever name: killed" test $? = 137
check "before it went on" test ! -e "$ws/survived"
check "the record of it" recorded '["tripped","exec",6,"kill"]'
check "the log verifies" "$bin/failcore" audit verify "$audit"

# The run fills standard error and trips: a caller that does not read it, and does not read the
# status lines either, keeps the supervisor from nothing.
patient=$(policy_with patient 'event: delete, count: 3, within: 1h, action: readonly')
echo 'limits: {wall_time: 3s}' >>"$patient"
precious
mkfifo "$work/deaf"
sleep 60 <>"$work/deaf" & deaf=$!
at_exit "kill $deaf"
head -c 65536 /dev/zero >"$work/deaf"
began=$(date +%s%3N)
"$bin/failcore" run --policy "$patient" --no-net --workspace "$ws" --audit "$audit" --status-fd 9 \
    -- sh -c 'rm src/*; sleep 50; echo survived' >"$work/out" 2>"$work/deaf" 9>"$work/deaf" & run=$!
ended()
{
    records '.kind == "END"' | tail -n 1 | jq -r .call.detail | grep -q wall_time
}
check "nobody reads, the breaker has tripped: the clock ends the run" wait_until 15 ended
took=$(($(date +%s%3N) - began))
check "in time ($took ms)" test $took -lt "$(patience 9000)"
kill $deaf
wait $run
check "and the supervisor ends in order, whoever still waits to be read" test $? = 124
check_fails "nothing went on" grep -q survived "$work/out"
