"""The work of a file system through a mount, whatever lies below; fs_lowers.sh mounts it.

    fs_lower_work.py MOUNT SOURCE
"""
import ctypes
import errno
import fcntl
import mmap
import os
import socket
import struct
import sys

mount, source = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)
os.chdir(mount)


def refusal(function, *args):
    try:
        function(*args)
    except OSError as e:
        return e.errno
    return 0


def renameat2(a, b, flags):
    return 0 if libc.renameat2(-100, a.encode(), -100, b.encode(), flags) == 0 else ctypes.get_errno()


def fallocate(fd, mode, offset, length):
    r = libc.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length))
    return 0 if r == 0 else ctypes.get_errno()


# Bytes, names, ownership, times.
os.makedirs("d/e")
with open("d/f", "wb") as out:
    out.write(b"one")
assert open(f"{source}/d/f", "rb").read() == b"one"
os.chmod("d/f", 0o640)
os.chown("d/f", 12, 34)
os.utime("d/f", ns=(10**18, 2 * 10**18))
s = os.stat(f"{source}/d/f")
assert (s.st_mode & 0o777, s.st_uid, s.st_gid, s.st_mtime_ns) == (0o640, 12, 34, 2 * 10**18)

# Renames, also with flags, where the tree below knows them.
open("a", "w").write("a")
open("b", "w").write("b")
os.rename("a", "d/a")
assert renameat2("b", "d/a", 1) == errno.EEXIST
r = renameat2("b", "d/a", 2)
assert r in (0, errno.EINVAL), r
assert open("d/a").read() == ("b" if r == 0 else "a")

# Hard and symbolic links.
os.link("d/f", "d/g")
assert os.stat("d/g").st_nlink == 2 and os.path.samefile("d/f", "d/g")
open("d/g", "ab").write(b"two")
assert open("d/f", "rb").read() == b"onetwo"
os.unlink("d/f")
assert open("d/g", "rb").read() == b"onetwo"
os.symlink("g", "d/l")
assert os.readlink("d/l") == "g" and open("d/l", "rb").read() == b"onetwo"

# An unlinked file that is open, and a renamed one.
fd = os.open("gone", os.O_RDWR | os.O_CREAT)
os.write(fd, b"abc")
os.unlink("gone")
assert os.fstat(fd).st_nlink == 0 and os.pread(fd, 3, 0) == b"abc"
os.close(fd)
fd = os.open("moved", os.O_RDWR | os.O_CREAT)
os.rename("moved", "d/moved")
os.write(fd, b"x")
os.close(fd)
assert open("d/moved").read() == "x"

# Appending, holes, allocation: each mode as the tree below answers it.
fd = os.open("data", os.O_RDWR | os.O_CREAT)
native = os.open(f"{source}/native", os.O_RDWR | os.O_CREAT)
for f in (fd, native):
    os.ftruncate(f, 1 << 20)
    os.pwrite(f, b"x" * 8192, 1 << 19)
assert os.lseek(fd, 0, os.SEEK_DATA) == os.lseek(native, 0, os.SEEK_DATA)
assert os.lseek(fd, 0, os.SEEK_HOLE) == os.lseek(native, 0, os.SEEK_HOLE)
assert refusal(os.lseek, fd, 2 << 20, os.SEEK_DATA) == errno.ENXIO
for mode in (0, 1, 1 | 2, 0x10):
    assert fallocate(fd, mode, 4096, 8192) == fallocate(native, mode, 4096, 8192), mode
for mode in (8, 0x20):  # to collapse and to insert: FUSE itself has no way to ask
    assert fallocate(fd, mode, 0, 4096) == errno.EOPNOTSUPP, mode
assert os.fstat(fd).st_size == os.fstat(native).st_size
to = os.open("copy", os.O_RDWR | os.O_CREAT)
assert os.copy_file_range(fd, to, 4096, 1 << 19, 0) == 4096 and os.pread(to, 4, 0) == b"xxxx"
os.close(native)
os.unlink(f"{source}/native")
ap = os.open("data", os.O_WRONLY | os.O_APPEND)
os.write(ap, b"end")
assert os.pread(fd, 3, os.fstat(fd).st_size - 3) == b"end"
with mmap.mmap(fd, 8192) as shared:
    shared[0:3] = b"map"
    shared.flush()
assert os.pread(fd, 3, 0) == b"map"
try:
    direct = os.open("data", os.O_RDONLY | os.O_DIRECT)
    page = mmap.mmap(-1, 4096)
    assert os.preadv(direct, [page], 0) == 4096 and page[0:3] == b"map"
except OSError as e:
    assert e.errno == errno.EINVAL, e

# Locks: whole-file ones, a process's, and those of an open description.
one, two = os.open("data", os.O_RDWR), os.open("data", os.O_RDWR)
fcntl.flock(one, fcntl.LOCK_EX)
assert refusal(fcntl.flock, two, fcntl.LOCK_EX | fcntl.LOCK_NB) == errno.EWOULDBLOCK
fcntl.flock(one, fcntl.LOCK_UN)
F_OFD_SETLK = 37
lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 10, 0)
fcntl.fcntl(one, F_OFD_SETLK, lock)
assert refusal(fcntl.fcntl, two, F_OFD_SETLK, lock) in (errno.EAGAIN, errno.EACCES)
beside = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 10, 10, 0)
fcntl.fcntl(two, F_OFD_SETLK, beside)

# Pipes and sockets.
os.mkfifo("pipe")
if os.fork() == 0:
    open("pipe", "w").write("through")
    os._exit(0)
assert open("pipe").read() == "through"
os.wait()
server = socket.socket(socket.AF_UNIX)
server.bind("socket")
server.listen()
client = socket.socket(socket.AF_UNIX)
client.connect("socket")
server.accept()[0].send(b"hi")
assert client.recv(2) == b"hi"

# Attributes as below; lists of access are refused in so many words, never taken and forgotten.
want = refusal(os.setxattr, f"{source}/data", "user.native", b"1")
assert refusal(os.setxattr, "data", "user.x", b"1") == want
if want == 0:
    assert os.getxattr("data", "user.x") == b"1" and "user.x" in os.listxattr("data")
    assert refusal(os.setxattr, "data", "user.x", b"2", os.XATTR_CREATE) == errno.EEXIST
    os.removexattr("data", "user.x")
    assert refusal(os.getxattr, "data", "user.x") == errno.ENODATA
acl = struct.pack("<IHHIHHIHHIHHIHHI", 2, 1, 6, 0xffffffff, 2, 6, 12, 4, 4, 0xffffffff,
                  0x10, 6, 0xffffffff, 0x20, 4, 0xffffffff)
for name in ("system.posix_acl_access", "system.posix_acl_default"):
    assert refusal(os.setxattr, "d", name, acl) == errno.EOPNOTSUPP, name
    assert refusal(os.getxattr, "d", name) == errno.EOPNOTSUPP, name
    assert name not in os.listxattr("d")

# Names: long, odd, deep, many.
for name in (b"n" * 255, b"\xff\xfe\x01 \\\n", "\u00e9".encode(), b"-rf"):
    os.close(os.open(name, os.O_CREAT))
    assert name in os.listdir(b".")
    os.unlink(name)
assert refusal(os.mkdir, "n" * 256) == errno.ENAMETOOLONG
here = os.open(".", os.O_RDONLY)
for i in range(22):
    os.mkdir("p" * 200)
    os.chdir("p" * 200)
open("bottom", "w").write("x")
assert open("bottom").read() == "x"
os.unlink("bottom")
for i in range(22):
    os.chdir("..")
    os.rmdir("p" * 200)
os.fchdir(here)
os.mkdir("many")
for i in range(3000):
    os.close(os.open(f"many/{i:04d}", os.O_CREAT | os.O_WRONLY))
assert len(os.listdir("many")) == 3000
with os.scandir("many") as entries:
    for entry in entries:
        os.unlink(entry.path)
os.rmdir("many")
