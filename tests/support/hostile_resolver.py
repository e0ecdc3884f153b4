"""What a resolver that somebody has taken over may say to the guard (netguard/dns/resolver.h).

    hostile_resolver.py PID

PID is the resolver of a running guard; it is stopped, its socket to the guard is taken (pidfd_getfd),
and each claim below is made in its name. Prints one line per claim that was believed. At the end the guard
is told something that no resolver says, upon which it must end.
"""

import ctypes
import os
import signal
import socket
import struct
import sys
import time

PID = int(sys.argv[1])
MALFORMED, JUDGE, ANSWER = 0, 1, 2
A, AAAA, TXT = 1, 28, 16
REQUEST, VERDICT = 928, 816
libc = ctypes.CDLL(None, use_errno=True)


def take_socket(pid):
    """The guard's is the one that answers like the guard."""
    process = os.pidfd_open(pid)
    for number in sorted(int(n) for n in os.listdir(f"/proc/{pid}/fd")):
        fd = libc.syscall(438, process, number, 0)
        if fd < 0:
            continue
        try:
            s = socket.socket(fileno=fd)
        except OSError:
            os.close(fd)
            continue
        if s.family == socket.AF_UNIX and s.type == socket.SOCK_SEQPACKET:
            s.settimeout(10)
            try:
                s.send(request(0, JUDGE, "www.example.org", A))
                if len(s.recv(4096)) == VERDICT:
                    return s
            except OSError:
                pass
    sys.exit("the guard's socket was not found")


def wire(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"
    return labels.ljust(255, b"\0") + bytes([len(labels)])


def address(text):
    if ":" in text:
        return struct.pack("=I", 6) + socket.inet_pton(socket.AF_INET6, text)
    return struct.pack("=I", 4) + socket.inet_aton(text).ljust(16, b"\0")


def request(slot, stage, name, kind, addresses=(), ttl=60, status=0, rcode=0, count=None, raw_name=None):
    packed = b"".join(a if isinstance(a, bytes) else address(a) for a in addresses)
    message = struct.pack("=IIBxH", slot, stage, 0, 4000) + (raw_name or wire(name)) + struct.pack("=Hxx", kind)
    message += struct.pack("=iBxxxII", status, rcode, ttl, len(addresses) if count is None else count)
    return (message + packed.ljust(640, b"\0"))[:REQUEST]


def told(verdict):
    go, rcode = verdict[4], verdict[5]
    ttl, count = struct.unpack_from("=II", verdict, 168)
    out = []
    for i in range(min(count, 32)):
        family, data = struct.unpack_from("=I16s", verdict, 176 + 20 * i)
        out.append(socket.inet_ntop(socket.AF_INET if family == 4 else socket.AF_INET6, data[:4 if family == 4 else 16]))
    return bool(go), rcode, ttl, out


os.kill(PID, signal.SIGSTOP)
time.sleep(0.1)
guard = take_socket(PID)


def say(*arguments, **keywords):
    guard.send(request(*arguments, **keywords))
    return told(guard.recv(4096))


def judged(slot, name, kind=A):
    if not say(slot, JUDGE, name, kind)[0]:
        print(f"{name} was not even judged")


def expect(what, result, addresses=()):
    if sorted(result[3]) != sorted(addresses):
        print(f"{what}: {result}")


expect("an answer that nobody asked for", say(5, ANSWER, "www.example.org", A, ["93.184.216.12"]))
judged(5, "www.example.org")
expect("an answer about another name", say(5, ANSWER, "api.example.org", A, ["93.184.216.12"]))
judged(5, "www.example.org")
expect("an answer of another type", say(5, ANSWER, "www.example.org", AAAA, ["2606:2800:220::12"]))
judged(5, "www.example.org")
expect("the right answer", say(5, ANSWER, "www.example.org", A, ["93.184.216.10"]), ["93.184.216.10"])
expect("a second answer to one question", say(5, ANSWER, "www.example.org", A, ["93.184.216.12"]))
if say(6, JUDGE, "evil.example.com", A)[0]:
    print("a name that no rule allows may be asked for")
expect("an answer to a refused question", say(6, ANSWER, "evil.example.com", A, ["93.184.216.12"]))
if say(6, JUDGE, "www.example.org", TXT)[0]:
    print("a TXT question may be asked")
for private in ("10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "0.0.0.0", "224.0.0.1", "168.63.129.16"):
    judged(7, "api.example.org")
    expect("private", say(7, ANSWER, "api.example.org", A, [private]))
    judged(7, "api.example.org")
    expect("private beside public", say(7, ANSWER, "api.example.org", A, ["93.184.216.11", private]), ["93.184.216.11"])
for private in ("::1", "fd00:ec2::254", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "fe80::1"):
    judged(7, "api.example.org", AAAA)
    expect("private, IPv6", say(7, ANSWER, "api.example.org", AAAA, [private]))
judged(8, "api.example.org")
expect("the wrong family", say(8, ANSWER, "api.example.org", A, ["2606:2800:220::11"]))
judged(8, "api.example.org")
expect("no family", say(8, ANSWER, "api.example.org", A, [struct.pack("=I", 77) + b"\x5d\xb8\xd8\x0c".ljust(16, b"\0")]))
judged(8, "api.example.org")
expect("more addresses than there is room", say(8, ANSWER, "api.example.org", A, ["93.184.216.11"], count=33))
judged(8, "api.example.org")
result = say(8, ANSWER, "api.example.org", A, ["93.184.216.11"], ttl=0xFFFFFFFF)
if result[2] > 300:
    print(f"a time to live of {result[2]}")
# What no resolver says ends the guard: nobody is there to be told more.
guard.send(request(9, JUDGE, "", A, raw_name=b"\xff" * 256))
try:
    if guard.recv(4096):
        print("a name that is none was answered")
except OSError:
    pass
