"""A service manager of one service, as far as failcore-mount@.service and failcore-netguard@.service need one.

    service_manager.py USER PREPARE... -- SERVE...

Runs PREPARE as root, keeps the descriptors that it stores, and starts SERVE as USER with them. Prints
what the service says, one JSON object per message; ends with the service's exit code.
"""

import array
import fcntl
import json
import os
import pwd
import signal
import socket
import subprocess
import sys

user = pwd.getpwnam(sys.argv[1])
words = sys.argv[2:]
at = words.index("--")
prepare, serve = words[:at], words[at + 1 :]

path = f"/tmp/failcore-notify-{os.getpid()}"
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(path)
os.chmod(path, 0o666)
store = {}


def hear(timeout):
    listener.settimeout(timeout)
    text, control, _, _ = listener.recvmsg(4096, socket.CMSG_SPACE(4))
    words = dict(line.split("=", 1) for line in text.decode().splitlines())
    fds = array.array("i")
    for level, kind, data in control:
        assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        fds.frombytes(data)
    if words.get("FDSTORE"):
        store[words["FDNAME"]] = fds[0]
    else:
        for fd in fds:
            os.close(fd)
    if words.get("FDSTOREREMOVE"):
        os.close(store.pop(words["FDNAME"]))
    words["store"] = sorted(store)
    print(json.dumps(words), flush=True)


environment = dict(os.environ, NOTIFY_SOCKET=path)
first = subprocess.Popen(prepare, env=environment)
try:
    while first.poll() is None:
        try:
            hear(0.1)
        except TimeoutError:
            pass
    if first.returncode != 0 or not store:
        sys.exit(first.returncode or 1)

    child = os.fork()
    if child == 0:
        # Above where they go to, so that none is overwritten by another.
        kept = [(name, fcntl.fcntl(fd, fcntl.F_DUPFD, 100)) for name, fd in store.items()]
        for place, (_, fd) in enumerate(kept):
            os.dup2(fd, 3 + place)
        os.closerange(3 + len(kept), 1024)
        os.setgroups([])
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
        environment.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(kept)),
                           LISTEN_FDNAMES=":".join(name for name, _ in kept),
                           WATCHDOG_USEC="400000")
        os.execve(serve[0], serve, environment)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    print(json.dumps({"MAINPID": child}), flush=True)
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            sys.exit(os.waitstatus_to_exitcode(status))
        try:
            hear(0.1)
        except TimeoutError:
            pass
finally:
    os.unlink(path)
