#!/bin/bash
# What a policy denies is refused before any effect, recorded, and leaves no trace.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

policy=$(policy_file rules <<'POLICY'
version: 1
name: rules
filesystem:
  default: deny
  rules:
    - {id: work, action: allow, paths: ["work/**"]}
    - {id: look, action: allow, operations: [read, list], paths: ["docs/**"]}
    - {id: secrets, action: deny, paths: ["**/*.pem"], message: keys stay with the operator}
    - {id: hidden, action: hide, paths: ["work/hidden", "work/hidden/**"]}
POLICY
)
mkdir -p "$source"/{work/sub,work/hidden,docs,other}
echo key >"$source/work/k.pem"
echo text >"$source/docs/text"
echo other >"$source/other/file"
echo h >"$source/work/hidden/inside"
echo w >"$source/work/plain"
echo outside >"$work/outside"
ln "$work/outside" "$source/work/linked"
mkdir "$source/work/other"
mount -t tmpfs -o size=64k tmpfs "$source/work/other"
at_exit "umount -l '$source/work/other'"
before=$(stat -c '%x %y %z %s' "$source/work/k.pem" "$source/docs/text")
mount_tree --policy "$policy"
cd "$mount" || exit 1

is()
{
    local error=$1
    shift
    check "$error: $*" python3 - "$error" "$@" <<'PY'
import errno, os, sys
wanted, call, *args = sys.argv[1:]
calls = {
    "read": lambda p: os.close(os.open(p, os.O_RDONLY)),
    "write": lambda p: os.close(os.open(p, os.O_WRONLY)),
    "truncate-open": lambda p: os.close(os.open(p, os.O_WRONLY | os.O_TRUNC)),
    "truncate": lambda p: os.truncate(p, 0),
    "create": lambda p: os.close(os.open(p, os.O_WRONLY | os.O_CREAT | os.O_EXCL)),
    "stat": os.lstat, "list": os.listdir, "mkdir": os.mkdir, "rmdir": os.rmdir,
    "unlink": os.unlink, "chmod": lambda p: os.chmod(p, 0o777),
    "utime": lambda p: os.utime(p, (1, 1)), "rename": os.rename, "link": os.link,
    "symlink": lambda p: os.symlink("x", p), "mkfifo": os.mkfifo,
    "setxattr": lambda p: os.setxattr(p, "user.a", b"1"), "readlink": os.readlink,
    "mknod": lambda p: os.mknod(p, 0o20666, os.makedev(1, 3)),
    "suid": lambda p: os.chmod(p, 0o4755),
}
try:
    calls[call](*args)
    got = "OK"
except OSError as e:
    got = errno.errorcode[e.errno]
print(got)
sys.exit(got != wanted)
PY
}

for call in read write truncate-open truncate stat unlink chmod utime setxattr; do
    is EACCES $call work/k.pem
done
is EACCES create work/new.pem
is EACCES mkdir work/dir.pem
is EACCES symlink work/sl.pem
is EACCES mkfifo work/ff.pem
is OK read docs/text
is OK list docs
for call in write truncate-open truncate unlink chmod utime setxattr; do
    is EACCES $call docs/text
done
is EACCES create docs/new
is EACCES mkdir docs/new
is EACCES rmdir docs
is EACCES rename docs/text work/text
is EACCES rename work/plain docs/plain
is EACCES link docs/text work/text
is EACCES link work/plain docs/text2
is EACCES rename work/plain work/plain.pem
is EACCES link work/plain work/plain.pem
is EACCES stat other
is EACCES read other/file
is EACCES list .
is EACCES mknod work/null
is EACCES suid work/plain
is ENOENT stat work/hidden
is ENOENT read work/hidden/inside
is ENOENT list work/hidden
is ENOENT unlink work/hidden
is ENOENT rename work/hidden work/shown
is EACCES mkdir work/hidden
is EACCES rename work/plain work/hidden
is EACCES link work/plain work/hidden
is OK create work/made
is OK rename work/made work/sub/made
is OK link work/sub/made work/again
is OK unlink work/again
check "denied names are listed, hidden ones are not" test "$(ls work | tr '\n' ' ')" = "k.pem linked other plain sub "
check "nothing changed" test "$before" = "$(stat -c '%x %y %z %s' "$source/work/k.pem" "$source/docs/text")"
check "nothing was made" test -z "$(find "$source" -name '*.pem' ! -name k.pem)$(ls "$source/docs" | grep -v text)"
check "refusals can be read, with rule and message" grep -q '"path":"work/k.pem","code":"PATH_DENIED","errno":"EACCES","rule":"secrets","reason":"keys stay with the operator"' .failcore/denials
check_fails "hidden names are not mentioned" grep -q hidden .failcore/denials
check "they are JSON" jq -e . .failcore/denials
is EACCES write .failcore/denials
is EACCES unlink .failcore/denials
is EACCES create .failcore/x
is EACCES rename .failcore/denials work/d
is EEXIST mkdir .failcore
check "and never listed" test -z "$(ls -a . 2>/dev/null | grep failcore)$(ls .failcore)"
# What is no matter of any rule: a file with a name outside the tree, another file system inside it.
is EACCES write work/linked
is EACCES stat work/other
check "the file outside is as it was" test "$(cat "$work/outside")" = outside
check "why a file may not be written" python3 -c "
import os
why = os.getxattr('docs/text', 'user.failcore.why').decode()
assert 'write: PATH_DENIED, rule default' in why and 'read:' not in why, why"
cd /
wait_until 5 sh -c "cat '$audit'/log/*.jsonl | grep -q PATH_HIDDEN"
check "a refusal names its rule" test -n "$(records 'select(.kind=="DECISION" and .status=="BLOCKED" and .code=="PATH_DENIED" and .policy.rule=="secrets" and .call.path=="work/k.pem" and .reason=="keys stay with the operator" and .errno=="EACCES")')"
check "a hidden name is recorded as such" test -n "$(records 'select(.code=="PATH_HIDDEN" and .call.path=="work/hidden")')"
check "the one who asked is recorded" test -n "$(records 'select(.status=="BLOCKED" and .actor.comm=="python3" and .actor.pid>0)')"
check "a link that leads outside is recorded as such" test -n "$(records 'select(.code=="LINK_ESCAPE" and .call.path=="work/linked" and .status=="BLOCKED")')"
check "another file system is recorded as outside the view" test -n "$(records 'select(.code=="OUTSIDE_VIEW" and .call.path=="work/other" and .status=="BLOCKED")')"
check "nothing refused has an outcome" test -z "$(records 'select(.kind=="RESULT" and .status=="BLOCKED")')"
check "the log is intact" "$bin/failcore" audit verify "$audit"
unmount_tree

# Names that permit different things may not trade places; directories with all that is below.
policy=$(policy_file escape <<'POLICY'
version: 1
name: escape
filesystem:
  default: allow
  rules:
    - {id: build, action: deny, operations: [write, create], paths: ["keep/*.lock"]}
    - {id: tops, action: deny, operations: [metadata], paths: ["*.conf"]}
POLICY
)
mkdir -p "$source"/keep "$source"/free
echo 1 >"$source/free/a.lock"
echo 1 >"$source/a.conf"
mount_tree --policy "$policy"
cd "$mount" || exit 1
is EXDEV rename a.conf b
is OK rename a.conf b.conf
is EXDEV rename free/a.lock keep/a.lock
is EXDEV link free/a.lock keep/b.lock
is OK rename free free2
is OK rename free2 free
is EXDEV rename keep away
is OK create free/x
is OK rename free/x keep/x
cd /
wait_until 5 sh -c "cat '$audit'/log/*.jsonl | grep -q RENAME_ESCAPE"
check "recorded as an escape" test -n "$(records 'select(.code=="RENAME_ESCAPE" and .errno=="EXDEV")')"
unmount_tree

# What is hidden cannot be counted: neither by the directory's links, size and blocks nor by offsets.
policy=$(policy_file counted <<'POLICY'
version: 1
name: counted
filesystem:
  default: allow
  rules:
    - {id: hidden, action: hide, paths: ["**/hid*", "**/hid*/**"]}
POLICY
)
mkdir -p "$source"/count/{shown,seen}
for i in {1..300}; do
    mkdir "$source/count/hid$i-$(printf '%0200d' 0)"
done
counts()
{
    stat -c '%h %s %b %n' "$mount/count" "$mount/count/shown"
    python3 - "$mount/count" <<'PY'
import ctypes, os, struct, sys
libc = ctypes.CDLL(None)
fd = os.open(sys.argv[1], os.O_RDONLY)
block = ctypes.create_string_buffer(65536)
while (n := libc.syscall(217, fd, block, 65536)) > 0:
    at = 0
    while at < n:
        _, offset, length = struct.unpack_from("QqH", block.raw, at)
        print("offset", offset)
        at += length
PY
}
mount_tree --policy "$policy" --strict
counts >"$work/counts"
check "a directory has one link" grep -q '^1 .*/count$' "$work/counts"
check "offsets count what is shown" test "$(awk '$1 == "offset" { print $2 }' "$work/counts" | tr '\n' ' ')" = "1 2 3 4 "
rm -rf "$source"/count/hid*
check "with and without hidden names all is the same" test "$(cat "$work/counts")" = "$(counts)"
mkdir "$mount/count/gone"
check "a removed directory has none" python3 -c "
import os
fd = os.open('$mount/count/gone', os.O_RDONLY)
os.rmdir('$mount/count/gone')
assert os.fstat(fd).st_nlink == 0"
unmount_tree

mount_tree
check_fails "without a policy nothing is reachable" ls "$mount"
said "and that is EACCES" 'Permission denied'
check_fails "not even a look" stat "$mount/work"
