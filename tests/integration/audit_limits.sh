#!/usr/bin/env bash
# A full disk, a budget, segments that are closed, packed and pruned.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"

failcore=$bin/failcore
emitter=$bin/audit_emitter

# ---- a log on a full 64 KiB tmpfs: refused, no gap
need_root
mkdir "$work/small"
check "a small file system" mount -t tmpfs -o size=64k none "$work/small"
at_exit "umount -l '$work/small'"
check_exit "what cannot be recorded is refused" 1 "$emitter" "$work/small" 1 10000
cp "$work/output" "$work/said"
check "with the reason" grep -q 'refused: No space left' "$work/said"
told=$(grep -x '[0-9]*' "$work/said")
check "some were recorded" test "$told" -gt 10
check "the log is intact" "$failcore" audit verify "$work/small"
check "what was told is there" test "$(grep -c '"source":"fs"' "$work"/small/log/*.jsonl)" -le "$told"
check "room again" mount -o remount,size=64m "$work/small"
check "and it goes on" wait_until 10 "$emitter" "$work/small" 1 10
check "every event that was told is there, the refused are accounted for" sh -c "jq -s -e '
    [.[] | select(.source != \"audit\")] | length >= $told + 10' '$work'/small/log/*.jsonl &&
    jq -s -e '[.[] | select(.kind == \"LOSS\")] | length >= 1' '$work'/small/log/*.jsonl"
check "still intact" "$failcore" audit verify "$work/small"

# ---- a disk that stays full: the writer leaves in the end, and what it took with it is on record
gone() { ! kill -0 "$1" 2>/dev/null; }
no_writer() { ! pgrep -f "failcore-auditd.*$1" >/dev/null; }
mkdir "$work/stays"
mount -t tmpfs -o size=64k none "$work/stays"
at_exit "umount -l '$work/stays'"
"$bin/failcore-auditd" -f --give-up 1 "$work/stays" 2>"$work/writer" &
writer=$!
check "a writer that soon gives up" wait_until 5 test -S "$work/stays.writer"
check_exit "refused" 1 "$emitter" "$work/stays" 1 10000
told=$(grep -x '[0-9]*' "$work/output")
check "the writer leaves a full disk" wait_until 10 gone "$writer"
check "intact" "$failcore" audit verify "$work/stays"
mount -o remount,size=64m "$work/stays"
check "goes on with room" "$emitter" "$work/stays" 1 10
check "every event is there or on record as lost" jq -s -e "[.[] | select(.producer == 1) | .count // 1] |
    add == $told + 1" "$work/stays/log/00000000000000000000.jsonl"
check "by the writer that came after" grep -q '"kind":"LOSS".*"op":"unwritten"' \
    "$work/stays/log/00000000000000000000.jsonl"
check "intact again" "$failcore" audit verify "$work/stays"

mkdir "$work/large"
mount -t tmpfs -o size=200m none "$work/large"
at_exit "umount -l '$work/large'"
"$bin/failcore-auditd" -f --idle-exit 1 "$work/large" 2>"$work/writer" &
writer=$!
check "a writer with a reserve" wait_until 5 test -S "$work/large.writer"
dd if=/dev/zero of="$work/large/filler" bs=1M count=165 2>/dev/null
check_exit "a disk that fills up refuses" 1 "$emitter" "$work/large" 2 100000000
cp "$work/output" "$work/told"
check "the writer leaves all the same" wait_until 10 gone "$writer"
check "all is signed" sh -c "'$failcore' audit verify '$work/large' | tee '$work/said' && ! grep -q 'not signed' '$work/said'"
check "nothing that was told is missing" test \
    "$(zstd -dcqf "$work"/large/log/*.jsonl* | grep -c '"source":"fs"')" -ge "$(grep -x '[0-9]*' "$work/told")"

# ---- a directory that is taken away
"$emitter" "$work/removed.log" 1 100000000 hold >"$work/told" 2>&1 &
flood=$!
check "recorded" wait_until 5 test -s "$work/removed.log/log/00000000000000000000.jsonl"
check "is removed" wait_until 10 rm -rf "$work/removed.log"
kill "$flood"
check "its writer leaves" wait_until 15 no_writer "$work/removed.log"
mkdir "$work/unmounted"
mount -t tmpfs -o size=64k none "$work/unmounted"
"$bin/failcore-auditd" --give-up 2 "$work/unmounted"
check_exit "full" 1 "$emitter" "$work/unmounted" 1 10000
umount -l "$work/unmounted"
check "that of a disk that is gone too" wait_until 15 no_writer "$work/unmounted"

# ---- a writer that cannot start says why
mkdir "$work/bad"
echo nonsense >"$work/bad/vkey"
mkdir "$work/bad/log"
echo nonsense >"$work/bad/log/00000000000000000000.jsonl"
check_exit "no writer" 1 "$emitter" "$work/bad" 1 1
cp "$work/output" "$work/said"
check "in words" grep -q "vkey is not a verifier key" "$work/said"
check_fails "without broken lines" grep -q '?' "$work/said"

# ---- rotation, packing, pruning
log=$work/rotated
"$bin/failcore-auditd" -f --idle-exit 2 --segment-bytes 100000 "$log" 2>"$work/writer" &
writer=$!
check "a writer with small segments" wait_until 5 test -S "$log.writer"
check "many segments" "$emitter" "$log" 2 3000
check "are packed" wait_until 10 sh -c "test \$(ls '$log'/log/*.zst | wc -l) -gt 5"
check "and hold together" "$failcore" audit verify "$log"
check "a segment ends by saying which is next" sh -c "for s in '$log'/log/*.zst; do
    zstd -dcq \$s | tail -n 1 | jq -e '.kind == \"ROTATE\"' >/dev/null || exit 1; done"
check "a packed segment alone" "$failcore" audit verify "$(ls "$log"/log/*.zst | sed -n 3p)"
check "the writer leaves" wait "$writer"
cp -r "$log" "$work/removed"
rm "$(ls "$work"/removed/log/*.zst | sed -n 3p)"
check_exit "a segment that is gone" 77 "$failcore" audit verify "$work/removed"
cp -r "$log" "$work/beheaded"
rm "$(ls "$work"/beheaded/log/*.zst | head -n 1)"
check_exit "the first one, and no PRUNE says so" 77 "$failcore" audit verify "$work/beheaded"

"$bin/failcore-auditd" -f --idle-exit 2 --segment-bytes 100000 --keep-bytes 30000 "$log" \
    2>"$work/writer" &
writer=$!
check "a writer with little room" wait_until 5 test -S "$log.writer"
check "more events" "$emitter" "$log" 1 3000
check "the oldest segments go" wait_until 10 test ! -e "$log/log/00000000000000000000.jsonl.zst"
check "the log is intact without them" "$failcore" audit verify "$log"
cp "$work/output" "$work/said"
check "and says what is gone" grep -q 'pruned by policy; their hashes hold' "$work/said"
check "the writer leaves" wait "$writer"

# ---- verifying beside a writer that rotates and prunes
log=$work/busy
"$bin/failcore-auditd" -f --idle-exit 1 --segment-bytes 100000 --keep-bytes 30000 "$log" \
    2>"$work/writer" &
writer=$!
check "a writer in a hurry" wait_until 5 test -S "$log.writer"
"$emitter" "$log" 1 100000000 >"$work/busy.told" 2>&1 &
busy=$!
check "prunes" wait_until 20 sh -c "ls '$log'/log/*.zst && ! ls '$log'/log/00000000000000000000.jsonl*"
for round in $(seq 25); do
    check "is verified meanwhile, time $round" "$failcore" audit verify "$log"
done
kill "$busy"
wait "$busy" 2>/dev/null
check "the writer leaves" wait "$writer"
check "intact" "$failcore" audit verify "$log"

# ---- a run's share
log=$work/budget
"$bin/failcore-auditd" -f --idle-exit 2 --run-budget 200000 "$log" 2>"$work/writer" &
writer=$!
check "a writer with a budget" wait_until 5 test -S "$log.writer"
"$emitter" "$log" 1 100000000 >"$work/flood" 2>&1 &
flood=$!
check "another run is not touched by a flood" "$emitter" "$log" 1 200
check_fails "the flood is refused" wait "$flood"
check "and the log says why" grep -q '"kind":"LIMIT".*"op":"log_budget"' \
    "$log/log/00000000000000000000.jsonl"
check "the log is intact" "$failcore" audit verify "$log"
check "the writer leaves" wait "$writer"

# ---- folding
log=$work/folded
check "a thousand looks at one file" "$emitter" "$log" 1 1000 looks
check "are few records" test "$(wc -l <"$log/log/00000000000000000000.jsonl")" -lt 20
check "a thousand refusals" "$emitter" "$log" 1 1000 denials
check "are few records" test "$(wc -l <"$log/log/00000000000000000000.jsonl")" -lt 40
check "none is missing from the count" jq -s -e '[.[] | select(.source == "fs") | .count // 1] |
    add == 2000' "$log/log/00000000000000000000.jsonl"
check "a repeat names the first" jq -s -e '. as $all | [.[] | select(.kind == "REPEAT")] |
    length > 1 and all(.[]; . as $r | $all[$r.of] | .kind == "DECISION" and .seq < $r.seq)' \
    "$log/log/00000000000000000000.jsonl"
check "the ledger balances" "$failcore" audit verify "$log"
log=$work/named
check "a thousand refusals of one address under five names" "$emitter" "$log" 1 1000 names
check "are told apart" jq -s -e '[.[] | select(.source == "net")] |
    ([.[] | .count // 1] | add == 1000) and
    ([.[] | select(.kind == "DECISION") | .call.sni] | unique | length == 5)' \
    "$log/log/00000000000000000000.jsonl"
