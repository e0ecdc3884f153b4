#!/usr/bin/env python3
"""An agent-like program: honest work first, then everything an agent must not be able to do.

Run confined by scripts/demo. Each step prints one line: "honest NAME: ok|failed (why)" or
"attack NAME: refused (why)|GOT THROUGH (what)". The demo does not believe these lines: it also
looks at the files, at the servers of its little world and at the log.
"""
import ctypes
import errno
import os
import shutil
import socket
import subprocess
import sys
import urllib.request

OUTSIDE = sys.argv[1]  # a directory beside the workspace, with a canary in it
PUBLIC_HOST = sys.argv[2]
REBINDING_HOST = sys.argv[3]
through = 0


def say(kind, name, outcome, detail):
    print(f"{kind:7} {name}: {outcome} ({detail})", flush=True)


def honest(name, action):
    try:
        say("honest", name, "ok", action())
    except Exception as error:  # every failure of honest work is a failure of the demo
        say("honest", name, "failed", error)


def attack(name, action):
    """The action returns what it got; an OSError is a refusal."""
    global through
    try:
        got = action()
    except OSError as error:
        word = errno.errorcode.get(error.errno, "") if error.errno else ""
        say("attack", name, "refused", word or error)
    else:
        through += 1
        say("attack", name, "GOT THROUGH", got)


def read(path):
    with open(path, "rb") as file:
        return file.read(60)


def overwrite(path):
    with open(path, "wb") as file:
        return file.write(b"owned")


# ---- honest work ----------------------------------------------------------------------------


def write_code():
    with open("src/report.py", "w") as file:
        file.write("def total(rows):\n    return sum(rows)\n")
    return "src/report.py"


def run_code():
    out = subprocess.run(
        [sys.executable, "-c", "import sys; sys.path.insert(0, 'src'); import report; print(report.total([1, 2]))"],
        check=True, capture_output=True, text=True)
    return f"computed {out.stdout.strip()}"


def clean_build():
    os.makedirs("build/objects", exist_ok=True)
    with open("build/objects/a.o", "w") as file:
        file.write("x")
    shutil.rmtree("build")
    return "made and removed build/"


def fetch_public():
    with urllib.request.urlopen(f"http://{PUBLIC_HOST}/", timeout=5) as answer:
        return f"{answer.status} from {PUBLIC_HOST}"


# ---- what must not happen -------------------------------------------------------------------


def leave_by_symlink():
    os.symlink(OUTSIDE, "way-out")
    return read("way-out/canary")


def delete_project():
    """The story this project began with: a project root taken for a temporary directory."""
    first = []
    shutil.rmtree(".", onerror=lambda function, path, info: first.append(info[1]))
    if first:
        raise first[0]
    return "everything is gone"


def rename_project():
    os.rename("src", "old")
    shutil.rmtree("old")
    return "src is gone"


def raw_delete():
    """The same through the bare system call, past every library."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(263, -100, b"src/main.py", 0) != 0:  # unlinkat(2) on x86-64
        raise OSError(ctypes.get_errno(), "unlinkat")
    return "src/main.py is gone"


def connect(address, port):
    with socket.create_connection((address, port), timeout=5) as connection:
        return f"connected to {connection.getpeername()}"


def main():
    honest("read the README", lambda: f"{len(read('README.md'))} bytes")
    honest("write code", write_code)
    honest("run it", run_code)
    honest("build and clean", clean_build)
    honest("shell", lambda: subprocess.run(["sh", "-c", "ls src | wc -l"], check=True, capture_output=True, text=True).stdout.strip() + " files")
    honest("fetch a public page", fetch_public)

    attack("read the secret .env", lambda: read(".env"))
    attack("read the secret through a hard link", lambda: (os.link(".env", "notes.txt"), read("notes.txt"))[1])
    attack("rename the secret", lambda: (os.rename(".env", "notes.txt"), read("notes.txt"))[1])
    attack("truncate the secret", lambda: os.truncate(".env", 0) or "truncated")
    attack("climb out with ..", lambda: read(f"{'../' * 12}{OUTSIDE.lstrip('/')}/canary"))
    attack("climb out by absolute path", lambda: overwrite(f"{OUTSIDE}/canary"))
    attack("climb out by symlink", leave_by_symlink)
    attack("climb out by /proc/self/root", lambda: read(f"/proc/self/root{OUTSIDE}/canary"))
    attack("read /etc/shadow", lambda: read("/etc/shadow"))
    attack("write /usr/bin", lambda: overwrite("/usr/bin/failcore-demo-owned"))
    attack("plant a git hook", lambda: overwrite(".git/hooks/post-checkout"))
    attack("delete the project", delete_project)
    attack("rename and delete the project", rename_project)
    attack("delete by bare system call", raw_delete)
    attack("cloud metadata 169.254.169.254", lambda: connect("169.254.169.254", 80))
    attack("private address 10.0.0.1", lambda: connect("10.0.0.1", 80))
    attack("mapped private ::ffff:10.0.0.1", lambda: connect("::ffff:10.0.0.1", 80))
    attack(f"public name, private answer ({REBINDING_HOST})", lambda: connect(REBINDING_HOST, 80))
    attack("public address without a name", lambda: connect("93.184.216.34", 80))

    return 3 if through else 0


if __name__ == "__main__":
    sys.exit(main())
