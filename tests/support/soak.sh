#!/usr/bin/env bash
# Mixed load for a long time, with reloads: what must stay flat does. Run by scripts/soak.
#
#   MINUTES=N tests/support/soak.sh
#
# A mount and a guarded network serve one load each, runs begin and end beside them, and both policies
# are loaded again sixty times. Sampled: memory, descriptors and threads of every daemon, conntrack
# entries of the guard. Timed all along: a file operation in the mount and a connection through the
# guard, in turns with the same on the disk and through a router without rules (soak_load.py): the
# ratio of the two must be flat, since time alone follows the machine's load. What flat means stands in
# soak_flat.py.
. "$(dirname "$0")/integration.sh"
. "$(dirname "$0")/run.sh"
. "$(dirname "$0")/world.sh"
. "$(dirname "$0")/guarded_net.sh"
. "$(dirname "$0")/plain_router.sh"
need_root
need_run
world_start
plain_router_up
minutes=${MINUTES:-60}
samples=60
interval=$(awk -v m="$minutes" -v n="$samples" 'BEGIN { print m * 60 / n }')
source=$work/source plain=$work/plain mount=$work/mount fs_audit=$work/audit-fs
mkdir -p "$source" "$plain" "$mount" "$fs_audit"
echo key >"$source/key.pem"

write_policies()
{
    cat >"$policies/new" <<POLICY
version: 1
name: soak-$1
filesystem:
  default: allow
  rules:
    - {id: keys, action: deny, paths: ["**/*.pem"]}
    - {id: generation, action: deny, paths: ["never-$1/**"]}
network:
  rules:
    - {id: web, action: allow, hosts: [www.example.org, "g$1.example.org"], ports: [80], name_check: address-only}
  dns: {budget: {queries_per_second: 1000, burst: 10000, unique_names_per_hour: 10000, label_bytes_per_hour: 1GiB, entropy_bits_per_hour: 1000000000}}
POLICY
    mv "$policies/new" "$policies/live.yaml"
}

write_policies 0
"$bin/failcore-mount" -f --ready-fd 9 --policy "$policies/live.yaml" --audit "$fs_audit" "$source" "$mount" \
    9>"$work/ready" 2>"$work/server.errors" &
server=$!
at_exit "kill $server; sleep 1; umount -l '$mount'"
check "the mount serves" wait_until 10 grep -q R "$work/ready"
check "the guard is up" guard_up "$policies/live.yaml"
at_exit 'kill $(pgrep -f "failcore-auditd $work/")'

load=$FAILCORE_SOURCE_DIR/tests/support/soak_load.py
agent_root_up
python3 "$load" files "$work/stop" "$work/files" "$mount" "$plain" &
workers=$!
at_exit "touch '$work/stop'"
python3 "$load" net "$work/stop" "$work/net" "/proc/$agent_process/ns/net" "/run/netns/$plain_agent" &
workers="$workers $!"
(
    while [ ! -e "$work/stop" ]; do
        run_failcore -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true; echo $i >exec; done' \
            >/dev/null 2>>"$work/run.errors" && echo run >>"$work/runs"
        sleep 2
    done
) &
workers="$workers $!"

daemons()
{
    echo "mount $server"
    echo "guard $(guard_pid | head -n 1)"
    pgrep -f "^[^ ]*failcore-auditd $work/" | sed 's/^/writer /'
}

sample()
{
    local name pid rss descriptors threads entries
    while read -r name pid; do
        rss=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null)
        threads=$(ls "/proc/$pid/task" 2>/dev/null | wc -l)
        descriptors=$(ls "/proc/$pid/fd" 2>/dev/null | wc -l)
        [ -z "$rss" ] || echo "$1 $name $pid $rss $descriptors $threads"
    done < <(daemons) >>"$work/samples"
    entries=$(nsenter --net="/proc/$(guard_pid | head -n 1)/ns/net" cat /proc/sys/net/netfilter/nf_conntrack_count 2>/dev/null)
    echo "$1 ${entries:-0}" >>"$work/entries"
}

reloads=0 refused=0
for n in $(seq "$samples"); do
    sleep "$interval"
    write_policies "$n"
    "$bin/failcore-mount" --reload "$mount" >/dev/null 2>&1 || refused=$((refused + 1))
    "$bin/failcore-netns" reload "$guard_name" >/dev/null 2>&1 || refused=$((refused + 1))
    reloads=$((reloads + 2))
    sample "$n"
done
touch "$work/stop"
# shellcheck disable=SC2086 # a list of pids
wait $workers 2>/dev/null

check "every reload was taken ($reloads)" test "$refused" = 0
check_fails "nothing leaked" grep -q LEAK "$work/files" "$work/net"
lost=$(cat "$work/net.errors" 2>/dev/null | wc -l)
check "of a hundred connections one at most got no answer in time ($lost in all)" test $((lost * 100)) -le $(($(wc -l <"$work/net") * 40))
check "runs began and ended ($(wc -l <"$work/runs" 2>/dev/null || echo 0))" test -s "$work/runs"
sort "$work/net.errors" 2>/dev/null | uniq -c
check_fails "no run failed" test -s "$work/run.errors"
check "memory, descriptors, threads, entries and latency are flat" python3 "$FAILCORE_SOURCE_DIR/tests/support/soak_flat.py" \
    "$work/samples" "$work/entries" "$samples" "$work/files" "$work/net"
cat "$work/output"
check "the file log verifies" "$bin/failcore" audit verify "$fs_audit"
check "the network log verifies" "$bin/failcore" audit verify "$guard_audit"
check "the log of the runs verifies" "$bin/failcore" audit verify "$audit"
echo "soak: $minutes minutes, $(cat "$fs_audit"/log/*.jsonl "$guard_audit"/log/*.jsonl "$audit"/log/*.jsonl | wc -l) records," \
    "$reloads reloads, $(wc -l <"$work/runs") runs, $checks_failed checks failed"
