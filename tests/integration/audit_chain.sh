#!/usr/bin/env bash
# Producers, one writer, one chain: attached, started by itself, verified, changed, named.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
log=$work/audit

# Events of a log, without the writer's own records.
events()
{
    grep -c -v '"source":"audit"' "$1"/log/*.jsonl
}

check "a producer starts the writer" "$bin/audit_emitter" "$log" 4 2000
check "the log is intact" "$bin/failcore" audit verify "$log"
check "every event is a line" test "$(events "$log")" = 8000
check "every line is JSON" sh -c "jq -e .seq '$log'/log/*.jsonl >/dev/null"
check "the directory is private" test "$(stat -c %a "$log")" = 700
check "the segment is private" test "$(stat -c %a "$log"/log/00000000000000000000.jsonl)" = 600
check "per producer pseq is contiguous" sh -c "jq -s -e 'group_by(.producer) |
    all(.[]; [.[].pseq] == [range(0; length)])' '$log'/log/*.jsonl >/dev/null"

check "two producers at once, with results" sh -c "'$bin/audit_emitter' '$log' 2 1000 pairs >/dev/null & \
    '$bin/audit_emitter' '$log' 3 1000 pairs >/dev/null; wait \$!"
check "still intact" "$bin/failcore" audit verify "$log"
check "every event is a line" test "$(events "$log")" = 18000
check "a result names its decision" sh -c "jq -s -e '[.[] | select(.kind == \"RESULT\")] as \$r |
    . as \$all | (\$r | length) == 5000 and all(\$r[]; . as \$x | \$all[\$x.of] |
    .kind == \"DECISION\" and .call.path == \$x.call.path and .seq < \$x.seq)' '$log'/log/*.jsonl"
check "a durable event" "$bin/audit_emitter" "$log" 1 5 sync

fresh=$work/fresh
pids=()
for _ in 1 2 3 4 5 6; do
    "$bin/audit_emitter" "$fresh" 1 100 >/dev/null &
    pids+=($!)
done
for pid in "${pids[@]}"; do
    check "six starters of one writer" wait "$pid"
done
check "one chain" "$bin/failcore" audit verify "$fresh"
check "of all six" test "$(events "$fresh")" = 600

cp -r "$log" "$work/changed"
sed -i '1234s/file-/fi1e-/' "$work/changed/log/00000000000000000000.jsonl"
check_exit "a changed byte" 77 "$bin/failcore" audit verify "$work/changed"
cp "$work/output" "$work/said"; check "is named" grep -q "seq 1233:" "$work/said"
sed -i '1234d' "$work/changed/log/00000000000000000000.jsonl"
check_exit "a missing record" 77 "$bin/failcore" audit verify "$work/changed"
