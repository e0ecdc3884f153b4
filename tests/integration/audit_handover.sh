#!/usr/bin/env bash
# A writer that is killed between any two of the messages by which a producer is taken in, and a
# producer that is killed right after it: what the producer was told is recorded, is in the log.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
need_strace

told() # FILE: how many events were recorded, by the producer's own count
{
    od -An -t u8 -N 8 "$1" | tr -d ' '
}

has_told() # FILE
{
    [ "$(told "$1")" -gt 0 ]
}

# What a writer sends: ready, the link and its two rings to the keeper, welcome to the producer, and
# to the keeper that it has been said.
for message in 4 5 6 7; do
    log=$work/audit-$message
    mkdir -m 700 "$log"
    strace -f -qq -o "$work/trace-$message" -e trace=sendmsg \
        -e inject=sendmsg:signal=KILL:when=$message "$bin/failcore-auditd" --foreground "$log" 2>"$work/writer" &
    tracer=$!
    at_exit "kill $tracer 2>/dev/null"
    wait_until 1 test -e "$log.writer"
    "$bin/audit_emitter" "$log" 1 100000000 count "$work/count-$message" t >/dev/null 2>&1 &
    producer=$!
    at_exit "kill -9 $producer 2>/dev/null"
    wait_until 1 has_told "$work/count-$message"
    kill -9 $producer 2>/dev/null
    wait $producer 2>/dev/null
    kill -9 $tracer # lets go of the writers, which now live
    wait $tracer 2>/dev/null
    check "message $message: the next producer is taken in" timeout 20 "$bin/audit_emitter" "$log" 1 1
    check "message $message: the writer has gone" wait_until 20 sh -c "test ! -e '$log.writer'"
    check "message $message: the log verifies" "$bin/failcore" audit verify "$log"
    count=$(told "$work/count-$message")
    logged=$(cat "$log"/log/*.jsonl | grep -c '"path":"t/thread-0/file-')
    check "message $message: ${count:-0} were told, $logged are there" test "$logged" -ge "${count:-0}"
done
