#!/usr/bin/env bash
# The wall clock goes back and forth: the log says so, loses nothing of what it keeps, and stays in
# order; what a policy limits is counted by the clock that nobody sets.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run
programs=$work/programs
mkdir "$programs"
cp "$FAILCORE_BUILD_DIR"/stepped/failcore* "$programs/"

# step SECONDS: of what the programs in $programs take for the time, from the real one.
step()
{
    python3 -c 'import struct, sys; open(sys.argv[2], "r+b").write(struct.pack("q", int(sys.argv[1]) * 10**9))' \
        "$1" "$programs/clock-step"
}
head -c 8 /dev/zero >"$programs/clock-step"
chmod a+r "$programs/clock-step"

# ---- the log
log=$work/log
"$programs/failcore-auditd" -f --idle-exit 60 --segment-bytes 50000 "$log" 2>"$work/writer" &
writer=$!
at_exit "kill $writer"
check "a writer" wait_until 10 test -S "$log.writer"
segments() { [ "$(ls "$log/log" | wc -l)" -gt "$1" ]; }
stepped() { [ "$(zstd -dcqf "$log"/log/*.jsonl* | grep -c '"kind":"CLOCK_STEP"')" = "$1" ]; }
check "an hour that is usual" "$bin/audit_emitter" "$log" 1 300
check "which is closed" wait_until 10 segments 1
step -3600
check "an hour back is on record" wait_until 10 stepped 1
check "events after it" "$bin/audit_emitter" "$log" 1 300
check "whose segment is closed, too" wait_until 10 segments 2
step 7200
check "three hours forward as well" wait_until 10 stepped 2
check "events after that" "$bin/audit_emitter" "$log" 1 300
kill "$writer"
wait "$writer" 2>/dev/null
zstd -dcqf "$log"/log/*.jsonl* >"$work/all"
check "nothing was taken for ninety days old" jq -se 'any(.[]; .seq == 0) and all(.[]; .kind != "PRUNE")' "$work/all"
check "every event is there" test "$(grep -c '"source":"fs"' "$work/all")" = 900
check "in one order, by a clock that only goes on" jq -se '[.[].seq] == [range(length)] and
    ([.[] | select(.source == "fs") | .mono | tonumber] | . == sort)' "$work/all"
check "the steps are what they were" jq -se '[.[] | select(.kind == "CLOCK_STEP") | .call.step_ns // .step_ns |
    tonumber / 1e9 | round] == [-3600, 10800]' "$work/all"
check "the times are what the clock said" jq -se '[.[] | select(.source == "fs") | .timestamp[:19] + "Z" | fromdate] as $t |
    ($t[0] - $t[299] | fabs) < 60 and ($t[299] - $t[300] - 3600 | fabs) < 60 and ($t[600] - $t[300] - 10800 | fabs) < 60' "$work/all"
check "intact" "$bin/failcore" audit verify "$log"

# ---- a run
policy=$policies/short.yaml
sed 's/name: .*/name: short/' "$allow_all" >"$policy"
echo 'limits: {wall_time: 4s}' >>"$policy"
run_stepped()
{
    "$programs/failcore" run --no-net --policy "$1" --workspace "$ws" --audit "$audit" -- sh -c "$2"
}
step 0
(wait_until 10 test -e "$ws/begun" && step 86400 && touch "$ws/stepped") &
check "a day forward is no time limit" run_stepped "$policy" \
    'touch begun; until [ -e stepped ]; do sleep 0.1; done; sleep 0.5; echo done >after'
wait $!
check "the run went on" test -s "$ws/after"
step 0
rm -f "$ws"/*
(wait_until 10 test -e "$ws/begun" && step -86400) &
began=$SECONDS
check_exit "a day back gives no day more" 124 run_stepped "$policy" 'touch begun; sleep 60'
check "in time" test $((SECONDS - began)) -lt 20
wait $!
check "the log of both is intact" "$bin/failcore" audit verify "$audit"
check "and knows of the step" test "$(records '.kind == "CLOCK_STEP"' | wc -l)" -ge 1
