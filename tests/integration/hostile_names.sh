#!/usr/bin/env bash
# Names made to deceive: the policy holds at every depth and for every spelling, and neither the
# records nor their readers carry a terminal's commands.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run

no_secrets=$policies/no_secrets.yaml
cat >"$no_secrets" <<'POLICY'
version: 1
name: no-secrets
filesystem:
  rules:
    - {id: all, action: allow, paths: ["**"]}
    - {id: secrets, action: deny, paths: ["**/.env", "**/*.pem"]}
POLICY
cat >"$work/names.py" <<'NAMES'
import os
names = [b"a\nb", b"\xff\xfe", b"\x1b[31mred\x1b]0;taken\x07", b'a\t"\\', "\u202etxt".encode(),
         b"x" * 200, b"<script>", b"=1+1", b"a\rb", b"\xc2\x9b31m", b" ", b"*", b"[a]", b"..."]
refused = 0
def attempt(path):
    global refused
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY)); print("MADE", path)
    except PermissionError:
        refused += 1
for name in names:
    os.mkdir(name)
    attempt(name + b"/.env")
    attempt(name + b"/" + name + b".pem")
top = os.open(".", os.O_RDONLY)
for depth in range(200):
    os.mkdir("d" * 200); os.chdir("d" * 200)
attempt(".env")
attempt("a.pem")
os.fchdir(top)
print("refused", refused)
NAMES
check "odd and deep names" "$bin/failcore" run --no-net --policy "$no_secrets" --workspace "$ws" \
    --audit "$audit" -- python3 -c "$(cat "$work/names.py")"
cp "$work/output" "$work/said"
check "every one refused" grep -qx 'refused 30' "$work/said"
check_fails "none made" grep -q MADE "$work/said"
check "the log is intact" "$bin/failcore" audit verify "$audit"
check "each record is one line of JSON" bash -c 'cat "$0"/log/*.jsonl | jq -e . >/dev/null' "$audit"
for reader in "show" "show --blocked" "why"; do
    # shellcheck disable=SC2086
    "$bin/failcore" $reader --audit "$audit" >"$work/read" 2>&1
    check "$reader says something" test -s "$work/read"
    check_fails "$reader: no terminal's commands" env LC_ALL=C grep -aqP \
        '\x1b|\x07|\r|\xe2\x80\xae|\xc2\x9b|\xff' "$work/read"
done
