#!/usr/bin/env bash
# Two faults at once, and the producer dies too, so that what it was told is in its ring alone: the
# writer is killed on a full disk, in the middle of the line that did not fit; and where the next
# writer cannot begin.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
need_root
need_strace
failcore=$bin/failcore

# Makes $log, whose writer was killed so, and $told, how many events its dead producer was told of.
kill_on_full_disk() # NAME WRITER-OPTION...
{
    local name=$1 tracer producer
    shift
    log=$work/$name
    segment=$log/log/00000000000000000000.jsonl
    mkdir "$log"
    mount -t tmpfs -o size=256k none "$log" || skip "needs a file system of its own"
    at_exit "umount -l '$log'"
    # What did not fit is cut off with ftruncate(2): each writer is killed as it calls it.
    strace -f -qq -o "$work/trace.$name" -P "$segment" -e trace=ftruncate \
        -e inject=ftruncate:signal=KILL:when=1 "$bin/failcore-auditd" -f "$@" "$log" 2>"$work/writer.$name" &
    tracer=$!
    at_exit "kill -9 $tracer"
    check "$name: a writer" wait_until 10 test -S "$log.writer"
    "$bin/audit_emitter" "$log" 1 100000000 count "$work/count.$name" t >/dev/null 2>&1 &
    producer=$!
    at_exit "kill -9 $producer"
    check "$name: is killed on a full disk" wait_until 20 grep -q SIGKILL "$work/trace.$name"
    { kill -9 "$producer" "$tracer"; wait "$producer" "$tracer"; } 2>/dev/null
    told=$(od -An -t u8 -N 8 "$work/count.$name" | tr -d ' ')
    check "$name: and leaves a torn line" sh -c "test \"\$(tail -c 1 '$segment' | od -An -c | tr -d ' ')\" != '\\n'"
}

in_log()
{
    grep -c '"path":"t/thread-0/file-' "$segment"
}

has_all()
{
    [ "$(in_log)" -ge "$told" ]
}

no_writer()
{
    test ! -e "$log.writer"
}

# ---- there is room again in time
kill_on_full_disk soon
mount -o remount,size=64m "$log"
check "what a dead producer was told is written then" wait_until 20 has_all
check "the next producer is taken in" "$bin/audit_emitter" "$log" 1 10
check "the log is intact" "$failcore" audit verify "$log"
check "$told were told, $(in_log) are there" has_all
check "the torn end is kept, once" sh -c "test \$(ls '$log/recovered' | wc -l) = 1 && test -s '$log'/recovered/*.torn"
check "and on record" grep -q '"kind":"RECOVERED"' "$segment"

# ---- there is none for long: the writer leaves, and what it could not write is on record as lost
kill_on_full_disk late --give-up 1
check "the writer gives up" wait_until 20 no_writer
written=$(in_log)
mount -o remount,size=64m "$log"
check "the next producer is taken in" "$bin/audit_emitter" "$log" 1 10
check "the log is intact" "$failcore" audit verify "$log"
check "what was told is there or on record as lost" jq -s -e "[.[] | select(.producer == 1) |
    select(.kind == \"LOSS\" or .source == \"fs\") | .count // 1] | add >= $told" "$segment"
check "of which $written were written" test "$written" -lt "$told"
check "the torn end is kept, once" sh -c "test \$(ls '$log/recovered' | wc -l) = 1 && test -s '$log'/recovered/*.torn"

# ---- a writer is killed, and the next one cannot begin for a while
log=$work/closed
segment=$log/log/00000000000000000000.jsonl
mkfifo "$work/go"
exec 7<>"$work/go"
"$bin/audit_emitter" "$log" 1 2000 stubborn "$work/count" t <"$work/go" >"$work/told" 2>&1 &
producer=$!
at_exit "kill -9 $producer"
has_writer()
{
    writer=$(fuser "$segment" 2>/dev/null | tr -s ' ' '\n' | grep -m 1 .)
}
check "a writer" wait_until 10 has_writer
has_writer
kill -STOP "$writer"
at_exit "kill -CONT $writer"
echo go >&7
check "events that no writer has taken" wait_until 10 sh -c "test \"\$(od -An -t u8 -N 8 '$work/count')\" -eq 2000"
mv "$log/vkey" "$work/vkey"
{ kill -9 "$producer" "$writer"; wait "$producer"; } 2>/dev/null
told=2000
sleep 0.5 # writers that cannot begin
check "are in no file yet" test "$(in_log)" = 0
mv "$work/vkey" "$log/vkey"
check "but there once a writer can begin" wait_until 20 has_all
check "once each" test "$(in_log)" = 2000
check "the log is intact" wait_until 10 "$failcore" audit verify "$log"
