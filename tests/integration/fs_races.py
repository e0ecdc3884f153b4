"""Names that change between two things while somebody opens through them.

    fs_races.py bare DIR TRIES     each race must be won at least once: else it proves nothing
    fs_races.py mount DIR TRIES    TRIES of each, and none may be won

A try ends in one of four ways: it got what it wanted, it met the harmless side, it was refused, or
the name was missing for a moment. On the mount both the harmless side and a refusal must have been
met (or the swap itself was refused): else nothing was swapped.
"""
import ctypes
import errno
import os
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
RACES = []
PATIENCE = 60  # seconds for what must come about


def race(function):
    RACES.append(function)
    return function


def exchange(a, b):
    return libc.renameat2(-100, a.encode(), -100, b.encode(), 2) == 0


def put(path, data):
    with open(path, "wb") as out:
        out.write(data)


def content(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 20)
    finally:
        os.close(fd)


def two_links(name, harmless, wanted):
    """A link that points to the one and the other in turn, and is never missing."""
    os.symlink(harmless, name)
    os.symlink(wanted, name + ".wanted")
    return lambda: exchange(name, name + ".wanted")


# A race answers the swap, the try (true: won), and whether the mount lets the swap happen.
@race
def read_through_a_file_link():
    return (two_links("work/link1", "file", "../secret/key"),
            lambda: content("work/link1") == b"SECRET\n", True)


@race
def read_through_a_directory_link():
    os.mkdir("work/open")
    put("work/open/key", b"fine\n")
    return (two_links("work/link2", "open", "../secret"),
            lambda: content("work/link2/key") == b"SECRET\n", True)


@race
def truncate_through_a_link():
    def attempt():
        os.close(os.open("link3", os.O_WRONLY | os.O_TRUNC))
        return os.path.getsize("ro/file") == 0
    put("work/victim", b"")
    return two_links("link3", "work/victim", "ro/file"), attempt, True


@race
def read_under_an_exchanged_name():
    put("work/name", b"fine\n")
    return (lambda: exchange("work/name", "work/b.pem"),
            lambda: content("work/name") == b"SECRET\n", False)


@race
def read_under_a_new_hard_link():
    put("work/other", b"fine\n")
    os.link("work/other", "work/hard")

    def swap():
        done = True
        for target in ("work/a.pem", "work/other"):
            try:
                os.link(target, "work/hard.new")
                os.rename("work/hard.new", "work/hard")
            except OSError:
                done = False
        # A rename of two names of one file leaves both.
        if os.path.exists("work/hard.new"):
            os.unlink("work/hard.new")
        return done
    return swap, lambda: content("work/hard") == b"SECRET\n", False


def swapper(swap):
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        while os.getppid() == parent:
            for _ in range(100):
                swap()
        os._exit(0)
    return pid


def run(attempt, tries, enough):
    """At least so many tries, and on until it is enough; not for ever."""
    seen = {"won": 0, "harmless": 0, "refused": 0, "missing": 0}
    end = time.monotonic() + PATIENCE
    done = 0
    while done < tries or (not enough(seen) and time.monotonic() < end):
        done += 1
        try:
            seen["won" if attempt() else "harmless"] += 1
        except OSError as error:
            seen["refused" if error.errno in (errno.EACCES, errno.EXDEV) else "missing"] += 1
            if error.errno not in (errno.EACCES, errno.EXDEV, errno.ENOENT, errno.ESTALE):
                raise
    return done, seen


def main():
    mode, root, tries = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.chdir(root)
    total = wrong = 0
    for function in RACES:
        swap, attempt, swaps = function()
        if mode == "bare":
            def enough(seen):
                return seen["won"] > 0
        else:
            def enough(seen, swaps=swaps):
                return seen["harmless"] > 0 and (seen["refused"] > 0 or not swaps)
        pid = swapper(swap)
        try:
            done, seen = run(attempt, tries, enough)
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        good = enough(seen) and (mode == "bare" or seen["won"] == 0)
        total += done
        wrong += not good
        print(f"{function.__name__}: {done} tries, {seen}{'' if good else ': NOT AS IT SHOULD BE'}")
    print(f"{total} tries of {len(RACES)} races, {wrong} not as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
