#!/bin/bash
# A new policy takes the place of the old one while the mount is in use, whole or not at all.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

policy=$(policy_file live <"$allow_all")
mkdir -p "$source/d"
echo one >"$source/d/a.pem"
echo two >"$source/d/b"
mount_tree --policy "$policy"
check "readable" cat "$mount/d/a.pem"
check "writable" sh -c 'echo x >>"$1/d/b"' - "$mount"
exec 7<>"$mount/d/a.pem"

policy_file live >/dev/null <<'POLICY'
version: 1
name: tighter
filesystem:
  default: allow
  rules:
    - {id: keys, action: deny, paths: ["**/*.pem"]}
    - {id: gone, action: hide, paths: ["d/b"]}
POLICY
check "reload" "$bin/failcore-mount" --reload "$mount"
check_fails "a look that the kernel remembered" stat "$mount/d/a.pem"
check_fails "read" cat "$mount/d/a.pem"
check_fails "a file that is open loses what it may do" dd if=/dev/fd/7 bs=1 count=1
said "with EACCES" 'Permission denied'
check "hidden from a listing that the kernel remembered" test "$(ls "$mount/d")" = a.pem
check_fails "hidden" stat "$mount/d/b"
exec 7<&-

printf 'version: 1\nname: broken\nfilesystem:\n  rules: 7\n' | policy_file live >/dev/null
check_exit "a bad policy is refused" 65 "$bin/failcore-mount" --reload "$mount"
said "with its line" 'live.yaml:4'
check_fails "and the old one stays" cat "$mount/d/a.pem"

policy_file live >/dev/null <"$allow_all"
kill -HUP "$server_pid"
wait_until 2 cat "$mount/d/a.pem"
check "SIGHUP reloads too" cat "$mount/d/a.pem"
check "and what was hidden is there" cat "$mount/d/b"

# 200 reloads under load: every answer is one of the two policies', and nothing breaks.
cp "$allow_all" "$work/policies/live.yaml"
(
    for i in $(seq 1 100); do
        sed 's/default: allow/default: deny/' "$allow_all" >"$work/policies/live.yaml"
        "$bin/failcore-mount" --reload "$mount"
        cp "$allow_all" "$work/policies/live.yaml"
        "$bin/failcore-mount" --reload "$mount"
    done
    touch "$work/reloaded"
) 2>"$work/reload.errors" &
reloader=$!
check "under load" python3 - "$mount/d" "$work/reloaded" <<'PY'
import errno, os, sys
d, done = sys.argv[1:]
seen = set()
while not os.path.exists(done):
    for call in (lambda: os.listdir(d), lambda: os.stat(d + "/b"), lambda: open(d + "/b").read(),
                 lambda: os.mkdir(d + "/x"), lambda: os.rmdir(d + "/x"),
                 lambda: os.rename(d + "/b", d + "/c"), lambda: os.rename(d + "/c", d + "/b")):
        try:
            call(); seen.add("OK")
        except OSError as e:
            seen.add(errno.errorcode[e.errno])
print(seen)
assert seen <= {"OK", "EACCES", "ENOENT", "EEXIST"}, seen
assert {"OK", "EACCES"} <= seen, seen
PY
wait "$reloader"
check "no reload failed" test ! -s "$work/reload.errors"
wait_until 5 sh -c "test \$(cat '$audit'/log/*.jsonl | grep -c '\"kind\":\"POLICY\"') -ge 200"
check "every policy is in the log" test "$(records 'select(.kind=="POLICY")' | wc -l)" -ge 200
check "the log is intact" "$bin/failcore" audit verify "$audit"
unmount_tree

# What the kernel carries cannot be taken back before it is closed, and the reload says so.
mount_tree --policy "$policy" --passthrough
exec 7<>"$mount/d/a.pem"
policy_file live >/dev/null <<'POLICY'
version: 1
name: tighter
filesystem:
  default: allow
  rules:
    - {id: keys, action: deny, paths: ["**/*.pem"]}
POLICY
check "reload with a carried file" "$bin/failcore-mount" --reload "$mount"
said "says that it is not fully in force" 'not fully in force until 1 open'
exec 7<&-
check_fails "closed for ever" cat "$mount/d/a.pem"
unmount_tree
