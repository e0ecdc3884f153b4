#!/usr/bin/env bash
# What of a run is on the disk, and when: its beginning before its command, all of it when it is over.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run
need_strace

signed()
{
    sed -n 2p "$audit/checkpoint"
}

# The disk takes a third of a second for everything: whoever does not wait for it is seen.
check "a run on a slow disk" strace -f -qq -s 200 -o "$work/trace" -e trace=execve,fdatasync,write \
    -e inject=fdatasync:delay_exit=300000 "$bin/failcore" run --no-net --policy "$allow_all" \
    --workspace "$ws" --audit "$audit" -- /bin/echo begun
check "START is on the disk before the command begins" awk '
    /"kind":"START"/ { written = 1 }
    written && /fdatasync/ && /= 0/ { durable = 1 }
    /execve\("\/bin\/echo"/ { found = 1; if (!durable) exit 1 }
    END { exit !found }' "$work/trace"
wait_until 10 sh -c "test ! -e '$audit.writer'"

check "when it is over, all of it is signed" run_failcore -- sh -c 'echo x >a; cat a; rm a' >/dev/null
check "to its last record" test "$(signed)" -gt "$(records '.kind == "END"' | tail -n 1 | jq .seq)"

# Parts of a run leave before it ends: the log is signed for all of them together. (Once for each part
# would be 15; one more may come each second.)
before=$(wc -l <"$audit/checkpoints.jsonl")
for i in 1 2 3 4 5; do
    run_failcore -- sh -c 'echo x >a; rm a'
done
check "five runs, signed about once each" \
    test $(($(wc -l <"$audit/checkpoints.jsonl") - before)) -le 10
check "and as they should be" "$bin/failcore" audit verify "$audit"
