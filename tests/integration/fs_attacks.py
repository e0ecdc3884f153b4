"""Attacks on names, links, renames, descriptors and special files.

    fs_attacks.py bare DIR      each must succeed: else it proves nothing
    fs_attacks.py mount DIR     each must be refused

An attack is a function of the root of a fresh tree that answers true when it got what it wanted:
the secret, a changed read-only file, a protected name, knowledge of a hidden one.
"""
import ctypes
import errno
import fcntl
import mmap
import os
import shutil
import socket
import stat
import sys

libc = ctypes.CDLL(None, use_errno=True)
SECRET = b"SECRET\n"
AT_FDCWD = -100
ATTACKS = []


def attack(function):
    ATTACKS.append((function.__name__, function))
    return function


def build(root, outside):
    """The tree that policy `attacks` (fs_attacks.sh) speaks of."""
    for d in ("work", "work/sub", "secret", "ro", "ro/dir", "work/hidden", "locks", "plain/deep"):
        os.makedirs(f"{root}/{d}", exist_ok=True)
    for f in ("secret/key", "work/a.pem", "work/hidden/h", "plain/deep/x.pem"):
        with open(f"{root}/{f}", "wb") as out:
            out.write(SECRET)
    for f in ("ro/file", "ro/dir/file", "work/file", "work/other", "locks/l.lock", "work/x.lock"):
        with open(f"{root}/{f}", "wb") as out:
            out.write(b"old\n")
    os.link(f"{root}/secret/key", f"{root}/work/alias")       # a second, allowed name
    os.link(f"{root}/work/a.pem", f"{root}/work/alias2")
    for i in range(40):
        os.link(f"{root}/secret/key", f"{root}/work/many{i}")  # and a lot of them
    os.makedirs(outside, exist_ok=True)
    with open(f"{outside}/store", "wb") as out:
        out.write(b"old\n")
    os.link(f"{outside}/store", f"{root}/work/stored")         # a name outside the tree
    os.symlink("../secret/key", f"{root}/work/link")
    os.symlink("file", f"{root}/secret/sym")


def call(name, *args):
    r = getattr(libc, name)(*args)
    if r < 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))
    return r


def renameat2(a, b, flags):
    return call("renameat2", AT_FDCWD, os.fsencode(a), AT_FDCWD, os.fsencode(b), flags)


def link_descriptor(fd, to):
    AT_SYMLINK_FOLLOW = 0x400
    call("linkat", AT_FDCWD, f"/proc/self/fd/{fd}".encode(), AT_FDCWD, os.fsencode(to),
         AT_SYMLINK_FOLLOW)


def content(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 100)
    finally:
        os.close(fd)


# ---- the secret, read in every way ----------------------------------------------------------
for way, path in {
    "straight": "secret/key", "dotdot": "work/../secret/key", "slashes": "//secret///key",
    "dots": "./secret/./key", "pattern": "work/a.pem", "alias": "work/alias", "alias2": "work/alias2",
    "symlink": "work/link", "deep": "plain/deep/x.pem", "hidden": "work/hidden/h",
    "one_of_many": "work/many39", "back_and_forth": "work/sub/../../secret/../secret/key",
}.items():
    def read_it(root, path=path):
        return content(f"{root}/{path}") == SECRET
    ATTACKS.append((f"read_{way}", read_it))

    def mapped(root, path=path):
        fd = os.open(f"{root}/{path}", os.O_RDONLY)
        with mmap.mmap(fd, 7, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE) as m:
            return m[:7] == SECRET
    ATTACKS.append((f"mmap_{way}", mapped))


@attack
def read_through_directory_descriptor(root):
    fd = os.open(root, os.O_PATH)
    return os.read(os.open("secret/key", os.O_RDONLY, dir_fd=fd), 9) == SECRET


@attack
def read_from_inside(root):
    os.chdir(f"{root}/work")
    os.chdir("../secret")
    return content("key") == SECRET


@attack
def read_through_proc_cwd(root):
    os.chdir(f"{root}/work")
    return content("/proc/self/cwd/a.pem") == SECRET


@attack
def read_through_opath_reopen(root):
    fd = os.open(f"{root}/work/a.pem", os.O_PATH)
    return content(f"/proc/self/fd/{fd}") == SECRET


@attack
def read_through_opath_of_alias(root):
    fd = os.open(f"{root}/work/alias", os.O_PATH)
    return content(f"/proc/self/fd/{fd}") == SECRET


@attack
def read_by_handle(root):
    class Handle(ctypes.Structure):
        _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("f", ctypes.c_ubyte * 128)]
    h = Handle(bytes=128)
    mount_id = ctypes.c_int()
    call("name_to_handle_at", AT_FDCWD, os.fsencode(f"{root}/work/alias"), ctypes.byref(h),
         ctypes.byref(mount_id), 0)
    at = os.open(root, os.O_RDONLY)
    fd = call("open_by_handle_at", at, ctypes.byref(h), os.O_RDONLY)
    return os.read(fd, 9) == SECRET


@attack
def read_by_copy_file_range(root):
    a = os.open(f"{root}/work/a.pem", os.O_RDONLY)
    b = os.open(f"{root}/work/out", os.O_RDWR | os.O_CREAT)
    os.copy_file_range(a, b, 7)
    return os.pread(b, 9, 0) == SECRET


@attack
def read_by_new_hard_link(root):
    os.link(f"{root}/work/a.pem", f"{root}/work/innocent")
    return content(f"{root}/work/innocent") == SECRET


@attack
def read_by_link_of_one_of_many(root):
    os.link(f"{root}/work/many20", f"{root}/work/sub/one_more")
    return content(f"{root}/work/sub/one_more") == SECRET


@attack
def link_one_of_many_into_readonly(root):
    for i in range(40):
        os.link(f"{root}/work/other", f"{root}/work/sub/name{i}")
    os.link(f"{root}/work/sub/name39", f"{root}/ro/name")
    return os.path.exists(f"{root}/ro/name")


@attack
def read_by_link_from_descriptor(root):
    fd = os.open(f"{root}/work/a.pem", os.O_PATH)
    link_descriptor(fd, f"{root}/work/innocent")
    return content(f"{root}/work/innocent") == SECRET


@attack
def read_by_rename(root):
    os.rename(f"{root}/work/a.pem", f"{root}/work/innocent")
    return content(f"{root}/work/innocent") == SECRET


@attack
def read_by_rename_of_the_directory(root):
    os.rename(f"{root}/secret", f"{root}/work/public")
    return content(f"{root}/work/public/key") == SECRET


@attack
def read_by_rename_of_an_ancestor(root):
    # plain/** is free but for **/*.pem; the pattern follows it anywhere, except into `free`.
    os.rename(f"{root}/plain", f"{root}/free")
    return content(f"{root}/free/deep/x.pem") == SECRET


@attack
def read_by_exchange(root):
    renameat2(f"{root}/work/a.pem", f"{root}/work/file", 2)
    return content(f"{root}/work/file") == SECRET


@attack
def read_by_exchange_of_directories(root):
    renameat2(f"{root}/secret", f"{root}/work", 2)
    return content(f"{root}/work/key") == SECRET


@attack
def list_secret(root):
    return "key" in os.listdir(f"{root}/secret")


@attack
def stat_secret(root):
    return os.stat(f"{root}/secret/key").st_size == 7


@attack
def readlink_secret(root):
    return os.readlink(f"{root}/secret/sym") == "file"


@attack
def xattr_of_secret(root):
    return os.listxattr(f"{root}/secret/key") is not None


@attack
def execute_secret(root):
    path = f"{root}/work/run.pem"
    return os.spawnv(os.P_WAIT, path, [path]) == 0


# ---- a read-only tree, changed in every way -------------------------------------------------
def changes(name):
    def wrap(function):
        for where in ("ro/file", "ro/dir/file"):
            def run(root, where=where):
                path = f"{root}/{where}"
                function(path)
                return True
            ATTACKS.append((f"{name}_{where.replace('/', '_')}", run))
        return function
    return wrap


changes("write")(lambda p: os.write(os.open(p, os.O_WRONLY), b"new"))
changes("append")(lambda p: os.write(os.open(p, os.O_WRONLY | os.O_APPEND), b"new"))
changes("readwrite")(lambda p: os.write(os.open(p, os.O_RDWR), b"new"))
changes("truncate_open")(lambda p: os.open(p, os.O_WRONLY | os.O_TRUNC))
changes("truncate_readonly_open")(lambda p: os.open(p, os.O_RDONLY | os.O_TRUNC))
changes("truncate")(lambda p: os.truncate(p, 1))
changes("chmod")(lambda p: os.chmod(p, 0o777))
changes("chown")(lambda p: os.chown(p, 1, 1))
changes("utime")(lambda p: os.utime(p, (1, 1)))
changes("setxattr")(lambda p: os.setxattr(p, "user.x", b"1"))
changes("unlink")(os.unlink)
changes("rename_away")(lambda p: os.rename(p, p + "2"))
changes("link_away")(lambda p: os.link(p, os.path.dirname(os.path.dirname(p)) + "/stolen"))
changes("replace")(lambda p: os.rename(_made(p), p))
changes("exchange")(lambda p: renameat2(_made(p), p, 2))
changes("create_beside")(lambda p: os.open(p + "new", os.O_CREAT | os.O_WRONLY))
changes("mkdir_beside")(lambda p: os.mkdir(p + "new"))
changes("symlink_beside")(lambda p: os.symlink("x", p + "new"))
changes("fifo_beside")(lambda p: os.mkfifo(p + "new"))
changes("node_beside")(lambda p: os.mknod(p + "new", 0o600 | stat.S_IFREG))
changes("fchmod_of_a_reader")(lambda p: os.fchmod(os.open(p, os.O_RDONLY), 0o777))
changes("reopen_for_writing")(
    lambda p: os.write(os.open(f"/proc/self/fd/{os.open(p, os.O_RDONLY)}", os.O_RDWR), b"new"))


def _made(path):
    # Something of ours, in the writable part of the same tree.
    root = path[:path.index("/ro/")]
    made = f"{root}/work/made"
    with open(made, "w") as out:
        out.write("new")
    return made


@attack
def socket_beside_readonly(root):
    os.chdir(f"{root}/ro")
    socket.socket(socket.AF_UNIX).bind("s")
    return True


@attack
def tmpfile_linked_into_readonly(root):
    fd = os.open(f"{root}/work", os.O_TMPFILE | os.O_RDWR)
    link_descriptor(fd, f"{root}/ro/new")
    return True


@attack
def rmdir_readonly(root):
    os.unlink(f"{root}/ro/dir/file")
    os.rmdir(f"{root}/ro/dir")
    return True


@attack
def rename_readonly_directory(root):
    os.rename(f"{root}/ro/dir", f"{root}/work/dir")
    return True


@attack
def rename_readonly_root(root):
    os.rename(f"{root}/ro", f"{root}/rw")
    return True


@attack
def replace_readonly_directory(root):
    os.mkdir(f"{root}/work/empty")
    renameat2(f"{root}/work/empty", f"{root}/ro", 2)
    return True


@attack
def fallocate_readonly(root):
    os.posix_fallocate(os.open(f"{root}/ro/file", os.O_RDWR), 0, 4096)
    return True


@attack
def copy_into_readonly(root):
    a = os.open(f"{root}/work/file", os.O_RDONLY)
    b = os.open(f"{root}/ro/file", os.O_WRONLY)
    return os.copy_file_range(a, b, 4) == 4


@attack
def mapped_writing(root):
    fd = os.open(f"{root}/ro/file", os.O_RDWR)
    with mmap.mmap(fd, 4) as m:
        m[0] = 88
    return True


# ---- protected names that do not exist yet, or replace what exists --------------------------
for how in ("create", "mkdir", "symlink", "fifo", "link", "rename", "exchange", "tmpfile"):
    def make(root, how=how):
        target = f"{root}/work/new.pem"
        if how == "create":
            os.open(target, os.O_CREAT | os.O_WRONLY)
        elif how == "mkdir":
            os.mkdir(target)
        elif how == "symlink":
            os.symlink("x", target)
        elif how == "fifo":
            os.mkfifo(target)
        elif how == "link":
            os.link(f"{root}/work/file", target)
        elif how == "rename":
            os.rename(f"{root}/work/file", target)
        elif how == "exchange":
            renameat2(f"{root}/work/file", f"{root}/work/a.pem", 2)
        else:
            fd = os.open(f"{root}/work", os.O_TMPFILE | os.O_RDWR)
            link_descriptor(fd, target)
        return True
    ATTACKS.append((f"make_protected_{how}", make))


@attack
def move_a_lock_into_protection(root):
    os.rename(f"{root}/work/x.lock", f"{root}/locks/x.lock")
    return True


@attack
def move_a_tree_into_protection(root):
    os.rmdir(f"{root}/work/sub")
    os.mkdir(f"{root}/work/fake")
    open(f"{root}/work/fake/l.lock", "w").close()
    renameat2(f"{root}/work/fake", f"{root}/locks", 2)
    return True


# ---- links that lead outside -----------------------------------------------------------------
@attack
def write_through_outside_link(root):
    os.write(os.open(f"{root}/work/stored", os.O_WRONLY), b"new")
    return True


@attack
def truncate_outside_link(root):
    os.open(f"{root}/work/stored", os.O_WRONLY | os.O_TRUNC)
    return True


@attack
def truncate_path_outside_link(root):
    os.truncate(f"{root}/work/stored", 0)
    return True


@attack
def chmod_outside_link(root):
    os.chmod(f"{root}/work/stored", 0o777)
    return True


@attack
def utime_outside_link(root):
    os.utime(f"{root}/work/stored", (1, 1))
    return True


@attack
def setxattr_outside_link(root):
    os.setxattr(f"{root}/work/stored", "user.x", b"1")
    return True


@attack
def write_alias_of_secret(root):
    os.write(os.open(f"{root}/work/alias", os.O_WRONLY), b"new")
    return True


# ---- hidden names ------------------------------------------------------------------------------
@attack
def see_hidden_in_listing(root):
    return "hidden" in os.listdir(f"{root}/work")


@attack
def stat_hidden(root):
    return os.stat(f"{root}/work/hidden") is not None


@attack
def list_hidden(root):
    return os.listdir(f"{root}/work/hidden") == ["h"]


@attack
def enter_hidden(root):
    os.chdir(f"{root}/work/hidden")
    return True


@attack
def hidden_leaves_a_gap(root):
    """Positions of a listing that are not those of the entries shown."""
    fd = os.open(f"{root}/work", os.O_RDONLY)
    buffer = ctypes.create_string_buffer(32768)
    n = libc.syscall(217, fd, buffer, 32768)  # getdents64
    at, seen, nexts = 0, 0, []
    while at < n:
        length = int.from_bytes(buffer.raw[at + 16:at + 18], "little")
        nexts.append(int.from_bytes(buffer.raw[at + 8:at + 16], "little"))
        at += length
        seen += 1
    return nexts != list(range(1, seen + 1))


@attack
def move_hidden(root):
    os.rename(f"{root}/work/hidden", f"{root}/work/shown")
    return content(f"{root}/work/shown/h") == SECRET


@attack
def delete_hidden(root):
    os.unlink(f"{root}/work/hidden/h")
    return True


# ---- special files and modes -----------------------------------------------------------------
@attack
def device_node(root):
    os.mknod(f"{root}/work/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    return True


@attack
def block_node(root):
    os.mknod(f"{root}/work/disk", 0o666 | stat.S_IFBLK, os.makedev(7, 0))
    return True


@attack
def node_left_by_a_whiteout(root):
    renameat2(f"{root}/work/file", f"{root}/work/moved", 4)
    return stat.S_ISCHR(os.lstat(f"{root}/work/file").st_mode)


@attack
def setuid_bit(root):
    os.chmod(f"{root}/work/file", 0o4755)
    return True


@attack
def setgid_bit(root):
    os.chmod(f"{root}/work/file", 0o2755)
    return True


@attack
def created_setuid(root):
    fd = os.open(f"{root}/work/s", os.O_CREAT | os.O_WRONLY, 0o4755)
    return os.fstat(fd).st_mode & stat.S_ISUID != 0


@attack
def immutable_flag(root):
    fd = os.open(f"{root}/work/file", os.O_RDONLY)
    flags = fcntl.ioctl(fd, 0x80086601, b"\0" * 8)
    fcntl.ioctl(fd, 0x40086602, flags)
    return True


@attack
def symlink_that_leaves(root):
    os.symlink("/root/.profile", f"{root}/work/leaves")
    return os.readlink(f"{root}/work/leaves") == "/root/.profile"


@attack
def symlink_that_leaves_once_moved(root):
    os.symlink("../../outside/x", f"{root}/work/sub/leaves")
    os.rename(f"{root}/work/sub/leaves", f"{root}/leaves")
    return os.readlink(f"{root}/leaves") == "../../outside/x"


@attack
def symlink_that_leaves_once_linked(root):
    os.symlink("../../outside/x", f"{root}/work/sub/leaves")
    os.link(f"{root}/work/sub/leaves", f"{root}/leaves", follow_symlinks=False)
    return os.readlink(f"{root}/leaves") == "../../outside/x"


@attack
def reserved_name(root):
    os.mkdir(f"{root}/.failcore")
    return True


@attack
def reserved_name_by_rename(root):
    os.mkdir(f"{root}/work/d")
    os.rename(f"{root}/work/d", f"{root}/.failcore")
    return True


@attack
def trusted_attribute(root):
    os.setxattr(f"{root}/work/file", "trusted.x", b"1")
    return True


@attack
def capability_attribute(root):
    os.setxattr(f"{root}/work/file", "security.capability",
                bytes.fromhex("0100000200040000000000000000000000000000"))
    return True


def run_one(function, root):
    """In a child: an attack may change directory and leave descriptors."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if function(root) else 1
        except OSError as e:
            code = 2 if e.errno in (errno.ENOTCONN, errno.EIO) else 1
        except BaseException:
            code = 3
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main():
    mode, root, backing, outside = sys.argv[1:5]
    wrong = 0
    for name, function in ATTACKS:
        for directory in (backing, outside):
            for entry in os.listdir(directory) if os.path.isdir(directory) else []:
                path = f"{directory}/{entry}"
                shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        build(backing, outside)
        shutil.copy("/bin/true", f"{backing}/work/run.pem")
        if mode == "mount":
            # What the kernel remembers of the tree before is older than this.
            os.system(f"sleep {os.environ.get('CACHE_SECONDS', '0')}")
        result = run_one(function, root)
        good = result == 0 if mode == "bare" else result == 1
        if not good:
            wrong += 1
            print(f"{name}: {'did not work on a bare directory' if mode == 'bare' else 'SUCCEEDED' if result == 0 else 'broke: ' + str(result)}")
    print(f"{len(ATTACKS)} attacks, {wrong} not as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
