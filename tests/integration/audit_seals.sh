#!/usr/bin/env bash
# What a producer holds of its writer it can only read (SR28), and the log is signed each second.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
log=$work/audit

"$bin/audit_emitter" "$log" 1 100000000 sync "$work/count" t >"$work/told" 2>&1 &
producer=$!
at_exit "kill -9 $producer"
signed()
{
    wc -l <"$log/checkpoints.jsonl" 2>/dev/null || echo 0
}
signed_at_least()
{
    [ "$(signed)" -ge "$1" ]
}
check "the log is signed" wait_until 20 signed_at_least 1

# Opened anew by /proc: a memory file has a mode like any other. A producer has closed the descriptor of
# its writer's and keeps the mapping; the writer's keeper has it.
check "the writer's memory cannot be written, the ring's size is fixed" \
    python3 - "$producer" $(pgrep -f "failcore-auditd.* $log\$") <<'PY'
import fcntl, mmap, os, sys

F_ADD_SEALS, F_SEAL_WRITE = 1033, 8
seen = set()


def refused(what, call):
    try:
        call()
    except PermissionError:
        return
    sys.exit(f"{what}: not refused")


for path in [f"/proc/{pid}/fd/{number}" for pid in sys.argv[1:] for number in os.listdir(f"/proc/{pid}/fd")]:
    name = os.readlink(path)
    if not name.startswith("/memfd:failcore-"):
        continue
    file = os.open(path, os.O_RDWR)
    kind = name.split(":")[1].split(" ")[0]
    seen.add(kind)
    size = os.fstat(file).st_size
    refused(f"{kind}: shrink", lambda: os.ftruncate(file, 4096 if size > 4096 else 0))
    refused(f"{kind}: grow", lambda: os.ftruncate(file, size * 2))
    refused(f"{kind}: another seal", lambda: fcntl.fcntl(file, F_ADD_SEALS, F_SEAL_WRITE))
    if kind == "failcore-writer":
        refused(f"{kind}: write", lambda: os.pwrite(file, b"\0", 0))
        refused(f"{kind}: map", lambda: mmap.mmap(file, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE))
        mmap.mmap(file, 4096, mmap.MAP_SHARED, mmap.PROT_READ).close()
sys.exit(None if seen == {"failcore-writer", "failcore-ring"} else f"only {seen}")
PY

# A slow producer: what signs is the clock, not the number of records.
before=$(signed) began=$EPOCHREALTIME
check "four heads more" wait_until 20 signed_at_least $((before + 4))
check "about one a second" awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { exit !(b - a > 2.5 && b - a < 12) }'
kill -9 $producer
check "intact" wait_until 10 "$bin/failcore" audit verify "$log"
