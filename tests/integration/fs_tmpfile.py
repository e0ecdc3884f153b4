"""Files without a name (O_TMPFILE) through a mount whose policy fs_tmpfile.sh wrote.

    fs_tmpfile.py MOUNT SOURCE
"""
import ctypes
import errno
import os
import sys
import time

mount, source = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)
AT_SYMLINK_FOLLOW, AT_EMPTY_PATH, AT_FDCWD = 0x400, 0x1000, -100


def nameless(directory, flags=0, mode=0o644):
    return os.open(f"{mount}/{directory}", os.O_TMPFILE | os.O_RDWR | flags, mode)


def link(fd, to, empty_path=False):
    path = b"" if empty_path else f"/proc/self/fd/{fd}".encode()
    r = libc.linkat(fd if empty_path else AT_FDCWD, path, AT_FDCWD, os.fsencode(f"{mount}/{to}"),
                    AT_EMPTY_PATH if empty_path else AT_SYMLINK_FOLLOW)
    return 0 if r == 0 else ctypes.get_errno()


def refusal(function, *args):
    try:
        function(*args)
    except OSError as e:
        return e.errno
    return 0


# One that is used, read back, linked, and then a file as any other.
fd = nameless("work")
before = os.listdir(f"{mount}/work")
assert os.write(fd, b"content") == 7 and os.pread(fd, 7, 0) == b"content"
assert os.fstat(fd).st_nlink == 0 and os.fstat(fd).st_size == 7
os.ftruncate(fd, 4)
os.fchmod(fd, 0o640)
again = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
assert os.read(again, 9) == b"cont"
os.close(again)
assert os.listdir(f"{mount}/work") == before, "it has a name"
assert link(fd, "work/linked") == 0
assert os.fstat(fd).st_nlink == 1 and os.stat(f"{mount}/work/linked").st_ino == os.fstat(fd).st_ino
os.write(fd, b"")
os.pwrite(fd, b"more", 4)
os.close(fd)
assert open(f"{source}/work/linked", "rb").read() == b"contmore"
assert open(f"{mount}/work/linked", "rb").read() == b"contmore"
assert os.stat(f"{source}/work/linked").st_mode & 0o777 == 0o640

# By the descriptor alone, and into another directory.
fd = nameless("work")
assert link(fd, "work/sub/by-descriptor", empty_path=True) == 0
assert link(fd, "work/twice") == 0 and os.stat(f"{mount}/work/twice").st_nlink == 2
os.close(fd)

# Never linked: nothing is left.
free = os.statvfs(source).f_ffree
fd = nameless("work")
os.close(fd)
fd = nameless("work", os.O_EXCL)
assert link(fd, "work/exclusive") == errno.ENOENT, "O_EXCL may not be linked"
os.close(fd)
assert sorted(os.listdir(f"{source}/work")) == ["linked", "sub", "twice"], os.listdir(f"{source}/work")

# The umask of who asks.
mask = os.umask(0o077)
fd = nameless("work", mode=0o666)
assert os.fstat(fd).st_mode & 0o777 == 0o600
os.umask(mask)

# A name that may not be made is not made, whichever way, and the file goes on without one.
for name in ("work/new.pem", "ro/new", "secret/new", "only-read/new", "work/hidden"):
    for empty_path in (False, True):
        assert link(fd, name, empty_path) in (errno.EACCES, errno.EXDEV, errno.EPERM), name
        assert not os.path.lexists(f"{source}/{name}"), name
assert link(fd, ".failcore") in (errno.EACCES, errno.EEXIST)
os.write(fd, b"alive")
assert link(fd, "work/linked") == errno.EEXIST
os.close(fd)

# Where nothing may be made, nothing is made without a name either.
assert refusal(nameless, "ro") == errno.EACCES
assert refusal(nameless, "secret") == errno.EACCES
assert refusal(os.open, f"{mount}/work", os.O_TMPFILE | os.O_WRONLY, 0o4755) == errno.EACCES
assert refusal(os.open, f"{mount}/work/linked", os.O_TMPFILE | os.O_WRONLY) == errno.ENOTDIR

# A file that the host took out of the workspace does not come back by who has it open.
outside = f"{os.path.dirname(source)}/taken"
with open(f"{mount}/work/theirs", "w") as made:
    made.write("x")
fd = os.open(f"{mount}/work/theirs", os.O_RDWR)
os.rename(f"{source}/work/theirs", outside)
time.sleep(1.1)
assert refusal(os.stat, f"{mount}/work/theirs") == errno.ENOENT
r = link(fd, "work/back")
assert r in (errno.EACCES, errno.ENOENT, errno.EPERM), r
assert not os.path.lexists(f"{source}/work/back") and os.stat(outside).st_nlink == 1
os.close(fd)
os.unlink(outside)

# An unlinked file is not given a name again.
fd = os.open(f"{mount}/work/linked", os.O_RDWR)
os.unlink(f"{mount}/work/linked")
assert link(fd, "work/back") == errno.ENOENT
os.close(fd)
