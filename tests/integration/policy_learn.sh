#!/usr/bin/env bash
# failcore policy learn: the same program runs again under what was learned from it, one action
# more is refused, and what nobody should allow by machine stays closed.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
need_root
failcore=$bin/failcore
log=$work/audit
mkdir "$work/policies" "$work/spaces"

cat >"$work/policies/open.yaml" <<'Y'
version: 1
name: open
filesystem: {default: allow}
Y
cat >"$work/policies/shadow.yaml" <<'Y'
version: 1
name: shadow-all
on_violation: log
filesystem: {default: deny}
Y

cat >"$work/program.py" <<'P'
import os, shutil
os.makedirs("out/deep/a", exist_ok=True)
for i in range(300):
    open(f"src/mod{i}.py").read()
for i in range(40):
    with open(f"out/part{i}.txt", "w") as f:
        f.write("x")
for d in "abcdef":
    os.makedirs(f"out/deep/{d}", exist_ok=True)
    open(f"out/deep/{d}/file", "w").write("y")
open("notes.txt", "a").write("more")
with open("draft.tmp", "w") as f:
    f.write("z")
os.rename("draft.tmp", "final.txt")
os.makedirs("work/stage")
open("work/stage/one", "w").close()
os.rename("work/stage", "work/release")
os.remove("work/release/one")
os.rmdir("work/release")
os.truncate("notes.txt", 3)
os.chmod("notes.txt", 0o640)
shutil.copyfile("notes.txt", "copy.txt")
os.link("copy.txt", "copy2.txt")
os.symlink("copy.txt", "link")
os.readlink("link")
for name in ("it's \"quoted\" # not a comment.txt", "star*[x]{a,b}?.txt", "- dash: {yaml}", "new\nline: [x", "back\\slash"):
    open(name, "w").write("n")
    open(name).read()
os.path.exists("never/was/there")
for root, dirs, files in os.walk("."):
    for f in files:
        os.stat(os.path.join(root, f), follow_symlinks=False)
print("done")
P
space() {
    rm -rf "$work/spaces/$1"
    mkdir -p "$work/spaces/$1/src"
    for i in $(seq 0 299); do echo "m$i" >"$work/spaces/$1/src/mod$i.py"; done
    echo "text" >"$work/spaces/$1/notes.txt"
    cp "$work/program.py" "$work/spaces/$1/program.py"
}
run_under() { # SPACE POLICY CMD...
    local name=$1 policy=$2
    shift 2
    "$failcore" run --policy "$policy" --no-net --audit "$log" --workspace "$work/spaces/$name" -- "$@"
}
blocked() { "$failcore" show --json --audit "$log" | jq -s '[.[] | select(.status == "BLOCKED")] | length'; }

space one
check "the program runs under an open policy" run_under one "$work/policies/open.yaml" python3 program.py
"$failcore" policy learn last --audit "$log" >"$work/policies/learned.yaml" 2>"$work/err"
check "a policy is learned" test -s "$work/policies/learned.yaml"
check "which is valid" "$failcore" policy check "$work/policies/learned.yaml"
check "three hundred files are a directory" grep -q '"src/\*" # 300 names' "$work/policies/learned.yaml"
check_fails "not three hundred lines" grep -q 'mod17.py' "$work/policies/learned.yaml"
check "no wildcard where one name shows it" grep -q '"notes.txt" #' "$work/policies/learned.yaml"
check "two directories that traded places share one pattern" grep -q "\"work/\*\*\" .*a directory was renamed" "$work/policies/learned.yaml"
check "every line names its records" sh -c "sed -n '/id: \"files-1\"/,\$p' '$work/policies/learned.yaml' | grep '^        - ' | grep -vcE '# ([0-9]+ names, )?records? [0-9]+' | grep -qx 0"
check "replayed by it: no difference" "$failcore" replay --policy "$work/policies/learned.yaml" --audit "$log"

space two
check "the same program runs under it" run_under two "$work/policies/learned.yaml" python3 program.py
check "with nothing blocked" test "$(blocked)" = 0
space three
check_fails "one action more fails" run_under three "$work/policies/learned.yaml" sh -c 'python3 program.py && echo more >src/mod1.py'
check "because it is blocked" test "$(blocked)" -gt 0
check_fails "reading what it did not read too" run_under three "$work/policies/learned.yaml" cat program.py.bak
echo x >"$work/spaces/three/unread.txt"
check_fails "though it is there" run_under three "$work/policies/learned.yaml" cat unread.txt
check_fails "nor does a star in a name stand for others" run_under three "$work/policies/learned.yaml" sh -c 'echo x >"starX[x]{a,b}?.txt"'

# ---- learned from a run that was only watched ------------------------------------------------------
space four
check "the program runs watched" run_under four "$work/policies/shadow.yaml" python3 program.py
"$failcore" policy learn last --audit "$log" >"$work/policies/watched.yaml"
space five
check "and again under what was seen" run_under five "$work/policies/watched.yaml" python3 program.py
check "with nothing blocked" test "$(blocked)" = 0

# ---- what stays closed -------------------------------------------------------------------------------
space six
mkdir -p "$work/spaces/six/.git/hooks" "$work/spaces/six/.ssh"
echo key | tee "$work/spaces/six/.env" "$work/spaces/six/.ssh/id_rsa" "$work/spaces/six/server.pem" >/dev/null
check "a program that does what it should not" run_under six "$work/policies/open.yaml" \
    sh -c 'cat .env .ssh/id_rsa server.pem src/mod1.py; echo x >.git/hooks/pre-commit; cat .git/hooks/pre-commit; touch "$(printf "b\\377d")"'
"$failcore" policy learn last --audit "$log" >"$work/policies/careful.yaml"
check "is learned from" "$failcore" policy check "$work/policies/careful.yaml"
for path in .env .ssh/id_rsa server.pem; do
    check "$path stays closed" sh -c "'$failcore' policy explain '$work/policies/careful.yaml' fs read '$path' --json | jq -e '.decision == \"blocked\"'"
    check "$path is listed" grep -q "^#   read $path (" "$work/policies/careful.yaml"
done
check "a hook stays closed" sh -c "'$failcore' policy explain '$work/policies/careful.yaml' fs write .git/hooks/pre-commit --json | jq -e '.decision == \"blocked\"'"
check "and may be read" sh -c "'$failcore' policy explain '$work/policies/careful.yaml' fs read .git/hooks/pre-commit --json | jq -e '.decision == \"allowed\"'"
check "a name that is not UTF-8 is a comment" grep -q '^#   .*b\\xffd' "$work/policies/careful.yaml"
check "what was honest is allowed" sh -c "'$failcore' policy explain '$work/policies/careful.yaml' fs read src/mod1.py --json | jq -e '.decision == \"allowed\"'"

# ---- refusals, hosts and hostile names from a story ----------------------------------------------------
"$bin/audit_story" "$work/story" --hostile >/dev/null
ended() { tail -n1 "$work"/story/log/*.jsonl | grep -q '"kind":"END"'; }
wait_until 5 ended
"$failcore" policy learn last --audit "$work/story" >"$work/policies/story.yaml"
check "of a hostile story" "$failcore" policy check "$work/policies/story.yaml"
decision() { "$failcore" policy explain "$work/policies/story.yaml" "$@" --json | jq -r .decision; }
check "a refused attempt is no rule" test "$(decision fs read /home/alice/.ssh/id_ed25519)" = blocked
check "nor is a refused delete" test "$(decision fs delete src/main.c)" = blocked
check "nor a refused host" test "$(decision net exfil.example.net:443)" = blocked
check "nor a metadata address" test "$(decision net 169.254.169.254:80)" = blocked
check "a host that was used is allowed" test "$(decision net api.openai.com:443)" = allowed
check "on no other port" test "$(decision net api.openai.com:22)" = blocked
check_fails "no override, no private addresses, no host wildcard" grep -vE '^ *#' <(grep -nE 'override|allow_private|hosts:.*\*|- "\*\.' "$work/policies/story.yaml")
check "no line of the workload's own" sh -c "grep -vE '^(#|version|name|revision|filesystem|network|  default|  rules|    - id|    #|      (action|operations|paths|hosts|ports)|        - )' '$work/policies/story.yaml' | wc -l | grep -qx 0"
check_exit "which run?" 2 "$failcore" policy learn
check_exit "a run that is not there" 125 "$failcore" policy learn nobody --audit "$log"
