#!/usr/bin/env bash
# failcore audit normalize: the same done twice is the same text, however its processes ran beside
# one another; what was done otherwise is the difference, and no more.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
need_root
failcore=$bin/failcore
log=$work/audit
mkdir -p "$work/policies" "$work/ws"

cat >"$work/policies/project.yaml" <<'Y'
version: 1
name: project
revision: "7"
extends: [fs_sandbox]
filesystem:
  rules:
    - {id: keep-docs, action: deny, operations: [write, delete, rename], paths: ["docs/**"]}
Y
cat >"$work/script" <<'S'
echo x >src/f; echo x >>docs/guide.md; ls -la src; mkdir src/d; mv src/f src/d/; rm -r src/d
for i in 1 2 3 4 5 6; do cat .env; rm docs/guide.md; done; cat /etc/shadow; mv docs away; rmdir src
for i in 1 2 3; do (cat src/a; echo "$i" >"out$i"; cat src/b) & done; cat src/a & wait
python3 - <<'P'
import os, threading
def work(name):
    os.mkdir(name)
    for i in range(5):
        open(f"{name}/{i}", "w").write("x")
    for i in range(5):
        os.remove(f"{name}/{i}")
    os.rename(name, name + ".done")
threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
try:
    os.rmdir("never")
except FileNotFoundError:
    pass
os.mkdir(b"bytes\xff\x1b[2J\n")
P
exit 3
S
run_script() # NAME [COMMAND]: the script's run in a workspace made anew, and its text as $work/NAME
{
    rm -rf "$work/ws"
    mkdir -p "$work/ws"/{src,docs}
    echo key >"$work/ws/.env"
    echo guide >"$work/ws/docs/guide.md"
    echo a >"$work/ws/src/a"
    echo b >"$work/ws/src/b"
    "$failcore" run --no-report --policy "$work/policies/project.yaml" --no-net --audit "$log" --workspace "$work/ws" -- \
        sh -c "$(cat "$work/script")${2:-}" >/dev/null 2>&1
    test $? = 3 && "$failcore" audit normalize --audit "$log" >"$work/$1"
}
check "the script runs" run_script first
check "and more than a little is in it" test "$(wc -l <"$work/first")" -gt 60
for i in $(seq 8); do
    check "again, number $i" run_script again
    check "number $i is the same text" diff "$work/first" "$work/again"
done
first=$("$failcore" show --runs --json --audit "$log" | head -n1 | jq -r .run)
check "by name it is the same" sh -c "'$failcore' audit normalize '$first' --audit '$log' | cmp - '$work/first'"
cat "$log"/log/*.jsonl | grep -F "\"run\":\"$first\"" >"$work/one.jsonl"
check "of a file of its records too" sh -c "'$failcore' audit normalize '$work/one.jsonl' | cmp - '$work/first'"

# ---- what it holds --------------------------------------------------------------------------------
rows() { jq -s "$1" "$work/first"; }
records() { jq -s "$1" "$work/one.jsonl"; }
check "each line is an object" rows 'all(.[]; type == "object" and (.step | type) == "number")'
check "a run has one beginning and one end" rows '[.[] | select(.kind == "START" or .kind == "END") | .kind] == ["START", "END"]'
check "which is how it ended" test "$(rows '[.[] | select(.kind == "END").exit][0]')" = 3
changes='select(.op | IN("create", "write", "delete", "rename")) | select(.status | IN("OK", "FAIL"))'
check "each change that was allowed has its row" test "$(rows "[.[] | $changes] | length")" = \
    "$(records '[.[] | select(.source == "fs" and .kind == "DECISION" and .status == "ALLOWED" and (.call.op | IN("create", "write", "delete", "rename")))] | length')"
check "in the order of its thread" test "$(jq -sc '[.[] | select((.path // "") | startswith("t0")) | [.op, .path, .path2 // ""]]' "$work/first")" = \
    '[["create","t0",""],["write","t0/0",""],["write","t0/1",""],["write","t0/2",""],["write","t0/3",""],["write","t0/4",""],["delete","t0/0",""],["delete","t0/1",""],["delete","t0/2",""],["delete","t0/3",""],["delete","t0/4",""],["rename","t0","t0.done"]]'
check "every kind of refusal is in it" diff \
    <(rows '[.[] | select(.status == "BLOCKED") | [.op, .path, .rule, .code]] | unique') \
    <(records '[.[] | select(.status == "BLOCKED" and .kind != "RESULT") | [.call.op, .call.path, .policy.rule, .code]] | unique')
check "a failure is none of them" rows '[.[] | select(.status == "FAIL")] | length > 0 and all(.[]; .errno != null and .decision == "allowed")'
check_fails "no clock, no number of a process, no id" grep -qE '"(timestamp|mono|pid|tid|seq|id|run|pseq|ino|entry_hash|call_duration_ms)":|20[0-9]{6}-[0-9]{6}-' "$work/first"
check "bytes that are not UTF-8 are whole" grep -q "\"path_hex\":\"$(printf 'bytes\377\033[2J\n' | od -An -tx1 | tr -d ' \n')\"" "$work/first"
check_fails "and act on no terminal" sh -c "script -qec \"'$failcore' audit normalize --audit '$log'\" /dev/null | LC_ALL=C grep -qP '\x1b\[2J|\xff'"

# ---- what was done otherwise ------------------------------------------------------------------------
sed -i 's/^exit 3/echo y >src\/extra; exit 3/' "$work/script"
check "one action more" run_script other
diff "$work/first" "$work/other" | grep '^[<>]' | grep -v '"op":"exec","path":"/usr/bin/sh"' | cut -c 3- >"$work/rows"
check "is in the difference" jq -se 'any(.[]; .op == "write" and .path == "src/extra")' "$work/rows"
check "and what is not in it is as it was" test "$(grep -c '"step"' "$work/rows")" -le 2
check_exit "an unknown run" 125 "$failcore" audit normalize nobody --audit "$log"
check_exit "two runs" 2 "$failcore" audit normalize a b --audit "$log"
