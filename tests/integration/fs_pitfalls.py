"""Where a file system that serves another one from user space goes wrong, one check per pitfall.

    fs_pitfalls.py MOUNT SOURCE

Each is done on the directory and through the mount: the answers must be the same.
"""
import ctypes
import errno
import mmap
import os
import subprocess
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)
PITFALLS = []


def pitfall(function):
    PITFALLS.append(function)
    return function


def answer(function, *args):
    try:
        return function(*args)
    except OSError as error:
        return errno.errorcode[error.errno]


def put(path, data, mode=0o644):
    with open(path, "wb") as out:
        out.write(data)
    os.chmod(path, mode)


def flag(change, path):
    subprocess.run(["chattr", change, path], check=True)


def as_user(uid, function):
    """What a child of that user got, as text."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        os.write(writer, repr(answer(function)).encode())
        os._exit(0)
    os.close(writer)
    said = b"".join(iter(lambda: os.read(reader, 4096), b""))
    os.close(reader)
    os.waitpid(pid, 0)
    return said.decode()


# ---- 1. A re-open of an O_PATH descriptor skips what an open by name is asked ----------------
@pitfall
def append_only_and_immutable(seen, below):
    put(f"{below}/log", b"old\n")
    put(f"{below}/fixed", b"old\n")
    flag("+a", f"{below}/log")
    flag("+i", f"{below}/fixed")
    try:
        got = []
        for name in ("log", "fixed"):
            path = f"{seen}/{name}"
            reader = os.open(path, os.O_RDONLY)
            handle = os.open(path, os.O_PATH)
            for how in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_APPEND,
                        os.O_WRONLY | os.O_APPEND | os.O_TRUNC, os.O_RDONLY | os.O_TRUNC):
                for way in (path, f"/proc/self/fd/{reader}", f"/proc/self/fd/{handle}"):
                    fd = answer(os.open, way, how)
                    got.append(fd if isinstance(fd, str) else answer(os.pwrite, fd, b"x", 0))
            got += [answer(os.truncate, path, 0), answer(os.unlink, path), answer(os.chmod, path, 0o600),
                    answer(os.rename, path, path + "2"), answer(os.link, path, path + "3")]
        return got, open(f"{below}/log", "rb").read(), open(f"{below}/fixed", "rb").read()
    finally:
        flag("-a", f"{below}/log")
        flag("-i", f"{below}/fixed")


@pitfall
def permissions_of_somebody_else(seen, below):
    os.mkdir(f"{below}/closed", 0o700)
    put(f"{below}/closed/in", b"secret")
    put(f"{below}/mine", b"secret", 0o600)
    put(f"{below}/readable", b"text", 0o644)
    os.symlink("mine", f"{below}/to-mine")

    def tries():
        got = [answer(os.listdir, f"{seen}/closed"), answer(os.open, f"{seen}/closed/in", os.O_RDONLY)]
        for name in ("mine", "to-mine"):
            got += [answer(os.open, f"{seen}/{name}", os.O_RDONLY), answer(os.truncate, f"{seen}/{name}", 0)]
        fd = os.open(f"{seen}/readable", os.O_RDONLY)
        got += [answer(os.open, f"/proc/self/fd/{fd}", os.O_RDWR), answer(os.fchmod, fd, 0o777),
                answer(os.utime, f"{seen}/readable", (1, 1)), answer(os.unlink, f"{seen}/readable"),
                answer(os.setxattr, f"{seen}/readable", "user.x", b"1")]
        return got
    return as_user(4711, tries)


@pitfall
def programs_that_may_not_be_read(seen, below):
    got = []
    for mode in (0o711, 0o511, 0o001, 0o010, 0o100, 0o444, 0o600, 0o644):
        with open("/bin/true", "rb") as program:
            put(f"{below}/program", program.read(), mode)
        for owner in (0, 4711, 4712):
            os.chown(f"{below}/program", owner, owner)

            def execute():
                return subprocess.run([f"{seen}/program"]).returncode, os.getuid()

            def read():
                return len(os.read(os.open(f"{seen}/program", os.O_RDONLY), 4)), os.getuid()
            got += [as_user(4711, execute), as_user(4711, read)]
        os.unlink(f"{below}/program")
    return got


# ---- 2. A number is used again, a name is another file's --------------------------------------
@pitfall
def a_number_that_is_used_again(seen, below):
    got = []
    for i in range(50):
        put(f"{below}/a", b"first")
        handle = os.open(f"{seen}/a", os.O_PATH)  # the server knows it, without a descriptor
        number = os.stat(f"{below}/a").st_ino
        os.unlink(f"{below}/a")
        others = []
        for n in range(40):
            others.append(f"{below}/other{n}")
            put(others[-1], b"second")
            if os.stat(others[-1]).st_ino == number:
                break
        got.append(answer(lambda: os.read(os.open(f"/proc/self/fd/{handle}", os.O_RDONLY), 10)))
        os.close(handle)
        for other in others:
            os.unlink(other)
    return b"second" in got


@pitfall
def the_first_of_two_names_goes(seen, below):
    put(f"{seen}/one", b"data")
    os.link(f"{seen}/one", f"{seen}/two")
    os.stat(f"{seen}/two")
    fd = os.open(f"{seen}/two", os.O_PATH)
    os.unlink(f"{seen}/two")
    again = os.open(f"/proc/self/fd/{fd}", os.O_RDWR)
    os.write(again, b"DATA")
    return open(f"{seen}/one", "rb").read(), os.fstat(again).st_nlink


@pitfall
def a_clone_by_links_is_deleted(seen, below):
    for words in (["init", "-q", "repo"], ["-C", "repo", "commit", "-q", "--allow-empty", "-m", "m"],
                  ["-C", "repo", "gc", "-q"], ["clone", "-q", "--local", "repo", "clone"]):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *words], cwd=seen, check=True)
    subprocess.run(["rm", "-rf", "clone"], cwd=seen, check=True)
    return subprocess.run(["git", "-C", "repo", "fsck", "--strict"], cwd=seen, capture_output=True).returncode


# ---- 3. One file opened in every mode at once --------------------------------------------------
@pitfall
def every_mode_at_once(seen, below):
    put(f"{below}/busy", b"x" * 8192)
    errors = set()

    def work(flags):
        for i in range(300):
            try:
                fd = os.open(f"{seen}/busy", flags, 0o644)
                if flags & os.O_ACCMODE == os.O_RDONLY and not flags & os.O_DIRECT:
                    os.read(fd, 100)
                    with mmap.mmap(fd, 4096, prot=mmap.PROT_READ) as m:
                        m[0]
                elif not flags & os.O_DIRECT:
                    os.pwrite(fd, b"y", 10)
                os.close(fd)
            except OSError as error:
                errors.add(errno.errorcode[error.errno])
    threads = [threading.Thread(target=work, args=(flags,)) for flags in (
        os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND, os.O_RDWR | os.O_CREAT,
        os.O_RDONLY | os.O_DIRECT, os.O_RDWR | os.O_DSYNC)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(errors)


@pitfall
def reader_and_writer_of_one_file(seen, below):
    a = os.open(f"{seen}/shared", os.O_RDWR | os.O_CREAT)
    b = os.open(f"{seen}/shared", os.O_RDONLY)
    os.ftruncate(a, 4096)
    with mmap.mmap(b, 4096, prot=mmap.PROT_READ) as seen_there:
        os.pwrite(a, b"new", 100)
        return os.pread(b, 3, 100), seen_there[100:103], os.stat(f"{seen}/shared").st_size


# ---- 4. A write takes set-id bits and capabilities away ----------------------------------------
@pitfall
def privileges_of_a_changed_program(seen, below):
    got = []
    capability = bytes.fromhex("0100000202040000000000000000000000000000")
    for i, change in enumerate((
            lambda p: os.write(os.open(p, os.O_WRONLY), b"evil"),
            lambda p: os.write(os.open(p, os.O_WRONLY | os.O_APPEND), b"evil"),
            lambda p: os.truncate(p, 1),
            lambda p: os.close(os.open(p, os.O_WRONLY | os.O_TRUNC)),
            lambda p: os.posix_fallocate(os.open(p, os.O_WRONLY), 0, 10000),
            lambda p: os.chown(p, 4711, 4711),
            _map_and_write)):
        path = f"{seen}/program{i}"
        put(f"{below}/program{i}", b"#!/bin/sh\n" + b"#" * 5000)
        os.chown(f"{below}/program{i}", 4711, 4711)
        os.chmod(f"{below}/program{i}", 0o6777)
        os.setxattr(f"{below}/program{i}", "security.capability", capability)
        os.stat(path)
        as_user(4712 if i != 5 else 4711, lambda: change(path))
        kept = "security.capability" in os.listxattr(f"{below}/program{i}")
        # What is written by way of a mapping takes none away below; here it takes the capability.
        got.append((oct(os.stat(path).st_mode), kept and change is not _map_and_write))
    return got


def _map_and_write(path):
    with open(path, "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
        m[0:4] = b"evil"
        m.flush()


@pitfall
def the_mode_shown_is_the_mode_below(seen, below):
    got = []
    changes = {
        "allocate": lambda fd, other: os.posix_fallocate(fd, 4096, 4096),
        "copy": lambda fd, other: os.copy_file_range(other, fd, 4096, 0, 0),
        "write": lambda fd, other: os.pwrite(fd, b"evil", 0),
        "truncate": lambda fd, other: os.ftruncate(fd, 4096),
    }
    put(f"{seen}/other", b"y" * 8192)
    for name, change in changes.items():
        for uid in (0, 4711):
            path = f"{seen}/{name}{uid}"
            put(path, b"x" * 16384)
            os.chmod(path, 0o6777)
            as_user(uid, lambda: change(os.open(path, os.O_RDWR), os.open(f"{seen}/other", os.O_RDONLY)))
            # stat(1) asks for the mode alone: the kernel answers what it still takes for good.
            got.append((name, uid, subprocess.check_output(["stat", "-c", "%a", path]),
                        subprocess.check_output(["stat", "-c", "%a", f"{below}/{name}{uid}"])))
    return got


# ---- 5. Who asks --------------------------------------------------------------------------------
@pitfall
def owner_of_what_is_made(seen, below):
    os.mkdir(f"{below}/open", 0o1777)
    os.chmod(f"{below}/open", 0o1777)
    os.mkdir(f"{below}/group")
    os.chown(f"{below}/group", 0, 99)
    os.chmod(f"{below}/group", 0o2777)

    def make():
        os.umask(0o027)
        got = []
        for d in ("open", "group"):
            os.close(os.open(f"{seen}/{d}/f", os.O_CREAT | os.O_WRONLY, 0o2777))
            os.mkdir(f"{seen}/{d}/d", 0o777)
            os.mkfifo(f"{seen}/{d}/p", 0o666)
            os.symlink("x", f"{seen}/{d}/l")
            for name in "fdpl":
                s = os.lstat(f"{seen}/{d}/{name}")
                got.append((name, oct(s.st_mode), s.st_uid, s.st_gid))
        return got
    put(f"{below}/open/root", b"")
    return as_user(4711, make), as_user(4711, lambda: os.unlink(f"{seen}/open/root"))


def main():
    mount, source = sys.argv[1:3]
    wrong = 0
    for function in PITFALLS:
        name = function.__name__
        answers = []
        for side in ("native", "mount"):
            below = f"{source}/{name}-{side}"
            os.mkdir(below, 0o755)
            answers.append(function(below if side == "native" else f"{mount}/{name}-{side}", below))
        if answers[0] != answers[1]:
            wrong += 1
            print(f"{name}:\n  native {answers[0]}\n  mount  {answers[1]}")
    print(f"{len(PITFALLS)} pitfalls, {wrong} with another answer")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
