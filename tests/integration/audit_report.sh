#!/usr/bin/env bash
# failcore audit report: counts as jq counts them, the same bytes from the log alone, nothing that
# the workload wrote acts, nothing is fetched, and effects equal what was done.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
log=$work/audit
failcore=$bin/failcore

calm=$("$bin/audit_story" "$log" --calm)
run=$("$bin/audit_story" "$log" --hostile)
ended() { [ "$(cat "$log"/log/*.jsonl | grep -c '"kind":"END"')" = "$1" ]; }
check "the log is there" wait_until 5 ended 2
covered() { [ "$(tail -n1 "$log/checkpoints.jsonl" | jq .size)" = "$(cat "$log"/log/*.jsonl | wc -l)" ]; }
check "and signed" wait_until 5 covered
report=$work/report.html
check "a report of the last run" "$failcore" audit report --audit "$log" -o "$report"
check "for its owner alone" test "$(stat -c %a "$report")" = 600
check "nothing is left beside it" test "$(ls "$work" | grep -c part)" = 0

# ---- a function of the log ------------------------------------------------------------------------
cp -r "$log" "$work/alone"
check "the same bytes from the log alone" sh -c "'$failcore' audit report --audit '$work/alone' | cmp - '$report'"
mkdir "$work/bare"
cp -r "$log"/{log,tile,checkpoint,checkpoints.jsonl,vkey} "$work/bare"
check "of the log itself, without index, reports, keys and pins" sh -c "FAILCORE_STATE='$work/no-state' '$failcore' audit report --audit '$work/bare' | cmp - '$report'"
check "which is left as it was" test "$(ls "$work/bare" | tr '\n' ' ')" = "checkpoint checkpoints.jsonl log tile vkey "
check "and in another place and time" sh -c "cd / && TZ=Asia/Tokyo LC_ALL=C HOME=/nonexistent '$failcore' audit --html --audit '$work/alone' | cmp - '$report'"
"$bin/audit_story" "$log" --calm >/dev/null
check "a later run changes nothing" wait_until 5 ended 3
check "in the report of this one" sh -c "'$failcore' audit report '$run' --audit '$log' | cmp - '$report'"
check_exit "no report on a terminal" 2 script -qec "'$failcore' audit report --audit '$log'" /dev/null
check_exit "nowhere to write" 125 "$failcore" audit report --audit "$log" -o "$work/no/such/place.html"

# ---- counts ------------------------------------------------------------------------------------------
card() { grep -o "<dt>$1</dt><dd class=\"[a-z]*\">[0-9,]*" "$report" | sed 's/.*>//; s/,//g'; }
records() { cat "$log"/log/*.jsonl | jq -s --arg run "$run" "[.[] | select(.run == \$run)] | $1"; }
check "requests" test "$(card 'Requests decided')" = "$(records '[.[] | select(.kind == "DECISION" or .kind == "REPEAT") | .count // 1] | add')"
check "blocked" test "$(card 'Blocked by us')" = "$(records '[.[] | select((.kind == "DECISION" or .kind == "REPEAT") and .status == "BLOCKED") | .count // 1] | add')"
check "failed" test "$(card 'Failed by themselves')" = "$(records '[.[] | select(.kind == "RESULT" and .status == "FAIL")] | length')"
check "files" test "$(card 'Files touched')" = "$(records '[.[] | select(.kind == "RESULT" and .source == "fs" and .status == "OK") | .call | (.path_hex // .path), (if .op == "rename" then (.path2_hex // .path2) else empty end)] | unique | length')"
check "programs" test "$(card 'Programs started')" = "$(records '[.[] | select(.kind == "DECISION" and .source == "exec" and .status == "ALLOWED")] | length')"
sum=$(grep -o '<span class="count[a-z ]*">[0-9,]*' "$report" | sed 's/.*>//; s/,//g' | awk '{ s += $1 } END { print s }')
check "the kinds of refusal add up" test "$sum" = "$(card 'Blocked by us')"
check "success after refusals is flagged" grep -q "check its result before you rely on it" "$report"
check "of the calm run nothing is" sh -c "'$failcore' audit report '$calm' --audit '$log' >'$work/calm.html' && grep -q 'Nothing was refused' '$work/calm.html' && ! grep -q 'check its result' '$work/calm.html'"
check "the failure is not among the refusals" sh -c "sed -n '/id=\"blocked\"/,/<.section>/p' '$report' | grep -q missing.txt; test \$? = 1"

# ---- effects -----------------------------------------------------------------------------------------
"$failcore" show "$calm" --effects --json --audit "$log" >"$work/effects"
check "files created, written, deleted, renamed" jq -e '[.created, .modified, .deleted, .renamed] == [2, 2, 1, 1]' "$work/effects"
check "bytes by host" jq -e '.hosts == [{"name":"api.openai.com","flows":2,"bytes_in":1320000,"bytes_out":5100}]' "$work/effects"
check "bytes by file" jq -e '[.files[] | select(.name == "src/report.py")][0] | .created == 1 and .bytes_written == 5321' "$work/effects"
check "programs" jq -e '[.programs[].name] == ["/usr/bin/git", "/usr/bin/python3"]' "$work/effects"

# ---- inert -------------------------------------------------------------------------------------------
check "only elements and attributes of ours, nothing outside" python3 "$FAILCORE_SOURCE_DIR/tests/support/report_inspect.py" "$report"
check "of the calm run too" python3 "$FAILCORE_SOURCE_DIR/tests/support/report_inspect.py" "$work/calm.html"
check_fails "no closed script" grep -q '</script><img' "$report"
check "the hostile name is there to be read" grep -qF '&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;' "$report"

# ---- what vouches ---------------------------------------------------------------------------------------
check "intact" grep -q "INTACT" "$report"
cp -r "$log" "$work/changed"
sed -i '5s/audit_story/audit_storx/' "$work/changed/log/00000000000000000000.jsonl"
check "a changed log is reported" "$failcore" audit report "$run" --audit "$work/changed" -o "$work/changed.html"
check "as tampered" grep -q "TAMPERED" "$work/changed.html"

check "signed, and by which key" grep -qF "$(cat "$log/vkey")" "$report"

# ---- every run leaves one ----------------------------------------------------------------------------------
if [ "$(id -u)" = 0 ]; then
    mkdir "$work/ws"
    check "a run" "$failcore" run --policy fs_sandbox --no-net --audit "$work/of-run" --workspace "$work/ws" -- true
    left() { test -n "$(find "$work/of-run/reports" -name '*.html' 2>/dev/null)"; }
    check "leaves its report" wait_until 10 left
    check "the one that can be made again" sh -c "'$failcore' audit --html --audit '$work/of-run' | cmp - '$work'/of-run/reports/*.html"
    check "which has its end" grep -q "ended by itself with exit code 0" "$work"/of-run/reports/*.html
    rm -r "$work/of-run/reports"
    check "a run without one" "$failcore" run --no-report --policy fs_sandbox --no-net --audit "$work/of-run" --workspace "$work/ws" -- true
    check "leaves none" test ! -e "$work/of-run/reports"
    check "and the log is whole" "$failcore" audit verify "$work/of-run"

    mkdir "$work/policies" && touch "$work/ws"/f{1..9}
    printf 'version: 1\nname: counted\nextends: [fs_sandbox]\nbreaker: [{event: delete, count: 3, within: 60s, action: readonly}]\n' >"$work/policies/counted.yaml"
    "$failcore" run --no-report --policy "$work/policies/counted.yaml" --no-net --audit "$work/of-run" --workspace "$work/ws" -- \
        sh -c 'ln -s ../../../../../etc/passwd out; rm -f f*; true' >/dev/null 2>&1
    check "a report of a run that its breaker stopped" "$failcore" audit report --audit "$work/of-run" -o "$work/tripped.html"
    check "its verdict says so" grep -q '<div class="verdict.*The circuit breaker let it change no more files: more than 3 deletes within 1m\.' "$work/tripped.html"
    check_fails "what a later step refused does not wait for a result" grep -q "no result in the log" "$work/tripped.html"
    check "and is in the ledger as not done" sh -c "'$failcore' show --effects --json --audit '$work/of-run' | jq -e '.pending == 0 and .deleted == 3 and all(.files[].name; . != \"out\")'"
    "$failcore" run --no-report --policy fs_sandbox --no-net --audit "$work/of-run" --workspace "$work/ws" -- sh -c 'kill -9 $$' >/dev/null 2>&1
    check "of a signal, too" sh -c "'$failcore' audit --html --audit '$work/of-run' | grep -q 'Exit code 137: ended by SIGKILL\.'"
fi

# ---- size -------------------------------------------------------------------------------------------------
"$bin/audit_story" "$work/large" --bulk 200000 >/dev/null
TIMEFORMAT=%U # processor time: the machine may have other work
took=$({ time "$failcore" audit report --audit "$work/large" -o "$work/large.html" >/dev/null 2>&1; } 2>&1)
check "200,000 records in less than five seconds of a processor: $took" awk "BEGIN { exit !($took < $(patience 5)) }"
check "under 16 MiB" test "$(stat -c %s "$work/large.html")" -lt $((16 << 20))
