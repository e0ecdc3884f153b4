"""Drives `failcore run` (argv) on a pseudo-terminal and checks what a person would see."""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

RUN = sys.argv[1:]


def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def drive(command, steps, limit=15):
    """steps: (text to wait for, bytes to type or a call with the terminal). Returns (output, exit status)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    resize(fd, 33, 77)
    output = b""
    steps = list(steps)
    until = time.time() + limit
    while time.time() < until:
        if steps and (steps[0][0](output) if callable(steps[0][0]) else steps[0][0] in output):
            time.sleep(0.1)
            act = steps.pop(0)[1]
            act(fd) if callable(act) else os.write(fd, act)
        ready, _, _ = select.select([fd], [], [], 0.05)
        if ready:
            try:
                piece = os.read(fd, 65536)
            except OSError:
                break
            if not piece:
                break
            output += piece
    else:
        os.kill(pid, 9)
    _, status = os.waitpid(pid, 0)
    return output, os.waitstatus_to_exitcode(status)


def expect(name, condition, output):
    if not condition:
        print("FAILED", name, output)
        sys.exit(1)


out, code = drive(RUN + ["sh", "-c", "sleep 0.3; tty; stty size"], [])
expect("a terminal of its own, with the size of ours", b"/dev/pts/0" in out and b"33 77" in out, out)
expect("exit 0", code == 0, out)

out, code = drive(RUN + ["sh", "-c", "echo ready; sleep 100; echo no"], [(b"ready", b"\x03")])
expect("Ctrl-C ends the command", code == 130 and b"no" not in out, (out, code))

out, code = drive(
    RUN + ["sh", "-c", "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.1; done"],
    [(b"ready", b"\x03")],
)
expect("a caught Ctrl-C", code == 9 and b"caught" in out, (out, code))

out, code = drive(
    RUN + ["bash", "-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done"],
    [(b"ready", lambda fd: resize(fd, 44, 55)), (b"44 55", b"\x03")],
)
expect("a window that changes its size", code == 130 and b"44 55" in out, (out, code))

out, code = drive(RUN + ["sh", "-c", "echo ready; cat"], [(b"ready", b"hello\n"), (b"hello", b"\x04")])
expect("typed text and end of file", code == 0 and out.count(b"hello") == 2, (out, code))

os.environ["PS1"] = "prompt> "
shell = " ".join(RUN) + " sh -c 'echo ready; sleep 1; echo finished'\n"
out, code = drive(
    ["bash", "--norc", "-i"],
    [
        (b"prompt> ", shell.encode()),
        (b"ready\r\n", b"\x1a"),
        (b"Stopped", b"echo in between\n"),
        (b"\rin between", b"fg\n"),
        # Only at the prompt: what is typed before the run has given the terminal back is flushed.
        (lambda seen: 0 < seen.rfind(b"finished\r\n") < seen.rfind(b"prompt> "), b"stty -a | grep -o ' echo ' | head -1; exit\n"),
    ],
)
expect("Ctrl-Z and fg", b"Stopped" in out and b"finished\r\n" in out, out)
expect("the terminal is as it was", b" echo \r\n" in out, out)

shell = " ".join(RUN) + " sh -c 'stty raw -echo; echo ready; sleep 1'\n"
out, code = drive(
    ["bash", "--norc", "-i"],
    [
        (b"prompt> ", shell.encode()),
        (b"ready", b"echo snea''ked\n"),
        (lambda seen: 0 < seen.rfind(b"ready") < seen.rfind(b"prompt> "), b"stty -a | grep -o ' icanon ' | head -1; exit\n"),
    ],
)
expect("what is typed for the command is not left for the shell", b"sneaked" not in out, out)
expect("nor is the mode that it set", b" icanon \r\n" in out, out)
print("terminal ok")
