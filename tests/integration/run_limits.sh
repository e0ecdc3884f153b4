#!/usr/bin/env bash
# Limits: each stops what it is for, the record and the exit code say which, the host goes on.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run
user_setup

# limited LIMITS CMD...: a run with `limits: {LIMITS}`
limited()
{
    printf 'version: 1\nname: limited\nfilesystem:\n  rules:\n    - {id: all, action: allow, paths: ["**"]}\nlimits: {%s}\n' \
        "$1" >"$policies/limited.yaml"
    shift
    "$bin/failcore" run --no-net --policy "$policies/limited.yaml" --workspace "$ws" \
        --audit "$audit" --status-fd 9 -- "$@" 9>"$work/status"
}
last_limit()
{
    records '.kind == "LIMIT"' | tail -1 | jq -r '"\(.call.limit) \(.status) \(.code)"'
}
milliseconds()
{
    date +%s%3N
}

began=$(milliseconds)
limited 'wall_time: 1s' sh -c "trap '' TERM; sleep 100" >/dev/null 2>&1
code=$?
took=$(($(milliseconds) - began))
check "wall time: 124, also for who ignores SIGTERM" test $code = 124
check "in time ($took ms)" test $took -lt "$(patience 1700)"
check "recorded" test "$(last_limit)" = "wall_time TIMEOUT LIMIT_TIME"
check "the status says so" jq -es '.[-1].cause == "limit" and .[-1].detail == "wall_time"' \
    "$work/status"
check_exit "a run that ends in time is its own" 3 limited 'wall_time: 20s' sh -c 'exit 3'
limited 'wall_time: 500ms' sh -c "trap 'echo obeyed; exit 0' TERM; while :; do sleep 0.05; done" \
    >"$work/out" 2>/dev/null
check "SIGTERM comes first" grep -q obeyed "$work/out"

limited 'output_bytes: 1MiB' sh -c 'head -c 100000000 /dev/zero' >"$work/out" 2>/dev/null
check "100 MB of output: 137" test $? = 137
check "and not a byte more than allowed" test "$(stat -c %s "$work/out")" = 1048576
check "recorded" test "$(last_limit)" = "output_bytes LIMIT LIMIT_OUTPUT"
limited 'output_bytes: 1000' sh -c 'head -c 1000 /dev/zero' >"$work/out" 2>/dev/null
check "exactly the limit is allowed" test "$? $(stat -c %s "$work/out")" = "0 1000"

limited 'file_size: 1MiB' sh -c 'head -c 3000000 /dev/zero >big' >/dev/null 2>&1
check "no file grows past its limit" test "$(stat -c %s "$ws/big")" -le 1048576

limited 'processes: 20' sh -c '
    for i in $(seq 100); do sleep 3 & done 2>/dev/null; echo $(jobs -p | wc -l)' \
    >"$work/out" 2>/dev/null
check "a fork bomb stays small" test "$(ps -e -o args= | grep -c '^sleep 3$')" -lt 25
bomb='b() { b | b & }; b; sleep 2'
began=$(milliseconds)
limited 'processes: 50, wall_time: 3s' bash -c "$bomb" >/dev/null 2>&1
took=$(($(milliseconds) - began))
check "the well-known one too ($took ms)" test $took -lt "$(patience 6000)"

# Bytes written through the mount, however: overwritten and deleted ones as well.
limited 'disk: 1MiB, wall_time: 20s' sh -c 'while :; do
    if head -c 100000 /dev/zero >fill; then echo x; fi; rm -f fill; done' >"$work/out" 2>/dev/null
check "a disk filler: 137" test $? = 137
check "after as much as it may write" test "$(grep -c x "$work/out")" -le 11
check "recorded" test "$(last_limit)" = "disk LIMIT LIMIT_DISK"
limited 'disk: 1MiB' sh -c 'head -c 1048064 /dev/zero >fill; exit 7' >/dev/null 2>&1
check "exactly the limit is allowed, the name with it" test $? = 7
limited 'disk: 1MiB' python3 -c '
import os
fd = os.open("big", os.O_RDWR | os.O_CREAT)
try: os.posix_fallocate(fd, 0, 10 << 20)
except OSError: pass
import time; time.sleep(5)' >/dev/null 2>&1
check "by fallocate as well" test $? = 137
for made in 'os.mkdir(f"d{i}")' 'os.symlink("x" * 1000, f"d{i}")' 'open(f"d{i}", "w").close()' \
    'os.link("one", f"d{i}")' 'os.mkfifo(f"d{i}")'; do
    limited 'disk: 1MiB, wall_time: 20s' python3 -c "
import os, time
open('one', 'w').close()
try:
    for i in range(3000): $made
except OSError: time.sleep(5)" >/dev/null 2>&1
    check "by names alone: $made" test $? = 137
    check "not many" test "$(find "$ws" -name 'd*' | wc -l)" -le 2048
    rm -rf "$ws"/d* "$ws/one"
done
rm -f "$ws/fill" "$ws/big"

if grep -q '^[0-9]*:.*memory' /proc/self/cgroup && [ -w /sys/fs/cgroup/memory ]; then
    limited 'memory: 64MiB' python3 -c 'b = bytearray(300 << 20)' >/dev/null 2>&1
    check "a memory bomb: 137" test $? = 137
    check "recorded" test "$(last_limit)" = "memory LIMIT LIMIT_MEMORY"
    limited 'memory: 64MiB' sh -c 'head -c 300000000 /dev/zero >/tmp/fill; echo survived' \
        >"$work/out" 2>/dev/null
    check "filling /tmp counts as memory" test "$(grep -c survived "$work/out")" -le 1
    check "no group is left" bash -c '! find /sys/fs/cgroup -name "failcore-2*" | grep -q .'
    limited 'cpu_time: 1s' sh -c 'while :; do :; done' >/dev/null 2>&1
    check "CPU time: 137" test $? = 137
    check "recorded" test "$(last_limit)" = "cpu_time LIMIT LIMIT_CPU"
    if grep -q ' cgroup2 rw' /proc/mounts; then
        check "counted by version 2, where there is one" test "$(records '.kind == "START"' |
            tail -1 | jq -r .call.limits.cpu_time)" = cgroup-v2
    fi
    limited 'cpu: 20%, wall_time: 1s' sh -c 'while :; do :; done; ' >/dev/null 2>&1
    used=$(limited 'cpu: 20%' bash -c '
        end=$((${EPOCHREALTIME/./} + 1000000))
        while [ ${EPOCHREALTIME/./} -lt $end ]; do :; done
        awk "{print (\$14 + \$15)}" /proc/$$/stat' 2>/dev/null)
    check "a fifth of one processor: $used of 100 ticks" test "${used:-100}" -le 45
    check "START says by which means" test "$(records '.kind == "START"' | tail -1 |
        jq -r .call.limits.cpu)" = cgroup-v1
    # All that two processes used in two seconds, from their own clocks.
    used=$(limited 'cpu: 50%' python3 -c '
import os, time
children = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        end = time.monotonic() + 2
        while time.monotonic() < end: pass
        os._exit(0)
for _ in range(2): os.wait()
times = os.times()
print(round((times.children_user + times.children_system) * 100))' 2>/dev/null)
    check "half of one, for two processes together: $used of 200 ticks" test "${used:-400}" -le 110
fi

# Without a group to write, an ordinary user gets rlimits, and --strict none of it.
cat >"$policies/user.yaml" <<'POLICY'
version: 1
name: user
filesystem:
  rules:
    - {id: all, action: allow, paths: ["**"]}
limits: {memory: 256MiB, processes: 30}
POLICY
chmod a+r "$policies/user.yaml"
check_exit "a user's memory is limited" 1 as_user "$user_bin/failcore" run --no-net --policy \
    "$policies/user.yaml" -- /usr/bin/python3 -c 'b = bytearray(400 << 20)'
as_user "$user_bin/failcore" run --no-net --policy "$policies/user.yaml" -- sh -c '
    for i in $(seq 100); do sleep 2 & done 2>/dev/null; sleep 1' >/dev/null 2>&1
check "and its processes" test "$(ps -e -o args= | grep -c '^sleep 2$')" -lt 32
check_exit "--strict refuses the weaker form" 65 as_user "$user_bin/failcore" run --no-net \
    --strict --policy "$policies/user.yaml" -- true
sed 's/^limits: .*/limits: {cpu: 20%}/' "$policies/user.yaml" >"$policies/quota.yaml"
chmod a+r "$policies/quota.yaml"
check_exit "a quota that cannot be kept is not left out: no run" 65 as_user "$user_bin/failcore" run --no-net \
    --policy "$policies/quota.yaml" -- touch started
said=$(cat "$work/output")
check "the line of the policy is named" grep -q 'quota.yaml:6:' <<<"$said"
check "with the mend" grep -q 'try: systemd-run' <<<"$said"
check_fails "really none" test -e "$user_home/ws/started"
