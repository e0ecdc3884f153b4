#!/bin/bash
# A mount with a policy that allows everything behaves as the directory behind it.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

echo hello >"$source/greeting"
mkdir "$source/tree"
mount_tree --policy "$allow_all"
cd "$mount" || exit 1

check "read" test "$(cat greeting)" = hello
check "write and read again" sh -c 'echo one >f && test "$(cat f)" = one && test "$(cat "$1/f")" = one' - "$source"
check "append" sh -c 'echo two >>f && test "$(wc -l <f)" = 2'
check "truncate on open" sh -c ': >f && test ! -s f'
check "truncate to a size" sh -c 'truncate -s 4097 f && test "$(stat -c %s "$1/f")" = 4097' - "$source"
check "mkdir, rmdir" sh -c 'mkdir d && test -d "$1/d" && rmdir d && test ! -e "$1/d"' - "$source"
check_fails "rmdir of a full directory" sh -c 'mkdir full && touch full/x && rmdir full'
check "unlink" sh -c 'rm full/x && test ! -e "$1/full/x"' - "$source"
check "rename in a directory" sh -c 'echo a >r1 && mv r1 r2 && test "$(cat r2)" = a && test ! -e r1'
check "rename across directories" sh -c 'mv r2 tree/r3 && test "$(cat tree/r3)" = a'
check "rename replaces" sh -c 'echo b >r4 && mv -f r4 tree/r3 && test "$(cat tree/r3)" = b'
check "rename of a directory" sh -c 'mkdir -p m/n && echo c >m/n/o && mv m tree/m && test "$(cat tree/m/n/o)" = c'
check_fails "rename without replacing" python3 - <<'PY'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
open("x1", "w").close(); open("x2", "w").close()
sys.exit(1 if libc.renameat2(-100, b"x1", -100, b"x2", 1) != 0 else 0)
PY
check "exchange" python3 - <<'PY'
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
open("e1", "w").write("1"); open("e2", "w").write("2")
assert libc.renameat2(-100, b"e1", -100, b"e2", 2) == 0
assert open("e1").read() == "2" and open("e2").read() == "1"
PY
check "hard link" sh -c 'ln greeting hard && test "$(stat -c %h hard)" = 2 && test hard -ef greeting'
check "the link survives its first name" sh -c 'echo more >>greeting && rm greeting && grep -q more hard'
check "a file of forty names" sh -c 'echo x >n0 && for i in $(seq 39); do ln n0 "n$i" || exit 1; done; test "$(stat -c %h n39)" = 40 && rm n[0-9]*'
check "symbolic link" sh -c 'ln -s hard soft && test "$(readlink soft)" = hard && grep -q more soft'
check "chmod" sh -c 'chmod 640 hard && test "$(stat -c %a "$1/hard")" = 640' - "$source"
check "chown" sh -c 'chown 12:34 hard && test "$(stat -c %u:%g "$1/hard")" = 12:34' - "$source"
check "chown of nobody to nobody stamps the change time" python3 - <<'PY'
import os, time
before = os.stat("hard").st_ctime_ns
time.sleep(0.05)
os.chown("hard", -1, -1)
assert os.stat("hard").st_ctime_ns > before, "no new change time"
PY
check "times" sh -c 'touch -d "2001-02-03 04:05:06.789 UTC" hard && test "$(TZ=UTC stat -c %y hard)" = "2001-02-03 04:05:06.789000000 +0000"'
check "a pipe carries data" sh -c 'mkfifo p && (echo x >p &) && test "$(cat p)" = x'
check "extended attributes" python3 - <<'PY'
import errno, os, struct
os.setxattr("hard", "user.one", b"1")
assert os.getxattr("hard", "user.one") == b"1"
assert os.listxattr("hard") == ["user.one"]
os.removexattr("hard", "user.one")
# An ACL that is well formed: version 2, owner, group and others.
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, 6, 0xffffffff) for tag in (1, 4, 32))
for name, value in (("trusted.x", b"1"), ("security.x", b"1"), ("system.posix_acl_access", acl)):
    try:
        os.setxattr("hard", name, value)
        raise SystemExit(f"{name} was carried")
    except OSError as e:
        assert e.errno == errno.EOPNOTSUPP, (name, e)
PY
check "statfs" sh -c 'test "$(stat -f -c %b .)" = "$(stat -f -c %b "$1")"' - "$source"
check "O_DIRECT, read and written, at its end as well" python3 - <<'PY'
import mmap, os
fd = os.open("direct", os.O_RDWR | os.O_CREAT | os.O_DIRECT)
block = mmap.mmap(-1, 8192)  # aligned
block.write(b"d" * 8192)
assert os.write(fd, block) == 8192
assert os.preadv(fd, [block], 4096) == 4096
os.ftruncate(fd, 5000)
with mmap.mmap(fd, 5000) as view:  # its last page ends where the file does
    view[4990:5000] = b"end of it."
os.fsync(fd)
os.close(fd)
assert open("direct", "rb").read() == b"d" * 4990 + b"end of it."
PY
check "an unlinked file lives while it is open" python3 - <<'PY'
import os
fd = os.open("gone", os.O_RDWR | os.O_CREAT)
os.write(fd, b"abc")
os.unlink("gone")
assert os.fstat(fd).st_nlink == 0
assert os.pread(fd, 3, 0) == b"abc"
os.ftruncate(fd, 1)
assert os.fstat(fd).st_size == 1
os.fchmod(fd, 0o600)
PY
check "holes, fallocate, copies" python3 - <<'PY'
import os
fd = os.open("holes", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 1 << 20)
os.pwrite(fd, b"x", 512 * 1024)
assert os.lseek(fd, 0, os.SEEK_DATA) == 512 * 1024
assert os.lseek(fd, 0, os.SEEK_HOLE) == 0
blocks = os.fstat(fd).st_blocks
os.posix_fallocate(fd, 0, 1 << 16)
assert os.fstat(fd).st_blocks >= blocks + 128
to = os.open("copied", os.O_RDWR | os.O_CREAT)
assert os.copy_file_range(fd, to, 100, 512 * 1024 - 50, 0) == 100
assert os.pread(to, 100, 0) == b"\0" * 50 + b"x" + b"\0" * 49
os.fsync(to)
PY
check "locks" python3 - <<'PY'
import fcntl, os
a = open("lock", "w"); b = open("lock", "w")
fcntl.flock(a, fcntl.LOCK_EX)
try:
    fcntl.flock(b, fcntl.LOCK_EX | fcntl.LOCK_NB)
    raise SystemExit("two exclusive locks")
except BlockingIOError:
    pass
fcntl.lockf(a, fcntl.LOCK_EX)
PY
check "shared memory mapping" python3 - <<'PY'
import mmap, os
fd = os.open("mapped", os.O_RDWR | os.O_CREAT); os.ftruncate(fd, 8192)
m = mmap.mmap(fd, 8192); m[5000:5003] = b"abc"; m.flush(); m.close(); os.close(fd)
assert open("mapped", "rb").read()[5000:5003] == b"abc"
PY
check "names of 255 bytes, and bytes that are no UTF-8" python3 - <<'PY'
import os
long = b"n" * 255
open(long, "w").close(); assert long in os.listdir(b"."); os.unlink(long)
odd = b"\xff\xfe\x01 \\"
open(odd, "w").close(); assert odd in os.listdir(b"."); os.unlink(odd)
try:
    open(b"n" * 256, "w"); raise SystemExit("256 bytes")
except OSError:
    pass
PY
check "a directory of 20,000 names, deleted while it is read" python3 - <<'PY'
import os
os.mkdir("many")
for i in range(20000):
    os.close(os.open(f"many/{i:05d}", os.O_CREAT | os.O_WRONLY))
assert len(os.listdir("many")) == 20000
with os.scandir("many") as it:
    for e in it:
        os.unlink(e.path)
assert os.listdir("many") == []
os.rmdir("many")
PY
check "paths beyond PATH_MAX" python3 - <<'PY'
import os
here = os.open(".", os.O_RDONLY)
name = "d" * 200
for i in range(40):
    os.mkdir(name); os.chdir(name)
open("bottom", "w").write("x"); assert open("bottom").read() == "x"
os.unlink("bottom")
for i in range(40):
    os.chdir(".."); os.rmdir(name)
os.fchdir(here)
PY
check "a program runs from it" sh -c 'cp /bin/true prog && ./prog'
check "git works" sh -c '
    git init -q repo && cd repo && echo a >a && git add a &&
    git -c user.name=n -c user.email=e commit -qm m && git fsck --strict && git status'
check "changes underneath are seen within a second" sh -c '
    echo 1 >under; cat under; echo 22 >"$1/under"; sleep 1.1; test "$(cat under)" = 22 &&
    rm "$1/under"; sleep 1.1; test ! -e under' - "$source"
check ".failcore is reserved" sh -c '! mkdir .failcore && ! touch .failcore && ! mv hard .failcore && test -e hard'
check "nor does a directory come to bear its name" sh -c 'mkdir plain && ! mv -T plain .failcore && test ! -e "$1/.failcore" && rmdir plain' - "$source"
cd /
check "the log is intact" "$bin/failcore" audit verify "$audit"
wait_until 5 sh -c "cat '$audit'/log/*.jsonl | grep -q '\"op\":\"rename\"'"
check "renames are recorded with both names" test -n "$(records 'select(.call.op=="rename" and .call.path2=="tree/r3")')"
check "what happened is recorded too" test -n "$(records 'select(.kind=="RESULT" and .status=="OK")')"
mode=$(stat -c %a "$mount")
unmount_tree
check "unmounted" sh -c '! grep -q " $1 " /proc/self/mountinfo' - "$mount"
check "the mountpoint has its mode back ($mode)" test "$(stat -c %a "$mount")" = 755
