#!/usr/bin/env bash
# failcore show --effects: the ledger of a run against what the disk says before and after it.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
need_root
need_strace
failcore=$bin/failcore
log=$work/audit
mkdir -p "$work/policies" "$work/spaces/one/keep" "$work/spaces/one/old"
cat >"$work/policies/open.yaml" <<'Y'
version: 1
name: open
filesystem: {default: allow}
Y
space=$work/spaces/one
for i in $(seq 20); do echo "kept $i" >"$space/keep/k$i"; echo "old $i" >"$space/old/o$i"; done

cat >"$work/program.py" <<'P'
import os, random
random.seed(int(open("keep/k1").read().split()[1]))
for i in range(30):
    with open(f"keep/new{i}", "w") as f:
        f.write("n" * (i * 100))
for i in range(1, 6):
    with open(f"keep/k{i}", "a") as f:
        f.write("more")
for i in range(1, 11):
    os.remove(f"old/o{i}")
for i in range(5):
    os.rename(f"keep/new{i}", f"keep/moved{i}")
os.makedirs("tree/a/b")
open("tree/a/b/leaf", "w").write("leaf")
os.rename("tree", "forest")
open("temporary", "w").write("t")
os.remove("temporary")
for i in range(11, 13):
    os.rename(f"old/o{i}", f"old/p{i}")
os.symlink("k1", "keep/symlink")
os.link("keep/k7", "keep/k7-too")
try:
    os.remove("old/absent")
except FileNotFoundError:
    pass
P
cp "$work/program.py" "$space/program.py"
state() { (cd "$space" && find . -mindepth 1 \( -type d -printf '%P -\n' -o -type l -printf '%P %l\n' -o -printf '%P ' -exec sh -c 'sha256sum <"$1"' sh {} \; \) | sort); }
state >"$work/before"
check "a program that changes much" "$failcore" run --no-report --policy "$work/policies/open.yaml" --no-net --audit "$log" --workspace "$space" -- python3 program.py
state >"$work/after"
"$failcore" show --effects --json --audit "$log" >"$work/effects"
names() { cut -d' ' -f1 "$1" | sort; }
fate() { jq -r ".files[] | select(.fate == \"$1\").name" "$work/effects" | sort; }

comm -13 <(names "$work/before") <(names "$work/after") >"$work/appeared"
comm -23 <(names "$work/before") <(names "$work/after") >"$work/vanished"
join <(sort "$work/before") <(sort "$work/after") | awk '$2 != $4 && $2 != "-" && NF >= 5 { print $1 }' | sort >"$work/rewritten"
check "something of each" test -s "$work/appeared" -a -s "$work/vanished" -a -s "$work/rewritten"
fate new >"$work/new"
check "what is new is what appeared" diff "$work/appeared" "$work/new"
fate gone >"$work/gone"
check "what is gone is what vanished" diff "$work/vanished" "$work/gone"
fate changed >"$work/changed"
check "what was rewritten is among the changed" test -z "$(comm -23 "$work/rewritten" "$work/changed")"
check "and nothing else, but directories and names whose files got another" test -z "$(comm -13 "$work/rewritten" "$work/changed" | grep -vE '^(keep|old|keep/k7)$')"
check "what came and went is temporary" grep -qx temporary <(fate temporary)
check "a failed removal is no effect" sh -c "jq -e 'all(.files[].name; . != \"old/absent\")' '$work/effects'"
check "bytes of a file" jq -e '[.files[] | select(.name == "keep/new29")][0].bytes_written == 2900' "$work/effects"
check "bytes of a file that grew" jq -e '[.files[] | select(.name == "keep/k2")][0].bytes_written == 4' "$work/effects"
check "the program" jq -e '[.programs[].started] | add == 1' "$work/effects"
check "nothing is left open" jq -e '.pending == 0' "$work/effects"

# ---- programs, as a tracer of the kernel's own calls has them --------------------------------------
cat >"$space/starts.sh" <<'S'
#!/bin/sh
for i in 1 2 3; do /bin/true; done
(cat keep/k1 | sort | uniq) >/dev/null
no-such-program
/bin/none
/usr/bin/python3 -c 'import os; os.posix_spawn("/bin/echo", ["echo", "spawned"], {})
try: os.execv("/bin/none", ["none"])
except OSError: os.execv("/bin/ls", ["ls"])' >/dev/null
S
chmod +x "$space/starts.sh"
"$failcore" run --no-report --policy "$work/policies/open.yaml" --no-net --audit "$log" --workspace "$space" --env PATH=/usr/bin:/bin -- ./starts.sh >/dev/null 2>&1
"$failcore" show --effects --json --audit "$log" >"$work/effects"
(cd "$space" && env -i PATH=/usr/bin:/bin strace -f -qq -e trace=execve -e status=successful -o "$work/execs" ./starts.sh >/dev/null 2>&1)
sed -n 's/.*execve("\([^"]*\)".*/\1/p' "$work/execs" | sed 's|.*/||' | sort | uniq -c | awk '{ print $2, $1 }' >"$work/traced"
jq -r '.programs[] | "\(.name | sub(".*/"; "")) \(.started)"' "$work/effects" | sort >"$work/started"
check "programs started are those that the tracer saw" diff "$work/traced" "$work/started"
check "and they are more than a few" test "$(wc -l <"$work/traced")" -ge 7
