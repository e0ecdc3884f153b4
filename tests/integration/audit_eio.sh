#!/usr/bin/env bash
# A disk below the log that answers EIO: what could not be made durable is not known to be there, so
# nothing more is promised by that writer; what was told as durable before is there.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
need_root
[ -c /dev/fuse ] || skip "/dev/fuse is missing"
failcore=$bin/failcore
log=$work/audit
mkdir "$log" "$work/disk"
"$bin/faulty_fs" "$work/control" "$work/disk" -f -o allow_other "$log" 2>"$work/disk.errors" &
at_exit "umount -l '$log'"
check "a disk" wait_until 10 mountpoint -q "$log"

durable() # how many events were told as durable, by the producer's own count
{
    od -An -t u8 -N 8 "$work/count" | tr -d ' '
}
some_are_durable()
{
    [ "$(durable)" -ge "$1" ] 2>/dev/null
}
gone()
{
    ! kill -0 "$producer" 2>/dev/null
}

"$bin/audit_emitter" "$log" 1 100000000 sync "$work/count" t >"$work/told" 2>&1 &
producer=$!
at_exit "kill -9 $producer"
check "durable events" wait_until 20 some_are_durable 50
echo eio >"$work/control"
check "an operation that wants to be durable is refused" wait_until 20 gone
cp "$work/told" "$work/output"
check "with EIO" grep -q 'refused: Input/output error' "$work/told"
rm "$work/control"
told=$(durable)
check "the next producer is taken in" wait_until 30 "$bin/audit_emitter" "$log" 1 5 sync
check "the log is intact" wait_until 10 "$failcore" audit verify "$log"
check "all $told that were told as durable are there" test \
    "$(cat "$log"/log/*.jsonl | grep -c '"path":"t/thread-0/file-')" -ge "$told"
