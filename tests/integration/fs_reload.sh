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
cp "$policy" "$work/open.yaml"

policy_file live >/dev/null <<'POLICY'
version: 1
name: tighter
filesystem:
  default: allow
  rules:
    - {id: keys, action: deny, paths: ["**/*.pem"]}
    - {id: gone, action: hide, paths: ["d/b"]}
POLICY
cp "$policy" "$work/tighter.yaml"
cp "$work/open.yaml" "$policy"
check "reload of the same" "$bin/failcore-mount" --reload "$mount"
# Handles, a mapping and a name that were had before the reload; each is used after it.
check "what is open loses what it may do" python3 - "$bin/failcore-mount" "$mount" "$work/tighter.yaml" "$policy" "$source" <<'PY'
import errno, mmap, os, shutil, subprocess, sys
program, mount, tighter, policy, source = sys.argv[1:]
name, behind = mount + "/d/a.pem", source + "/d/a.pem"
unread = os.open(name, os.O_RDONLY)
read = os.open(name, os.O_RDONLY)
written = os.open(name, os.O_RDWR)
appended = os.open(name, os.O_WRONLY | os.O_APPEND)
place = os.open(name, os.O_PATH)
mapped = mmap.mmap(written, 3)
assert os.pread(read, 3, 0) == b"one" and mapped[:] == b"one"
shutil.copy(tighter, policy)
subprocess.run([program, "--reload", mount], check=True, stdout=subprocess.DEVNULL)

def refused(what, *arguments):
    try:
        what(*arguments)
    except OSError as error:
        if error.errno == errno.EACCES:
            return
        raise
    sys.exit(f"{what.__name__}{arguments} was permitted")

refused(os.pread, read, 3, 0)
refused(os.pread, unread, 3, 0)
refused(os.pread, written, 3, 0)
refused(os.pwrite, written, b"X", 0)
refused(os.write, appended, b"X")
refused(os.truncate, written, 0)
refused(os.posix_fallocate, written, 0, 100)
refused(os.open, f"/proc/self/fd/{place}", os.O_RDONLY)
refused(os.open, f"/proc/self/fd/{read}", os.O_RDONLY)
with open(behind, "rb") as file:
    assert file.read() == b"one\n", "changed"
child = os.fork()
if child == 0:
    try:
        mapped[0] = ord("X") # a signal, or a page that nobody takes back
        mapped.flush()
    except OSError:
        pass
    os._exit(0)
os.waitpid(child, 0)
with open(behind, "rb") as file:
    assert file.read() == b"one\n", "changed through a mapping"
PY
check_fails "a look that the kernel remembered" stat "$mount/d/a.pem"
check_fails "read" cat "$mount/d/a.pem"
check "hidden from a listing that the kernel remembered" test "$(ls "$mount/d")" = a.pem
check_fails "hidden" stat "$mount/d/b"

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
