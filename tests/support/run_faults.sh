#!/usr/bin/env bash
# Faults of a run's launcher, guard and log writer under load; run by scripts/faults.
#
#   ROUNDS=N SEED=N tests/support/run_faults.sh [FAULT]...
#
# In each round a command in a run writes files, reads one that is denied, and asks an allowed and
# two forbidden addresses, while the fault strikes at a random moment. Whatever happens: the denied
# file stays where it is, the world never sees what was forbidden, every file that was made is in the
# log, the command ends with the run, the log verifies, and the next run works.
. "$(dirname "$0")/integration.sh"
. "$(dirname "$0")/run.sh"
. "$(dirname "$0")/world.sh"
need_root
need_run
world_start
web=$policies/web.yaml
cat >"$web" <<'POLICY'
version: 1
name: web
filesystem:
  rules:
    - {id: all, action: allow, paths: ["**"]}
    - {id: secrets, action: deny, paths: ["**/.env"]}
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80]}
POLICY
cat >"$policies/open.yaml" <<'POLICY'
version: 1
name: open
filesystem: {default: allow}
network:
  default: allow_public
  rules:
    - {id: private, action: allow, addresses: ["10.0.0.0/8"], allow_private: true, ports: [any]}
POLICY
cat >"$work/agent.sh" <<'AGENT'
i=0
while :; do
    i=$((i + 1))
    echo "$i" >"made-$1-$i"
    cat .env >>"stolen" 2>/dev/null
    curl -s -o /dev/null --max-time 1 http://www.example.org/ && echo "$i" >"fetched-$1-$i"
    curl -s -o /dev/null --max-time 1 http://10.0.0.1/ && echo leak >>stolen
    curl -s -o /dev/null --max-time 1 http://denied.example.net/ && echo leak >>stolen
    [ ! -e flood ] || { rm flood; python3 flood.py; }
done
AGENT
# Flows that all wait for their verdict, and large datagrams. That the guard's socket overflows is seen in
# tests/integration/net_overload.sh, where it can be stopped: a run ends when its guard stands still.
cat >"$work/flood.py" <<'FLOOD'
import socket, time
end, sent = time.monotonic() + 2, 0
while time.monotonic() < end:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.sendto(b"x" * (60000 if sent % 16 == 0 else 1), ("93.184.216.99", 7777))
        except OSError:
            pass
        sent += 1
open("flooded", "w").write(str(sent))
FLOOD
# Programs that an upgrade can replace.
built=$bin
installed=$work/installed
mkdir "$installed"
bin=$installed
world_host denied.example.net 93.184.216.99
RANDOM=${SEED:-1}

install_programs() # FROM
{
    local program
    for program in "$1"/failcore*; do
        cp "$program" "$installed/new" && mv "$installed/new" "$installed/${program##*/}"
    done
}

below()
{
    local pid
    for pid in $(cat "/proc/$1/task"/*/children 2>/dev/null); do
        echo "$pid"
        below "$pid"
    done
}

# part NAME: the processes of this run's part.
part()
{
    local pid
    case $1 in
    launcher) echo "$launcher" ;;
    failcore-auditd) pgrep -f "^[^ ]*failcore-auditd $audit\$" ;;
    *)
        for pid in $(below "$launcher"); do
            [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "${1:0:15}" ] && echo "$pid"
        done
        ;;
    esac
}

signal_part()
{
    local pid
    for pid in $(part "$2"); do
        kill -"$1" "$pid" 2>/dev/null
    done
}

# No more descriptors than it has: for a while, the soft limit is what is open.
starve_descriptors()
{
    local pid limits=
    for pid in $(part "$1"); do
        limits="$limits $pid:$(awk '/^Max open files/ { print $4 ":" $5 }' "/proc/$pid/limits")"
        set_descriptors "$pid" "$(ls "/proc/$pid/fd" | wc -l)" "${limits##*:}" || failed "$1: its limit of descriptors"
    done
    sleep "0.$((RANDOM % 9 + 1))"
    for pid in $limits; do
        set_descriptors "${pid%%:*}" "$(echo "$pid" | cut -d: -f2)" "${pid##*:}"
    done
    [ -n "$limits" ] || failed "$1: there is none"
}

# As the user whose process it is: for another's CAP_SYS_RESOURCE is needed, which not every root has.
set_descriptors()
{
    local uid gid
    uid=$(awk '/^Uid:/ { print $2 }' "/proc/$1/status" 2>/dev/null) || return 0
    gid=$(awk '/^Gid:/ { print $2 }' "/proc/$1/status" 2>/dev/null) || return 0
    prlimit --pid "$1" --nofile="$2:$3" 2>/dev/null ||
        setpriv --reuid "$uid" --regid "$gid" --clear-groups prlimit --pid "$1" --nofile="$2:$3" || ! kill -0 "$1"
}

# The kernel's own kill: the process alone in a group that has no memory left for it.
memory_groups=/sys/fs/cgroup/memory
starve_memory()
{
    local pid group
    for pid in $(part "$1"); do
        group=$memory_groups/failcore-faults.$$.$pid
        mkdir "$group" && echo 4096 >"$group/memory.limit_in_bytes" && echo "$pid" >"$group/cgroup.procs"
        wait_until 4 grep -q 'oom_kill [1-9]' "$group/memory.oom_control" || failed "$1: the kernel did not kill it"
        sleep 0.2
        for pid in $(cat "$group/cgroup.procs"); do echo "$pid" >"$memory_groups/cgroup.procs"; done
        rmdir "$group"
    done
}

agent_gone()
{
    ! pgrep -f "agent.sh $tag\$" >/dev/null
}

step_clock() # SECONDS
{
    python3 -c 'import struct, sys; open(sys.argv[2], "r+b").write(struct.pack("q", int(sys.argv[1]) * 10**9))' \
        "$1" "$installed/clock-step"
}

fetched()
{
    find "$ws" -name "fetched-$tag-*" | wc -l
}

fetched_more_than()
{
    [ "$(fetched)" -gt "$1" ]
}

strike()
{
    local before
    case $1 in
    run-launcher-kill) kill -KILL "$launcher" ;;
    run-launcher-stop) kill -STOP "$launcher"; sleep 0.7; kill -CONT "$launcher" ;;
    run-launcher-oom) starve_memory launcher ;;
    run-launcher-descriptors) starve_descriptors launcher ;;
    run-guard-kill) signal_part KILL failcore-netguard ;;
    run-guard-stop) signal_part STOP failcore-netguard; sleep 1; signal_part CONT failcore-netguard ;;
    run-guard-oom) starve_memory failcore-netguard ;;
    run-guard-descriptors) starve_descriptors failcore-netguard ;;
    run-guard-flood)
        touch "$ws/flood"
        check "$1: a flood" wait_until 15 test -s "$ws/flooded"
        check "$1: of many flows" test "$(cat "$ws/flooded")" -gt 2000
        check_fails "$1: the world saw nothing of it" world_saw 'udp 7777'
        rm -f "$ws/flooded"
        ;;
    run-upgrade) install_programs "$built"; sleep 0.5 ;;
    run-policy-replaced) cp "$policies/open.yaml" "$web"; sleep 1 ;;
    run-clock-step)
        for before in 31536000 -86400 3600; do
            step_clock "$before"
            check "$1: names and addresses go on as the clock that nobody sets says" wait_until 10 \
                fetched_more_than "$(fetched)"
        done
        step_clock 0
        ;;
    run-log-full)
        dd if=/dev/zero of="$audit/filler" bs=64k >/dev/null 2>&1
        sleep "0.$((RANDOM % 9 + 1))"
        rm -f "$audit/filler"
        ;;
    run-log-eio) echo eio >"$work/control"; sleep "0.$((RANDOM % 9 + 1))"; rm "$work/control" ;;
    run-log-slow) echo "$((RANDOM % 380 + 20))" >"$work/control"; sleep 1; rm "$work/control" ;;
    run-mount-kill) signal_part KILL failcore-mount ;;
    run-writer-kill) signal_part KILL failcore-auditd ;;
    run-writer-stop) signal_part STOP failcore-auditd; sleep 1; signal_part CONT failcore-auditd ;;
    *) echo "no fault named $1" >&2; exit 2 ;;
    esac
}

all_recorded()
{
    local file
    cat "$audit"/log/*.jsonl >"$work/all"
    for file in $(cd "$ws" && ls | grep -e '^made-' -e '^fetched-'); do
        grep -qF "\"path\":\"$file\"" "$work/all" || { echo "not in the log: $file"; return 1; }
    done
}

# What this fault's runs lie on and are made of.
prepare()
{
    ws=$work/ws-$1 audit=$work/audit-$1
    mkdir -p "$ws" "$audit"
    cp "$work/agent.sh" "$work/flood.py" "$ws/"
    echo "KEY=stays" >"$ws/.env"
    cp "$web" "$work/web.kept"
    install_programs "$built"
    case $1 in
    run-clock-step)
        install_programs "$FAILCORE_BUILD_DIR/stepped"
        head -c 8 /dev/zero >"$installed/clock-step"
        ;;
    run-log-full) mount -t tmpfs -o size=24m tmpfs "$audit" && at_exit "umount -l '$audit'" ;;
    run-log-eio | run-log-slow)
        mkdir "$audit.disk"
        "$built/faulty_fs" "$work/control" "$audit.disk" -f -o allow_other "$audit" 2>/dev/null &
        disk=$!
        at_exit "umount -l '$audit'; kill $disk"
        wait_until 10 mountpoint -q "$audit" || failed "$1: the disk did not come up"
        ;;
    esac
}

every='run-launcher-kill run-launcher-stop run-launcher-oom run-launcher-descriptors
run-guard-kill run-guard-stop run-guard-oom run-guard-descriptors run-guard-flood run-mount-kill
run-writer-kill run-writer-stop run-log-full run-log-eio run-log-slow
run-clock-step run-policy-replaced run-upgrade'
for fault in ${*:-$every}; do
    case $fault in
    *-oom)
        [ -e "$memory_groups/memory.oom_control" ] ||
            { echo "$fault: not tried: no memory controller of cgroup v1"; continue; }
        ;;
    esac
    before=$checks_failed
    prepare "$fault"
    for round in $(seq "${ROUNDS:-3}"); do
        tag=$fault-$round-$$
        "$bin/failcore" run --policy "$web" --workspace "$ws" --audit "$audit" \
            --uplink "netns:$world_ns" -- sh agent.sh "$tag" >"$work/run.out" 2>&1 </dev/null &
        launcher=$!
        check "$fault: the run began" wait_until 15 test -e "$ws/made-$tag-1"
        sleep "$((RANDOM % 2)).$((RANDOM % 9))"
        strike "$fault"
        sleep 0.5
        kill -TERM "$launcher" 2>/dev/null
        check "$fault: the command ends with its run" wait_until 15 agent_gone
        wait "$launcher" 2>/dev/null
        cp "$work/web.kept" "$web"
        check_fails "$fault: nothing was stolen" test -s "$ws/stolen"
        check_fails "$fault: the world never saw the private address" world_saw '10.0.0.1'
        check_fails "$fault: nor the name that no rule allows" world_saw 'denied.example.net'
        check "$fault: every file that was made is in the log" wait_until 10 all_recorded
        check "$fault: the log verifies" "$bin/failcore" audit verify "$audit"
        check "$fault: the next run works" "$bin/failcore" run --policy "$web" \
            --workspace "$ws" --audit "$audit" --uplink "netns:$world_ns" -- \
            sh -c 'curl -s --max-time 5 http://www.example.org/ | grep -q world && ! cat .env'
    done
    echo "$fault: ${ROUNDS:-3} rounds, $(find "$ws" -name "made-$fault-*" | wc -l) files made," \
        "$(find "$ws" -name "fetched-$fault-*" | wc -l) answers, $((checks_failed - before)) broken"
    signal_part TERM failcore-auditd
done
