#!/usr/bin/env bash
# The transparency log packages of Go judge our log as we do.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/tlog.sh"
failcore=$bin/failcore
log=$work/audit
tlog_build || skip "$tlog_missing"

check "a log of three tile levels" "$bin/audit_emitter" "$log" 2 35000
"$failcore" audit pin --audit "$log" >"$work/pin"
check "more of it" "$bin/audit_emitter" "$log" 1 777
# 65,536 and what the last round over two rings took.
check "a checkpoint each 65,536 records at the least" jq -s -e '[.[].size] | [.[1:], .[:-1]] | transpose |
    length > 1 and all(.[]; .[0] - .[1] <= 66100)' "$log/checkpoints.jsonl"
check "we find it intact" "$failcore" audit verify --pin "$work/pin" "$log"
check "so does tlog" "$tlog_check" "$log" "$work/pin"
cp "$work/output" "$work/said"
check "of all records" grep -q "^$("$failcore" audit verify --json "$log" | jq .signed) records" "$work/said"

segment=log/00000000000000000000.jsonl
changed()
{
    rm -rf "$work/changed"
    cp -r "$log" "$work/changed"
}
check_both()
{
    check_exit "$1: we see it" 77 "$failcore" audit verify --pin "$work/pin" "$work/changed"
    check_exit "$1: tlog sees it" 1 "$tlog_check" "$work/changed" "$work/pin"
}
changed
sed -i '1234s/"op":"write"/"op":"erase"/' "$work/changed/$segment"
check_both "a field"
changed
sed -i '1234d' "$work/changed/$segment"
check_both "a record gone"
changed
sed -i '60000,$d' "$work/changed/$segment"
check_both "the end gone"
changed
printf '\377' | dd of="$work/changed/tile/1/000" bs=1 seek=100 conv=notrunc status=none
check_both "a tile"
changed
sed -i '2s/.*/70000/' "$work/changed/checkpoint"
check_both "a size that nobody signed"
