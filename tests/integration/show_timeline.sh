#!/usr/bin/env bash
# failcore show and why over real logs: counts, filters, following, hostile names made inert.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
log=$work/audit
failcore=$bin/failcore
export TZ=UTC
unset NO_COLOR

calm=$("$bin/audit_story" "$log" --calm)
run=$("$bin/audit_story" "$log" --hostile)
lines() { cat "$log"/log/*.jsonl; }
wait_until 5 sh -c "cat '$log'/log/*.jsonl | grep -c '\"kind\":\"END\"' | grep -qx 2"

# ---- which run, and its counts ---------------------------------------------------------------
check "shows the last run" "$failcore" show --audit "$log"
cp "$work/output" "$work/last"
check "named in the heading" grep -q "^run $run " "$work/last"
check "the end of an id is enough" "$failcore" show "${calm##*-}" --audit "$log"
cp "$work/output" "$work/calm"
check "of the run that was named" grep -q "^run $calm " "$work/calm"
check_exit "a run that is not there" 125 "$failcore" show 20000101-000000-none --audit "$log"
check_exit "an unknown option" 2 "$failcore" show --bloked
check_exit "a bad time" 2 "$failcore" show --since yesterday-ish
check_exit "an empty directory" 125 "$failcore" show --audit "$work"

blocked=$(lines | jq -s --arg run "$run" '[.[] | select(.run == $run and .status == "BLOCKED" and
    (.kind == "DECISION" or .kind == "REPEAT")) | .count // 1] | add')
failed=$(lines | jq -s --arg run "$run" '[.[] | select(.run == $run and .kind == "RESULT" and
    .status == "FAIL")] | length')
check "blocked is what jq counts" grep -q ", $blocked blocked, $failed failed by themselves" "$work/last"
check "the calm run has none" grep -q ", 0 blocked, 1 failed" "$work/calm"
check "--runs as JSON" sh -c "'$failcore' show --runs --json --audit '$log' |
    jq -se 'length == 2 and .[1].blocked == $blocked and .[0].run == \"$calm\"'"

# ---- BLOCKED is never FAIL ---------------------------------------------------------------------
check "a failure is called FAIL" grep -Eq "FAIL .*missing.txt +ENOENT" "$work/last"
check "and is no refusal" sh -c "'$failcore' show --blocked --audit '$log' | grep -q missing.txt; test \$? = 1"
check "every refusal says BLOCKED" sh -c "'$failcore' show --blocked --audit '$log' |
    grep -E '^ *[0-9]+  [0-9:.]+ ' | grep -vc BLOCKED | grep -qx 0"
check "forty equal refusals are one row" sh -c "grep -c 'src/main.c  ×40' '$work/last' | grep -qx 1"

# ---- filters -------------------------------------------------------------------------------------
check "--path takes what is below" sh -c "'$failcore' show --path src/ --audit '$log' | grep -q src/report.py"
check "and nothing else" sh -c "'$failcore' show --path src --audit '$log' | grep -q docs/guide.md; test \$? = 1"
check "a pattern" sh -c "'$failcore' show --path '*.md' --audit '$log' | grep -q docs/guide.md"
check "--host takes subdomains" sh -c "'$failcore' show --host openai.com --audit '$log' | grep -q api.openai.com:443"
check "not the end of a name" sh -c "'$failcore' show --host penai.com --audit '$log' | grep -q openai; test \$? = 1"
check "an address" sh -c "'$failcore' show --host 169.254.169.254 --audit '$log' | grep -q SSRF_BLOCKED"
check "--since a minute" sh -c "'$failcore' show --since 1m --audit '$log' | grep -q report.py"
check "--since tomorrow" sh -c "'$failcore' show --since 2099-01-01 --audit '$log' | grep -q report.py; test \$? = 1"
check "--json gives the very lines" sh -c "'$failcore' show '$calm' --json --audit '$log' >'$work/json' &&
    grep -F '\"run\":\"$calm\"' '$log'/log/*.jsonl | cmp - '$work/json'"
check "a file instead of a directory" sh -c "'$failcore' show --json '$work/json' | cmp - '$work/json'"
check "from standard input" sh -c "'$failcore' show --runs --audit - <'$work/json' | grep -q '$calm'"
seq=$(lines | jq -s --arg run "$run" '[.[] | select(.run == $run and .code == "SSRF_BLOCKED")][0].seq')
check "--seq shows a record's hash" sh -c "'$failcore' show --seq $seq --audit '$log' |
    grep -q \"\$(cat '$log'/log/*.jsonl | jq -r 'select(.seq == $seq).merkle.entry_hash')\""

written=$(lines | jq -s --arg run "$run" '[.[] | select(.run == $run and .kind == "RESULT" and .source == "fs" and .status == "OK")][0]')
decided=$(jq .of <<<"$written")
check "a decision's page has its stages, its timing" sh -c "'$failcore' show --seq $decided --audit '$log' | grep -A1 '^stages .*\[policy\] → execute' | grep -qE '^timing +decided in 0\.[0-9]{3} ms'"
check "and what came of it" sh -c "'$failcore' show --seq $decided --audit '$log' | grep -qE '^came of it  record $(jq .seq <<<"$written"), [a-z]+ OK after 3\.2 ms of execute'"
check "a refusal's page has nothing of the kind" sh -c "'$failcore' show --seq $seq --audit '$log' | grep -q 'came of it'; test \$? = 1"

# ---- colour and words --------------------------------------------------------------------------------
check_fails "no colour in a pipe" grep -qP '\x1b' "$work/last"
check "colour when asked for" sh -c "'$failcore' show --color=always --audit '$log' | grep -qP '\x1b\[1;31mBLOCKED'"
check "never" sh -c "script -qec \"'$failcore' show --color=never --audit '$log'\" /dev/null | grep -qP '\x1b'; test \$? = 1"
check "NO_COLOR" sh -c "NO_COLOR=1 script -qec \"'$failcore' show --audit '$log'\" /dev/null | grep -qP '\x1b'; test \$? = 1"
check "a terminal has colour" sh -c "script -qec \"stty cols 120; TERM=xterm '$failcore' show --audit '$log'\" /dev/null | grep -qP '\x1b\[1;31mBLOCKED'"
check "and no line is wider than it" sh -c "script -qec \"stty cols 100; '$failcore' show --color=never --audit '$log'\" /dev/null |
    grep -vE '^ {20}' | tr -d '\r' | awk 'length(\$0) > 130 { bad = 1 } END { exit bad }'"

# ---- names as attackers write them -----------------------------------------------------------------
inert() { ! LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' "$1"; }
check "nothing that acts comes out of show" inert "$work/last"
check "no row is forged" sh -c "grep -c '^fake:' '$work/last' | grep -qx 0"
check "what acts is named" grep -qF '\x1b[2J\x1b]0;owned\x07' "$work/last"
check "bytes that are not UTF-8 too" grep -qF '\xff\xfe' "$work/last"
for seq in $(lines | jq -r --arg run "$run" 'select(.run == $run and .status == "BLOCKED").seq'); do
    "$failcore" why "$seq" --audit "$log" >>"$work/why" 2>&1 || echo "why $seq failed" >>"$work/bad"
    "$failcore" show --seq "$seq" --audit "$log" >>"$work/why" 2>&1 || echo "show $seq failed" >>"$work/bad"
done
check "why tells every refusal" test ! -e "$work/bad"
check "nothing that acts comes out of why" inert "$work/why"

# ---- why ---------------------------------------------------------------------------------------------
check "why by itself tells the last refusal" "$failcore" why --audit "$log"
cp "$work/output" "$work/said"
check "of the run" grep -q "BLOCKED by us" "$work/said"
check_exit "a run without refusals" 125 "$failcore" why "$calm" --audit "$log"
refusal() { lines | jq -s --arg run "$run" "[.[] | select(.run == \$run and $1)][0].seq"; }
check "no rule for a secret" sh -c "'$failcore' why $(refusal '.call.path == ".env" and .status == "BLOCKED"') --audit '$log' | grep -q 'action: allow'; test \$? = 1"
check "nor for a metadata address" sh -c "'$failcore' why $(refusal '.code == "SSRF_BLOCKED"') --audit '$log' | grep -qE 'action: allow|allow_private: true'; test \$? = 1"
check "nor for a git hook" sh -c "'$failcore' why $(refusal '.call.path == ".git/hooks/post-checkout"') --audit '$log' | grep -q 'action: allow'; test \$? = 1"
check "a rule for a plain name" sh -c "'$failcore' why $(refusal '.call.path == "vendor/notes.txt"') --audit '$log' | grep -qF 'operations: [write], paths: [\"vendor/notes.txt\"]'"
check "a named rule is named" sh -c "'$failcore' why $(refusal '.policy.rule == "keep-the-project"') --audit '$log' | grep -q 'rule keep-the-project denies it'"
check "a failure is not ours" sh -c "'$failcore' why $(refusal '.status == "FAIL"') --audit '$log' | grep -q 'failed by itself (ENOENT)'"
check "--json" sh -c "'$failcore' why $(refusal '.code == "EXEC_DENIED"') --json --audit '$log' | jq -e '.status == \"BLOCKED\" and .rule == \"no-shell\"'"

# ---- the rules that nearly allowed it ------------------------------------------------------------------
cat >"$work/nearly.yaml" <<'Y'
version: 1
name: nearly
filesystem:
  rules:
    - {id: look, action: allow, operations: [read, list], paths: ["vendor/**", "src/**"]}
    - {id: new-names, action: allow, operations: [create, write], paths: ["vendor/*"]}
    - {id: not-this, action: deny, operations: [write], paths: ["vendor/notes.txt"]}
network:
  rules:
    - {id: model-api, action: allow, hosts: ["api.openai.com"], ports: [443]}
    - {id: example, action: allow, hosts: ["example.net"], ports: [443]}
process:
  rules:
    - {id: tools, action: allow, executables: ["/usr/bin/**", "/bin/*"]}
    - {id: no-shell, action: deny, executables: ["/bin/sh"]}
Y
(cd "$work" && "$failcore" policy show ./nearly.yaml) >"$work/resolved"
"$bin/audit_story" "$work/near" --policy "$work/resolved" >/dev/null
near_ended() { grep -q '"kind":"END"' "$work"/near/log/*.jsonl; }
check "a log with its policy" wait_until 5 near_ended
for seq in $(jq -r 'select(.kind == "DECISION" and .status == "BLOCKED" and .call.op != "delete").seq' "$work"/near/log/*.jsonl); do
    "$failcore" why "$seq" --audit "$work/near" | grep -E 'tried to|^nearly' | sed 's/^[^ ]*\[[0-9]*\] //'
done >"$work/near.said"
cat >"$work/near.golden" <<'T'
tried to read .env
tried to write .git/hooks/post-checkout
tried to write vendor/notes.txt
nearly: rule look (./nearly.yaml:5:7) allows read of this path
nearly: rule new-names (./nearly.yaml:6:7) allows create of this path
tried to read /home/alice/.ssh/id_ed25519
tried to rename src → old
tried to query exfil.example.net A
nearly: rule example (./nearly.yaml:11:7) allows the domain example.net
tried to connect 169.254.169.254:80
tried to connect 10.0.0.1:80
tried to connect api.openai.com:22
nearly: rule model-api (./nearly.yaml:10:7) allows this host at port 443
tried to exec /bin/sh
nearly: rule tools (./nearly.yaml:14:7) allows exec of other names in /bin/
T
check "why names what nearly allowed it" diff "$work/near.golden" "$work/near.said"
check "each in one JSON object, no more than three" sh -c "for seq in $(jq -r 'select(.code == "EXEC_DENIED").seq' "$work"/near/log/*.jsonl); do
    '$failcore' why \$seq --json --audit '$work/near'; done |
    jq -e '.nearly == [{rule: \"tools\", rule_origin: .nearly[0].rule_origin, allows: \"exec of other names in /bin/\"}] and
        (.nearly[0].rule_origin | test(\"nearly.yaml:14:[0-9]+\$\"))'"
check "none where the policy is not in the log" sh -c "'$failcore' why --json --audit '$log' | jq -e '.nearly == []'"

# ---- following, damage ---------------------------------------------------------------------------------
"$bin/audit_story" "$log" --run 20300101-000000-live --open >/dev/null
timeout 20 "$failcore" show --follow --audit "$log" >"$work/followed" 2>&1 &
follower=$!
at_exit "kill $follower"
check "--follow shows what comes" wait_until 5 grep -q LIMIT_OUTPUT "$work/followed"
"$bin/audit_story" "$log" --run 20300101-000000-live >/dev/null
check "--follow ends with the run" wait "$follower"
check "and showed its end" grep -q "exit code 0" "$work/followed"

cp -r "$log" "$work/damaged"
sed -i '5s/.*/{"not":"a record"}/' "$work/damaged/log/00000000000000000000.jsonl"
check "a log with a damaged line is shown" "$failcore" show --audit "$work/damaged"
cp "$work/output" "$work/said"
check "and says so" grep -q "failcore audit verify" "$work/said"

# ---- the run index ------------------------------------------------------------------------------------
"$bin/audit_story" "$work/long" --bulk 6000 --calm >/dev/null
long_ended() { tail -n3 "$work"/long/log/*.jsonl | grep -q '"kind":"END"'; }
check "a long log is there" wait_until 20 long_ended
covered() { [ "$(tail -n1 "$work/long/checkpoints.jsonl" | jq .size)" = "$(cat "$work"/long/log/*.jsonl | wc -l)" ]; }
check "and signed: a report says which signature" wait_until 20 covered
check "who only reads it writes nothing" "$failcore" why 1 --audit "$work/long"
check_fails "not even an index" test -e "$work/long/runs"
alone() { "$failcore" show --runs --json --audit - <"$work/long/log/00000000000000000000.jsonl"; }
alone >"$work/runs.first"
check "the runs of the log alone, with who started them and how they ended" jq -e '.launcher_uid == '"$(id -u)"' and .exit == 0 and .cause == "exited"' "$work/runs.first"
check "a report without an index" "$failcore" audit report --audit "$work/long" -o "$work/long.first"
check "the report that a run leaves" "$failcore" audit report --when-ended --audit "$work/long" -o "$work/long.html"
check "leaves the index as well, for its owner alone" test "$(stat -c %a "$work/long/runs")" = 600
same_answers() # by the index that lies there, or without
{
    "$failcore" audit report --audit "$work/long" | cmp - "$work/long.first" &&
        "$failcore" show --runs --json --audit "$work/long" | cmp - "$work/runs.first"
}
check "by the index all is the same" same_answers
check "the report too" cmp "$work/long.html" "$work/long.first"
cp "$work/long/runs" "$work/runs.good"

# What reaches the audit directory, but not the keys, can write there what it likes.
forge()
{
    python3 - "$work/long/runs" "$@" <<'P'
import hashlib, hmac, sys
lines = open(sys.argv[1]).read().splitlines()[:-1]
row = lines[1].split(" ")
if sys.argv[2] == "fewer":
    row[8] = "4"  # decisions
elif sys.argv[2] == "other":
    row[18] = "." + b"signalled".hex()  # how it ended
elif sys.argv[2] == "shifted":
    row[1] = "3000"  # its first record
lines[1:2] = [] if sys.argv[2] == "hidden" else [" ".join(row)]
text = "\n".join(lines) + "\n"
code = {"plain": hashlib.sha256(text.encode()).hexdigest() + "\n",
        "guessed": hmac.new(bytes(32), text.encode(), "sha256").hexdigest() + "\n", "none": ""}[sys.argv[3]]
open(sys.argv[1], "w").write(text + code)
P
}
for what in fewer hidden other shifted; do
    for code in plain guessed none; do
        cp "$work/runs.good" "$work/long/runs"
        forge "$what" "$code"
        check_fails "a forgery is another file ($what, $code)" cmp "$work/runs.good" "$work/long/runs"
        check "and changes no answer ($what, $code)" same_answers
    done
done
"$bin/audit_story" "$work/other" --bulk 6000 --calm >/dev/null
other_ended() { tail -n3 "$work"/other/log/*.jsonl | grep -q '"kind":"END"'; }
check "another long log is there" wait_until 20 other_ended
check "and its index" "$failcore" show --audit "$work/other"
cp "$work/other/runs" "$work/long/runs"
check "the index of another log changes no answer" same_answers
rm "$work/long/runs"
check "lost, it is made from the log alone" same_answers
check "and is there again" cmp "$work/runs.good" "$work/long/runs"
"$bin/audit_story" "$work/long" --calm >/dev/null
later() { [ "$(cat "$work"/long/log/*.jsonl | grep -c '"kind":"END"')" = 2 ]; }
check "a later run" wait_until 10 later
"$failcore" show --runs --json --audit "$work/long" >"$work/stale"
check "is seen behind an index that has grown stale" test "$(wc -l <"$work/stale")" = 2
check "as the log alone has it" sh -c "'$failcore' show --runs --json --audit - <'$work/long/log/00000000000000000000.jsonl' | cmp - '$work/stale'"
check "the log is intact beside it" "$failcore" audit verify "$work/long"
