#!/usr/bin/env python3
"""What a hostile agent tries from Python inside a run: a line per attempt that got through.

hostile.py AUDIT POLICY OUTSIDE DENIED: places of the machine that the run must not reach, and an
executable that a rule denies. Exit 1 when any attempt got through.
"""
import ctypes
import fcntl
import mmap
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys

AUDIT, POLICY, OUTSIDE, DENIED = sys.argv[1:5]
libc = ctypes.CDLL(None, use_errno=True)
counts = {"held": 0, "through": 0}


def attempt(rule, name, action):
    """Held when it raises or answers something false."""
    try:
        through = bool(action())
    except (OSError, ValueError, subprocess.SubprocessError, MemoryError):
        through = False
    counts["through" if through else "held"] += 1
    if through:
        print(f"THROUGH {rule} {name}")


def call(number, *arguments):
    return libc.syscall(number, *arguments) >= 0


def read(path):
    with open(path, "rb") as file:
        return file.read(1) or True


def write(path):
    with open(path, "ab") as file:
        file.write(b"x")
    return True


def runs(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
    return done.returncode == 0 and b"uid=" in done.stdout


def run_bytes(data, where):
    with open(where, "wb") as file:
        file.write(data)
    os.chmod(where, 0o755)
    return runs(where)


def run_memory(path):
    fd = os.memfd_create("x", 0)
    with open(path, "rb") as file:
        os.write(fd, file.read())
    return runs(f"/proc/self/fd/{fd}")


def connect(address, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.settimeout(3)
        made.connect(address)
    return True


def kill_first(number):
    os.kill(1, number)
    return not os.path.exists("/proc/1/comm")


def stop_others(number):
    """Any process that is not in this run, by number."""
    reached = 0
    for pid in range(2, 3000):
        if pid == os.getpid() or os.path.exists(f"/proc/{pid}"):
            continue
        try:
            os.kill(pid, number)
            reached += 1
        except OSError:
            pass
    return reached


def thread_of(path):
    with open(path, encoding="ascii") as file:
        return [line for line in file if line.startswith(("CapEff", "CapPrm", "CapBnd"))]


def has_capabilities():
    return any(int(line.split()[1], 16) for line in thread_of("/proc/self/status"))


def foreign_descriptor():
    places = (AUDIT, POLICY, OUTSIDE, "/run", "/dev/fuse")
    return [fd for fd in os.listdir("/proc/self/fd")
            if os.path.islink(f"/proc/self/fd/{fd}")
            and os.readlink(f"/proc/self/fd/{fd}").startswith(places)]


def many_denials():
    for number in range(2000):
        try:
            os.open(f"denied/{number}", os.O_RDONLY)
            return True
        except OSError:
            pass
    return False


def many_names():
    """The mount still answers, and right, after more names than it may keep open."""
    os.makedirs("flood", exist_ok=True)
    for number in range(3000):
        with open(f"flood/{number}", "wb"):
            pass
    shutil.rmtree("flood")
    try:
        os.open("denied/x", os.O_RDONLY)
        return True
    except PermissionError:
        return False


def widen(limit):
    _, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (hard + 1 if hard > 0 else 1, hard + 1 if hard > 0 else 1))
    return hard != resource.RLIM_INFINITY


def map_device():
    with open("/dev/mem", "r+b") as file:
        return mmap.mmap(file.fileno(), 4096)


def put(path, data):
    """At once: a buffered write that fails as the file is closed would count as one that did not."""
    fd = os.open(path, os.O_WRONLY)
    try:
        return os.write(fd, data) > 0
    finally:
        os.close(fd)


def first_by_handle(number, *arguments):
    return call(number, os.pidfd_open(1), *arguments)


def clone(flags):
    child = libc.syscall(56, flags, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    return child > 0


def passed(path, flags):
    """The descriptor as another process would get it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    fd = os.open(path, flags)
    socket.send_fds(ours, [b"x"], [fd])
    return socket.recv_fds(theirs, 1, 1)[1][0]


def climb(path):
    """Up from a directory that somebody passed, past every mount."""
    os.stat("../" * 20 + OUTSIDE.lstrip("/"), dir_fd=passed(path, os.O_PATH))
    return True


def open_again(path, flags):
    return os.open(f"/proc/self/fd/{passed(path, os.O_PATH)}", flags) >= 0


def configure(kind, body):
    """A message of NETLINK_ROUTE that changes something: 0 is its success."""
    with socket.socket(16, socket.SOCK_RAW, 0) as made:
        made.settimeout(3)
        made.send(struct.pack("IHHII", 16 + len(body), kind, 0x405, 1, 0) + body)
        return struct.unpack_from("i", made.recv(4096), 16)[0] == 0


def of_a_terminal(request, value):
    fcntl.ioctl(os.openpty()[1], request, value)
    return True


def immutable(change):
    fd = os.open("immutable", os.O_RDWR | os.O_CREAT, 0o600)
    change(fd)
    return True


def end_as_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return resource.getrlimit(resource.RLIMIT_CORE) != (1, 1)


ATTEMPTS = [
    ("SR1", "setuid 0", lambda: os.setuid(0) is None),
    ("SR1", "setgid 0", lambda: os.setgid(0) is None),
    ("SR1", "setgroups", lambda: os.setgroups([0]) is None),
    ("SR1", "core_pattern", lambda: write("/proc/sys/kernel/core_pattern")),
    ("SR1", "read /etc/shadow", lambda: read("/etc/shadow")),
    ("SR2", "capabilities", has_capabilities),
    ("SR2", "enter the first process's mounts",
     lambda: call(308, os.open("/proc/1/ns/mnt", os.O_RDONLY), 0)),
    ("SR2", "read its environment", lambda: read("/proc/1/environ")),
    ("SR2", "read its memory", lambda: read("/proc/1/mem")),
    ("SR2", "its root", lambda: os.listdir("/proc/1/root")),
    ("SR3", "a descriptor from outside", foreign_descriptor),
    ("SR3", "its descriptors", lambda: os.listdir("/proc/1/fd")),
    ("SR4", "kill the first process", lambda: kill_first(signal.SIGKILL)),
    ("SR4", "stop it", lambda: kill_first(signal.SIGSTOP)),
    ("SR4", "signal who is outside", lambda: stop_others(signal.SIGKILL)),
    ("SR5", "a FUSE device", lambda: os.open("/dev/fuse", os.O_RDWR) >= 0),
    ("SR5", "end the connection", lambda: os.listdir("/sys/fs/fuse/connections")),
    ("SR6", "the container engine's socket",
     lambda: connect("/var/run/docker.sock", socket.AF_UNIX)),
    ("SR6", "the system bus", lambda: connect("/run/dbus/system_bus_socket", socket.AF_UNIX)),
    ("SR6", "systemd's socket", lambda: connect("/run/systemd/private", socket.AF_UNIX)),
    ("SR6", "the machine's /run", lambda: os.listdir("/run/failcore")),
    ("SR7", "unshare user", lambda: call(272, 0x10000000)),
    ("SR7", "unshare mount", lambda: call(272, 0x00020000)),
    ("SR7", "mount tmpfs", lambda: call(165, b"none", b"/tmp", b"tmpfs", 0, None)),
    ("SR7", "unmount", lambda: call(166, b"/usr", 2)),
    ("SR7", "ptrace", lambda: call(101, 16, 1, 0, 0)),
    ("SR7", "bpf", lambda: call(321, 0, None, 0)),
    ("SR7", "io_uring", lambda: call(425, 4, ctypes.create_string_buffer(256))),
    ("SR7", "keyctl", lambda: call(250, 0, -3, 1)),
    ("SR7", "userfaultfd", lambda: call(323, 0)),
    ("SR7", "perf", lambda: call(298, ctypes.create_string_buffer(128), 0, -1, -1, 0)),
    ("SR7", "raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
    ("SR7", "packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)),
    ("SR7", "vsock", lambda: socket.socket(40, socket.SOCK_STREAM)),
    ("SR7", "the machine's memory", map_device),
    ("SR7", "x32", lambda: os.waitpid(subprocess.Popen(
        [sys.executable, "-c", "import ctypes; exit(0 if ctypes.CDLL(None).syscall("
         "0x40000000 | 39) > 0 else 1)"]).pid, 0)[1] == 0),
    ("SR8", "a denied executable", lambda: runs(DENIED)),
    ("SR8", "reading it", lambda: read(DENIED)),
    ("SR8", "a copy of it", lambda: runs(shutil.copy(DENIED, "/tmp/copy"))),
    ("SR8", "its bytes in the workspace", lambda: run_bytes(open(DENIED, "rb").read(), "mine")),
    ("SR8", "by the loader", lambda: runs("/lib64/ld-linux-x86-64.so.2", DENIED)),
    ("SR8", "from memory", lambda: run_memory(DENIED)),
    ("SR8", "by a link", lambda: os.symlink(DENIED, "/tmp/linked") or runs("/tmp/linked")),
    ("SR8", "by another name", lambda: runs("/usr/bin/../bin/" + os.path.basename(DENIED))),
    ("SR9", "write the policy", lambda: write(POLICY)),
    ("SR9", "read the policy", lambda: read(POLICY)),
    ("SR9", "a policy of the system", lambda: write("/etc/failcore/policies/mine.yaml")),
    ("SR9", "list the log", lambda: os.listdir(AUDIT)),
    ("SR9", "write into the log", lambda: write(AUDIT + "/log/00000000000000000000.jsonl")),
    ("SR9", "the keys", lambda: os.listdir("/var/lib/failcore")),
    ("SR9", "what is outside", lambda: read(OUTSIDE)),
    ("SR9", "out of the workspace", lambda: read(os.getcwd() + "/../outside")),
    ("SR10", "more processes than allowed", lambda: widen(resource.RLIMIT_NPROC)),
    ("SR10", "more descriptors", lambda: widen(resource.RLIMIT_NOFILE)),
    ("SR10", "limits of the first process",
     lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (1, 1))),
    ("SR2", "its timer slack", lambda: put("/proc/1/timerslack_ns", b"1")),
    ("SR2", "what its core would hold", lambda: put("/proc/1/coredump_filter", b"1")),
    ("SR2", "its schedule", lambda: put("/proc/1/sched", b"0")),
    ("SR2", "its pages' marks", lambda: put("/proc/1/clear_refs", b"1")),
    ("SR2", "have it killed first", lambda: put("/proc/1/oom_score_adj", b"1000")),
    ("SR2", "its stack", lambda: read("/proc/1/stack")),
    ("SR2", "its user namespace by handle",
     lambda: fcntl.ioctl(os.pidfd_open(1), 0xFF09, 0) >= 0),
    ("SR2", "who owns the network", lambda: fcntl.ioctl(
        os.open("/proc/self/ns/net", os.O_RDONLY), 0xB701) >= 0),
    ("SR2", "take its memory back", lambda: first_by_handle(448, 0)),
    ("SR2", "advise about its memory", lambda: first_by_handle(440, None, 0, 21, 0)),
    ("SR2", "another name for its own program",
     lambda: libc.prctl(35, 13, os.open("/usr/bin/env", os.O_RDONLY), 0, 0) == 0),
    ("SR2", "a neighbour of the link", lambda: configure(
        28, struct.pack("BBHiHBB", 2, 0, 0, 1, 0x80, 0, 0))),
    ("SR2", "a rule for its routes", lambda: configure(
        32, struct.pack("BBBBBBBBI", 2, 0, 0, 0, 254, 0, 0, 1, 0))),
    ("SR3", "a descriptor by handle", lambda: first_by_handle(438, 0, 0)),
    ("SR3", "up from a passed root", lambda: climb("/")),
    ("SR3", "up from a passed directory", lambda: climb("/usr/bin")),
    ("SR3", "up from the passed workspace", lambda: climb(".")),
    ("SR6", "a passed place, opened for writing",
     lambda: open_again("/etc/passwd", os.O_RDWR)),
    ("SR6", "a passed place that is denied", lambda: open_again("denied/x", os.O_RDONLY)),
    ("SR6", "an immutable file, by its number", lambda: immutable(lambda fd: fcntl.ioctl(
        fd, 0x401C5820, struct.pack("5I12x", 8, 0, 0, 0, 0)[:28]))),
    ("SR6", "an immutable file, by name", lambda: call(
        469, -100, b"denied/x", struct.pack("QIIII", 0x18, 0, 0, 0, 0), 24, 0)),
    ("SR7", "a child in another group", lambda: call(435, ctypes.create_string_buffer(88), 88)),
    ("SR7", "a user namespace, with high bits", lambda: clone((1 << 32) | 0x10000000 | 17)),
    ("SR7", "attributes of a mount", lambda: call(
        442, -100, b"/usr", 0, ctypes.create_string_buffer(32), 32)),
    ("SR7", "a tree with attributes", lambda: call(
        467, -100, b"/", 1, ctypes.create_string_buffer(32), 32)),
    ("SR7", "the handle of a name", lambda: call(
        303, -100, b".", ctypes.create_string_buffer(200), ctypes.create_string_buffer(8), 0)),
    ("SR7", "watch a file system", lambda: call(300, 0, 0)),
    ("SR7", "quotas by descriptor", lambda: call(443, os.open(".", os.O_RDONLY), 0, 0, 0)),
    ("SR7", "type into a terminal of its own", lambda: of_a_terminal(0x5412, b"x")),
    ("SR7", "a line discipline there", lambda: of_a_terminal(0x5423, struct.pack("i", 2))),
    ("SR7", "a socket pair, with high bits", lambda: call(
        53, (1 << 32) | 16, 3, 0, ctypes.create_string_buffer(8))),
    ("SR10", "be killed last", lambda: put("/proc/self/oom_score_adj", b"-1000")),
    ("SR10", "end as a core", end_as_core),
    ("SR11", "two thousand denials", many_denials),
    ("SR11", "three thousand names", many_names),
]

for each in ATTEMPTS:
    attempt(*each)
print(f"{counts['held']} held, {counts['through']} through, 0 absent")
sys.exit(counts["through"] > 0 or counts["held"] == 0)
