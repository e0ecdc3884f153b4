"""Symbolic links and directories swapped while somebody opens through them.

    fs_races.py DIR TRIES

Prints nothing and exits 0 when the secret was never read and the read-only file never changed.
"""
import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
root, tries = sys.argv[1], int(sys.argv[2])
os.chdir(root)


def swapper(step):
    pid = os.fork()
    if pid == 0:
        while True:
            for i in range(1000):
                step()
            if os.getppid() == 1:
                os._exit(0)
    return pid


def flip(target_a, target_b, name):
    os.symlink(target_a, name + ".a")
    os.symlink(target_b, name + ".b")
    os.symlink(target_a, name)

    def step():
        # The link points to the one and the other in turn, and is never missing.
        libc.renameat2(-100, (name + ".a").encode(), -100, name.encode(), 2)
        libc.renameat2(-100, (name + ".b").encode(), -100, name.encode(), 2)
    return swapper(step)


def count(attempt):
    wins = 0
    for i in range(tries):
        try:
            wins += attempt()
        except OSError:
            pass
    return wins


def read(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 20) == b"SECRET\n"
    finally:
        os.close(fd)


def truncate(path):
    os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))
    return False


def swap_directories():
    libc.renameat2(-100, b"work/d1", -100, b"work/d2", 2)


bad = 0
children = [flip("file", "../secret/key", "work/flip1")]
bad += count(lambda: read("work/flip1"))
children.append(flip("work/file", "ro/file", "top"))
count(lambda: truncate("top"))
bad += os.path.getsize("ro/file") != 4
# A directory that holds a denied name trades places with one that holds an allowed one.
os.makedirs("work/d1", exist_ok=True)
os.makedirs("work/d2", exist_ok=True)
with open("work/d2/x", "w") as f:
    f.write("fine")
children.append(swapper(swap_directories))
bad += count(lambda: read("work/d1/x"))
bad += count(lambda: read("work/d2/../../secret/key"))
for pid in children:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
if bad:
    print(f"{bad} wins")
sys.exit(1 if bad else 0)
