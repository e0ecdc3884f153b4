#!/usr/bin/env bash
# Mixed load for a long time, with reloads: what must stay flat does. Run by scripts/soak.
#
#   MINUTES=N tests/support/soak.sh
#
# A mount and a guarded network serve one load each, runs begin and end beside them, and both policies
# are loaded again every few seconds. Sampled: memory, descriptors and threads of every daemon,
# conntrack entries of the guard, latency of a file operation and of a connection. The last third is
# compared with the first (after a tenth for warming up).
. "$(dirname "$0")/integration.sh"
. "$(dirname "$0")/run.sh"
. "$(dirname "$0")/world.sh"
. "$(dirname "$0")/guarded_net.sh"
need_root
need_run
world_start
minutes=${MINUTES:-60}
samples=60
interval=$(awk -v m="$minutes" -v n="$samples" 'BEGIN { print m * 60 / n }')
source=$work/source mount=$work/mount fs_audit=$work/audit-fs
mkdir -p "$source" "$mount" "$fs_audit"
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

cat >"$work/files.py" <<'PY'
import os, sys, time
top, stop, out = sys.argv[1:4]
n = 0
while not os.path.exists(stop):
    times = []
    for i in range(200):
        n += 1
        name = f"{top}/d{n % 50}"
        began = time.perf_counter()
        with open(f"{name}.tmp", "w") as file:
            file.write("x" * 100)
        os.rename(f"{name}.tmp", name)
        times.append(time.perf_counter() - began)
        if n % 3 == 0:
            os.unlink(name)
        try:
            open(f"{top}/key.pem").close()
            print("LEAK", file=open(out, "a"))
        except PermissionError:
            pass
    times.sort()
    with open(out, "a") as file:
        print(f"{times[100] * 1e6:.1f}", file=file)
    time.sleep(0.2)
PY
cat >"$work/net.py" <<'PY'
import os, socket, sys, time
stop, out = sys.argv[1:3]
while not os.path.exists(stop):
    times = []
    for i in range(20):
        began = time.perf_counter()
        try:
            address = socket.gethostbyname("www.example.org")
            with socket.create_connection((address, 80), timeout=3) as s:
                times.append(time.perf_counter() - began)
                s.sendall(b"GET / HTTP/1.0\r\nHost: www.example.org\r\n\r\n")
                s.recv(2000)
        except OSError as error:
            print(f"# {error}", file=open(out + ".errors", "a"))
        try:
            socket.create_connection(("10.0.0.1", 80), timeout=1).close()
            print("LEAK", file=open(out, "a"))
        except OSError:
            pass
    if times:
        times.sort()
        with open(out, "a") as file:
            print(f"{times[len(times) // 2] * 1e6:.1f}", file=file)
    time.sleep(0.5)
PY
python3 "$work/files.py" "$mount" "$work/stop" "$work/fs.latency" &
workers=$!
at_exit "touch '$work/stop'"
chmod 0755 "$work"
agent_root_up
nsenter --net="/proc/$agent_process/ns/net" unshare --mount sh -c 'echo "nameserver 10.77.0.1" >"$1/resolv" && mount --bind "$1/resolv" /etc/resolv.conf && shift && exec "$@"' \
    sh "$work" python3 "$work/net.py" "$work/stop" "$work/net.latency" &
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
    echo "$1 $(tail -n 1 "$work/fs.latency" 2>/dev/null) $(tail -n 1 "$work/net.latency" 2>/dev/null) ${entries:-0}" >>"$work/latency"
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
check_fails "nothing leaked" grep -q LEAK "$work/fs.latency" "$work/net.latency"
check "runs began and ended ($(wc -l <"$work/runs" 2>/dev/null || echo 0))" test -s "$work/runs"
check_fails "no run failed" test -s "$work/run.errors"
cat >"$work/flat.py" <<'PY'
import statistics, sys
samples, latency, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
first = range(count // 10 + 1, count // 10 + 1 + count // 3)
last = range(count - count // 3 + 1, count + 1)
bad = 0
def compare(what, rows, column, ratio, slack, unit):
    global bad
    def level(span):
        found = [float(r[column]) for r in rows if int(r[0]) in span]
        return statistics.median(found) if found else None
    before, after = level(first), level(last)
    if before is None or after is None:
        return
    good = after <= before * ratio + slack
    bad += not good
    print(f"| {what} | {before:.0f} {unit} | {after:.0f} {unit} | {'flat' if good else 'GROWS'} |")
rows = [line.split() for line in open(samples)]
lines = [line.split() for line in open(latency) if len(line.split()) == 4]
print("| | first third | last third | |\n|---|---|---|---|")
for name, pid in sorted({(r[1], r[2]) for r in rows}):
    mine = [r for r in rows if r[2] == pid]
    compare(f"{name} {pid}, memory", mine, 3, 1.10, 1024, "KiB")
    compare(f"{name} {pid}, descriptors", mine, 4, 1.0, 8, "")
    compare(f"{name} {pid}, threads", mine, 5, 1.0, 2, "")
compare("file: create, write, rename", lines, 1, 1.5, 20, "us")
compare("connection by name", lines, 2, 1.5, 200, "us")
compare("conntrack entries", lines, 3, 1.5, 500, "")
sys.exit(1 if bad or not rows or not lines else 0)
PY
check "memory, descriptors, threads, entries and latency are flat" python3 "$work/flat.py" "$work/samples" "$work/latency" "$samples"
cat "$work/output"
check "the file log verifies" "$bin/failcore" audit verify "$fs_audit"
check "the network log verifies" "$bin/failcore" audit verify "$guard_audit"
check "the log of the runs verifies" "$bin/failcore" audit verify "$audit"
echo "soak: $minutes minutes, $(cat "$fs_audit"/log/*.jsonl "$guard_audit"/log/*.jsonl "$audit"/log/*.jsonl | wc -l) records," \
    "$reloads reloads, $(wc -l <"$work/runs") runs, $checks_failed checks failed"
