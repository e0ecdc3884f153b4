#!/bin/bash
# Listings: names alone for who wants names, attributes for who looks at the files; and a listing
# that the kernel keeps is asked for, judged and recorded at each opening all the same.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

came()
{
    sed -n "s/.*requests:.* $1 \\([0-9]*\\).*/\\1/p" "$work/server.errors" | grep . || echo 0
}

for d in {1..20}; do
    mkdir "$source/d$d"
    touch "$source/d$d/"f{1..20}
done
mkdir "$source/shut"
touch "$source/shut/f"

: >"$work/server.errors"
mount_tree --policy "$allow_all" --profile agent
find "$mount" >"$work/found"
unmount_tree
check "find sees all" test "$(wc -l <"$work/found")" -eq 423
check "and looks no file up: $(came LOOKUP) lookups" test "$(came LOOKUP)" -lt 40

mount_tree --policy "$allow_all" --profile agent
find "$mount" >/dev/null
ls -lR "$mount" >"$work/long"
unmount_tree
check "ls -lR after it shows all" test "$(grep -c '^-' "$work/long")" -eq 401
check "as they are" grep -q '^-rw-r--r-- .* f20$' "$work/long"
check "most of them from listings: $(came LOOKUP) lookups" test "$(came LOOKUP)" -lt 120

policy=$(policy_file shut <<'POLICY'
version: 1
name: shut
filesystem:
  default: allow
  rules:
    - {id: shut, action: deny, paths: [shut], operations: [list]}
POLICY
)
chmod 755 "$work" # for its owner
chown -R 1234:1235 "$source"
mount_tree --policy "$allow_all" --profile agent
as_owner()
{
    setpriv --reuid 1234 --regid 1235 --clear-groups "$@"
}
for _ in 1 2 3; do
    check "listed" as_owner ls "$mount/d1"
done
chmod 000 "$source/d1"
check_fails "a directory that was shut is not listed from memory" as_owner ls "$mount/d1"
check "by whom it was open it is" python3 - "$mount" <<'PY'
import os, sys
os.setgroups([])
os.setgid(1235)
os.setuid(1234)
os.chdir(sys.argv[1])
os.listdir("d2")
fd = os.open("d2", os.O_RDONLY | os.O_DIRECTORY)
assert len(os.listdir(fd)) == 20
os.close(os.open("d2/new", os.O_CREAT | os.O_WRONLY))
os.fsync(fd)
os.lseek(fd, 0, os.SEEK_SET)
assert "new" in os.listdir(fd)
os.unlink("d2/new")
os.close(fd)
os.listdir("d3")
fd = os.open("d3", os.O_RDONLY | os.O_DIRECTORY)
for name in os.listdir("d3"):
    os.unlink(f"d3/{name}")
os.rmdir("d3")
assert os.listdir(fd) == []
os.fstat(fd)
PY
unmount_tree
# Three that were listed, and one that the policy permitted and the mode did not.
check "each opening is recorded" test "$(records 'select(.kind == "DECISION" and .status == "ALLOWED" and .actor.uid == 1234 and .call.op == "list" and .call.path == "d1")' | wc -l)" -eq 4
mount_tree --policy "$policy" --profile agent
check_fails "what may not be listed is not" as_owner ls "$mount/shut"
check "all else is" as_owner ls "$mount/d4"
unmount_tree
