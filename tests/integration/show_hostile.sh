#!/usr/bin/env bash
# A log in which each string and number in turn is an attacker's, read by everything that reads logs:
# nothing acts, nothing is forged, nothing crashes, and a log's own policy reaches for no file.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
need_strace
failcore=$bin/failcore
"$bin/audit_story" "$work/story" --hostile >/dev/null
ended() { grep -q '"kind":"END"' "$work"/story/log/*.jsonl; }
check "a log is there" wait_until 5 ended
hostile=$work/hostile.jsonl
made=$(python3 "$FAILCORE_SOURCE_DIR/tests/support/hostile_log.py" "$work/story/log/00000000000000000000.jsonl" "$work/made.jsonl")
check "many records are made of it: $made" test "$made" -gt 1500
"$failcore" show --json "$work/made.jsonl" >"$hostile" 2>/dev/null
readable=$(wc -l <"$hostile")
check "and most are records: $readable" test "$readable" -gt $((made * 9 / 10))

inert() { ! LC_ALL=C grep -qaP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xf3\xa0' "$1"; }
views() # one line a view: its name, and the command
{
    cat <<V
show show
runs show --runs
runs-json show --runs --json
blocked show --blocked
effects show --effects
effects-json show --effects --json
why why
why-json why --json
replay-json replay --json
replay replay
csv audit export --format csv --audit
cef audit export --format cef --audit
learn policy learn
top top --audit
metrics metrics --audit
V
}
while read -r name command; do
    # shellcheck disable=SC2086 # words
    timeout 60 "$failcore" $command "$hostile" >"$work/out.$name" 2>"$work/err.$name"
    status=$?
    check "$name ends by itself ($status)" test "$status" -lt 124 -o "$status" = 125
    check "$name: nothing in it acts" inert "$work/out.$name"
    check "$name: nor in its errors" inert "$work/err.$name"
done < <(views)
check "show begins no line that the log has not" sh -c "grep -cE '^(BLOCKED|failcore_forged)' '$work/out.show' | grep -qx 0"
check "metrics have no sample of theirs" sh -c "grep -c forged '$work/out.metrics' | grep -qx 0"
check "a CSV line a record" test "$(wc -l <"$work/out.csv")" = $((readable + 1))
check "a CEF line a record" test "$(grep -c '^CEF:0|FailCore|' "$work/out.cef")" = "$(wc -l <"$work/out.cef")"
check "a learned policy has no rule of theirs" sh -c "grep -cE '^ *- id: x' '$work/out.learn' | grep -qx 0"
check "effects are one object" jq -e . "$work/out.effects-json"

check "the report is made" "$failcore" audit report "$hostile" -o "$work/report.html"
check "of elements of ours alone" python3 "$FAILCORE_SOURCE_DIR/tests/support/report_inspect.py" "$work/report.html"
check "normalized, on a terminal" sh -c "script -qec \"'$failcore' audit normalize '$hostile'\" /dev/null | tr -d '\r' >'$work/out.normal'"
check "nothing acts there" inert "$work/out.normal"
check "JSON of the timeline, on a terminal" sh -c "script -qec \"'$failcore' show --json '$hostile'\" /dev/null | tr -d '\r' >'$work/out.json'"
check "nothing acts there either" inert "$work/out.json"
for seq in $(jq -r 'select(.status == "BLOCKED" and .kind == "DECISION").seq' "$hostile" | awk 'NR % 23 == 1'); do
    "$failcore" show --seq "$seq" "$hostile" >>"$work/out.seq" 2>&1 || echo "show $seq" >>"$work/bad"
    "$failcore" why "$hostile" "$seq" >>"$work/out.seq" 2>&1 || echo "why $seq" >>"$work/bad"
done
check "each record is told: $(head -n3 "$work/bad" 2>/dev/null | tr '\n' ' ')" test ! -e "$work/bad"
check "and nothing in it acts" inert "$work/out.seq"

# ---- a log that brings its policy -----------------------------------------------------------------------
printf 'secret of another\n' >"$work/elsewhere.yaml"
n=0
for policy in "extends: [\"$work/elsewhere.yaml\"]" "extends: [safe]" "<<: !include $work/elsewhere.yaml"; do
    printf 'version: 1\nname: theirs\n%s\n' "$policy" >"$work/theirs"
    theirs=$work/theirs.$((n += 1))
    check "a log that brings $policy" "$bin/audit_story" "$theirs" --policy "$work/theirs"
    brought() { [ "$(tail -n1 "$theirs/checkpoints.jsonl" | jq .size)" = "$(wc -l <"$theirs/log/00000000000000000000.jsonl")" ] && grep -q '"kind":"END"' "$theirs"/log/*.jsonl; }
    check "is there, and its writer at rest" wait_until 20 brought
    for verb in "replay" "why" "policy learn last"; do
        # shellcheck disable=SC2086 # words
        strace -f -qq -e trace=%file,%network,%process -o "$work/trace" "$failcore" $verb --audit "$theirs" >"$work/said" 2>&1
        sed -i '/tsan\.rodata/d' "$work/trace" # ThreadSanitizer's own
        check "$verb reads the log" grep -q "$theirs" "$work/trace"
        check_fails "$verb opens nothing for it ($policy)" grep -qE 'elsewhere|safe\.yaml|socket|connect\(|O_CREAT|O_WRONLY' "$work/trace"
        check_fails "$verb says nothing of it" grep -q "secret of another" "$work/said"
    done
done
