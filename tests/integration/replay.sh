#!/usr/bin/env bash
# failcore replay: recorded runs decided again give the same; a changed rule gives its flips and no
# other; nothing but the log and the policy is touched.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
need_root
need_strace
failcore=$bin/failcore
log=$work/audit
unset NO_COLOR
mkdir "$work/policies" "$work/spaces"

cat >"$work/policies/project.yaml" <<'Y'
version: 1
name: project
revision: "7"
extends: [fs_sandbox]
filesystem:
  rules:
    - {id: keep-docs, action: deny, operations: [write, delete, rename], paths: ["docs/**"]}
    - {id: watch-notes, action: log, paths: ["notes/**"]}
Y

# ---- a hundred runs, each of other requests, by their own policy ----------------------------------
work_of() {
    local i=$1
    mkdir -p "$work/spaces/$i"/{src,docs,notes}
    echo "key" >"$work/spaces/$i/.env"
    echo "text" >"$work/spaces/$i/docs/guide.md"
    cat <<S
cat .env; echo x >src/f$i; echo x >>docs/guide.md; rm docs/guide.md; echo n >notes/n$i
$([ $((i % 2)) = 0 ] && echo "mkdir src/d$i; mv src/f$i src/d$i/; rm -r src/d$i")
$([ $((i % 3)) = 0 ] && echo "ln .env plain; mv .env plain; cat /etc/shadow; ls -la src notes")
$([ $((i % 5)) = 0 ] && echo "mv docs papers; ln -s ../.env src/link; chmod 600 src/f$i; touch 'src/a b*[?]'; truncate -s 9 notes/n$i")
$([ $((i % 7)) = 0 ] && printf 'touch "$(printf "src/\\377\\033[2J\\n")"; mkdir -p .git/hooks; echo x >.git/hooks/pre-commit')
true
S
}
runs=100
for ((i = 0; i < runs; i++)); do
    work_of "$i" >"$work/script"
    "$failcore" run --policy "$work/policies/project.yaml" --no-net --audit "$log" --workspace "$work/spaces/$i" -- \
        sh -c "$(cat "$work/script")" >/dev/null 2>"$work/err" || { failed "run $i: $(tail -n1 "$work/err")"; break; }
done
check "a hundred runs are in the log" sh -c "'$failcore' show --runs --json --audit '$log' | wc -l | grep -qx $runs"
"$failcore" show --runs --json --audit "$log" | jq -r .run >"$work/runs"
replayed=0 decided=0
while read -r run; do
    if "$failcore" replay "$run" --json --audit "$log" >"$work/replayed"; then
        replayed=$((replayed + 1))
        decided=$((decided + $(jq .unchanged "$work/replayed")))
    else
        failed "replay of $run: $(head -c 600 "$work/replayed")"
    fi
done <"$work/runs"
check "each of them decided as recorded" test "$replayed" = "$runs"
check "and there was something to decide" test "$decided" -gt $((runs * 5))
blocked=$(cat "$log"/log/*.jsonl | jq -s '[.[] | select(.status == "BLOCKED")] | length')
check "refusals among it" test "$blocked" -gt "$runs"

# ---- what a count refused is the breaker's, not a rule's ------------------------------------------------
cat >"$work/policies/counted.yaml" <<'Y'
version: 1
name: counted
extends: [fs_sandbox]
breaker: [{event: delete, count: 3, within: 60s, action: readonly}]
Y
mkdir "$work/spaces/counted" && touch "$work/spaces/counted"/f{1..9}
"$failcore" run --policy "$work/policies/counted.yaml" --no-net --audit "$work/counted" --workspace "$work/spaces/counted" -- \
    sh -c 'rm -f f*' >/dev/null 2>&1
check "the breaker refused something" sh -c "cat '$work'/counted/log/*.jsonl | jq -se 'any(.[]; .code == \"BREAKER_TRIPPED\" and .kind == \"DECISION\")'"
check "replay finds no difference in it" "$failcore" replay --audit "$work/counted"
check "nor with a policy that has no breaker" "$failcore" replay --policy fs_sandbox --audit "$work/counted"

# ---- one changed rule ----------------------------------------------------------------------------------
last=$(tail -n1 "$work/runs")
sed 's/docs\/\*\*/src\/**/' "$work/policies/project.yaml" >"$work/policies/changed.yaml"
check_exit "a changed policy exits 77" 77 "$failcore" replay "$last" --policy "$work/policies/changed.yaml" --json --audit "$log"
cp "$work/output" "$work/flips"
expected() { cat "$log"/log/*.jsonl | jq -s --arg run "$last" "[.[] | select(.run == \$run and .kind == \"DECISION\" and ((.call.path // \"\") | startswith(\"$1\")) and $2) | .call.path] | unique | length"; }
check "what it denies now are the changes below src" test "$(jq '[.newly_denied[].target] | unique | length' "$work/flips")" = \
    "$(expected src/ '(.call.op | IN("write", "delete", "rename"))')"
check "and all are below src" jq -e 'all(.newly_denied[].target; startswith("src/"))' "$work/flips"
check "by the changed rule" jq -e '.newly_denied | length > 0 and all(.[]; .rule_now == "keep-docs")' "$work/flips"
check "what it allows now was refused below docs" jq -e '.newly_allowed | length > 0 and all(.[]; (.target | startswith("docs")) and .rule_before == "keep-docs")' "$work/flips"
refused_there() { cat "$log"/log/*.jsonl | jq -s --arg run "$last" '[.[] | select(.run == $run and .kind == "DECISION" and .policy.rule == "keep-docs") | .call.path] | unique'; }
check "and is all of it" test "$(jq -c '[.newly_allowed[].target] | unique' "$work/flips")" = "$(refused_there | jq -c .)"
check "nothing else has changed" jq -e '(.newly_logged // []) | length == 0' "$work/flips"
check "the same policy by name: no difference" "$failcore" replay "$last" --policy "$work/policies/project.yaml" --audit "$log"
check_exit "a policy that is not there" 125 "$failcore" replay --policy "$work/policies/none.yaml" --audit "$log"
echo "version: 1
nonsense: true" >"$work/policies/bad.yaml"
check_exit "an unknown key too" 65 "$failcore" replay --policy "$work/policies/bad.yaml" --audit "$log"

# ---- programs ---------------------------------------------------------------------------------------------
sed 's/^extends.*/&\nprocess: {rules: [{id: no-wc, action: deny, executables: ["\/usr\/bin\/wc"]}]}/' "$work/policies/project.yaml" >"$work/policies/programs.yaml"
mkdir "$work/spaces/programs" && echo text >"$work/spaces/programs/a"
"$failcore" run --policy "$work/policies/programs.yaml" --no-net --audit "$work/programs" --workspace "$work/spaces/programs" -- \
    sh -c 'cat a; wc a; ls -la; /usr/bin/wc a; true' >/dev/null 2>&1
check "a program was refused" sh -c "cat '$work'/programs/log/*.jsonl | jq -se '[.[] | select(.source == \"exec\" and .status == \"BLOCKED\")] | length >= 1'"
check "by its own policy: no difference" "$failcore" replay --audit "$work/programs"
check_exit "without the rule" 77 "$failcore" replay --policy "$work/policies/project.yaml" --json --audit "$work/programs"
check "it is what would have run, and nothing else" jq -e '(.newly_denied | length) == 0 and ([.newly_allowed[].target] | unique) == ["/usr/bin/wc"]' "$work/output"

# ---- two runs --------------------------------------------------------------------------------------------
check "a run is like itself" "$failcore" replay diff "$last" "$last" --audit "$log"
check_exit "and unlike another" 77 "$failcore" replay diff "$last" "$(head -n1 "$work/runs")" --audit "$log"
check_exit "diff wants two" 2 "$failcore" replay diff "$last" --audit "$log"

# ---- nothing is touched -----------------------------------------------------------------------------------
strace -f -qq -e trace=%file,%network,%process -o "$work/trace" \
    "$failcore" replay "$last" --policy "$work/policies/project.yaml" --audit "$log" >/dev/null
grep -E '^[0-9]+ +open' "$work/trace" | grep -vE 'ENOENT|"/(etc/ld|lib|usr/lib|proc/self)' |
    grep -oE '"[^"]*"' | tr -d '"' | sort -u >"$work/touched"
check "something was read" test -s "$work/touched"
check_fails "only the log and policies are opened" \
    grep -vE "^($log(/log)?|log|\.|[0-9]{20}\.jsonl(\.zst)?|$work/policies/project.yaml|.*policies.*|.*\.yaml|/etc/failcore.*|)$" "$work/touched"
check_fails "no socket, no program, no change" \
    grep -E 'socket|connect|fork|clone|vfork|O_WRONLY|O_RDWR|O_CREAT|unlink|rename|mkdir|chmod' "$work/trace"

# ---- many ---------------------------------------------------------------------------------------------------
cat "$log"/log/*.jsonl | jq -rs '[.[] | select(.kind == "START")][0].call.policy' >"$work/resolved"
"$bin/audit_story" "$work/many" --bulk 200000 --calm --policy "$work/resolved" >/dev/null
many() { tail -n3 "$work"/many/log/*.jsonl | grep -q '"kind":"END"'; } # a LEDGER follows it
check "the large log is there" wait_until 60 many
TIMEFORMAT=%U # processor time: the machine may have other work
took=$({ time "$failcore" replay --json --audit "$work/many" >"$work/replayed"; } 2>&1)
check "200,000 records" jq -e '.records > 200000' "$work/replayed"
check "in less than their share of five seconds a million: $took" awk "BEGIN { exit !($took < $(patience 1)) }"
