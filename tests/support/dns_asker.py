"""Asks for every name of dns_corpus.py, and judges what comes.

    dns_asker.py careless        where nobody checks: the world's resolver is asked by readers that take an
                                 address wherever they find one. Fails when one of the cases does not arrive.
    dns_asker.py guarded FILE    behind the guard: fails when one is not refused; writes the addresses that were
                                 told to FILE
"""

import os
import select
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from dns_corpus import CASES, WHOLE, Query, packed, unpacked, wire

RESOLVER = ("9.9.9.53", 53)
AT_ONCE = 24  # fewer than the guard has room for: answers that never come take their time
PUBLIC = ("93.184.216.", "2606:2800:220::")


def question(number):
    return (struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + wire(f"c{number}.corpus.example.org")
            + struct.pack("!HH", CASES[number].kind, 1))


# ---- careless readers -----------------------------------------------------------------------------


def skip_name(message, at):
    """As much code does it: a pointer ends the name wherever it leads, any other byte is a length."""
    while at < len(message):
        if message[at] >= 0xC0:
            return at + 2
        if message[at] == 0:
            return at + 1
        at += 1 + message[at]
    return at


def field(message, at, size):
    """What is missing was never written: zeros."""
    return message[at : at + size].ljust(size, b"\0")


def take(message, size):
    """Addresses of that size (and times to live) in a message: of every record, whatever its name, type, class and
    length say, at its beginning and at its end; and the message's last bytes."""
    taken = {unpacked(message[-size:])} if len(message) >= size else set()
    if len(message) < 12:
        return taken
    questions, *counts = struct.unpack_from("!HHHH", message, 4)
    at = 12
    for _ in range(questions):
        at = skip_name(message, at) + 4
    for _ in range(sum(counts)):
        at = skip_name(message, at) + 10
        if at - 10 >= len(message):
            break
        ttl, length = struct.unpack("!IH", field(message, at - 6, 6))
        taken |= {f"ttl={ttl}", unpacked(field(message, at, size)), unpacked(field(message, at + max(length - size, 0), size))}
        if length in (4, 16):
            taken.add(unpacked(field(message, at, length)))
        at += length
    return taken


def expected(number, transport):
    messages = CASES[number].messages(Query(question(number), transport))
    return [m[0] if isinstance(m, tuple) else m for m in messages]


def ask_by_tcp(number):
    wanted, got = len(expected(number, "tcp")), []
    with socket.create_connection(RESOLVER, timeout=5) as s, s.makefile("rb") as stream:
        s.sendall(struct.pack("!H", len(question(number))) + question(number))
        for _ in range(wanted):
            got.append(stream.read(struct.unpack("!H", stream.read(2))[0]))
    return got


def ask_by_udp():
    """Each question from a socket of its own, which hears whomever. Waits for as many as were sent."""
    sockets, got = {}, {number: [] for number in range(len(CASES))}
    waiting = {number: len(expected(number, "udp")) for number in got}

    def hear(most, seconds):
        """Until no more than `most` messages are awaited."""
        end = time.monotonic() + seconds
        while sum(waiting[n] for n in sockets.values()) > most and time.monotonic() < end:
            for s in select.select(list(sockets), [], [], 0.2)[0]:
                got[sockets[s]].append(s.recv(65535))
                waiting[sockets[s]] -= 1

    for number in got:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.sendto(question(number), RESOLVER)
        sockets[s] = number
        hear(AT_ONCE, 5)
    hear(0, 20)
    return got


def careless():
    got, bad, hostile = ask_by_udp(), 0, 0
    for number, case in enumerate(CASES):
        messages, sent = got[number], expected(number, "udp")
        if any(len(m) > 2 and m[2] & 2 for m in messages):
            messages, sent = messages + ask_by_tcp(number), sent + expected(number, "tcp")
        taken = set().union(*(take(m, len(packed(case.evil))) for m in messages)) if messages else set()
        if sorted(messages) != sorted(sent):
            print(f"{number} {case.name}: {len(messages)} messages of {len(sent)} have come as they were sent")
            bad += 1
        elif case.taken is not None and case.taken is not WHOLE and not {spelled(t) for t in case.taken} <= taken:
            print(f"{number} {case.name}: nobody takes {case.taken} from it, but {sorted(taken)}")
            bad += 1
        hostile += case.taken is not None
    by_reader = sum(case.taken not in (None, WHOLE) for case in CASES)
    print(f"{hostile} hostile answers arrive where nobody checks; of {by_reader} a careless reader takes what it should not")
    return bad != 0 or by_reader < 100


def spelled(text):
    return text if text.startswith("ttl=") else unpacked(packed(text))


# ---- behind the guard -----------------------------------------------------------------------------


def ask_guard():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    got = {}

    def hear(seconds):
        end = time.monotonic() + seconds
        while select.select([s], [], [], max(end - time.monotonic(), 0))[0]:
            data = s.recv(65535)
            got.setdefault(struct.unpack_from("!H", data)[0], []).append(data)

    for number in range(len(CASES)):
        end = time.monotonic() + 20
        while number - len(got) >= AT_ONCE and time.monotonic() < end:
            hear(0.02)
        s.sendto(question(number), RESOLVER)
        hear(0.002)
    end = time.monotonic() + 20
    while len(got) < len(CASES) and time.monotonic() < end:
        hear(0.1)
    hear(0.5)  # nothing twice
    return got


def told(message):
    """(addresses, times to live) of the guard's answer, which has to be well made."""
    out, ttls, at = [], [], skip_name(message, 12) + 4
    for _ in range(struct.unpack_from("!H", message, 6)[0]):
        at = skip_name(message, at)
        kind, _, ttl, length = struct.unpack_from("!HHIH", message, at)
        out.append(unpacked(message[at + 10 : at + 10 + length]) if kind in (1, 28) else f"type {kind}")
        ttls.append(ttl)
        at += 10 + length
    return out, ttls


def guarded(path):
    got, bad, heard = ask_guard(), 0, set()

    def wrong(number, text):
        nonlocal bad
        print(f"{number} {CASES[number].name}: {text}")
        bad += 1

    for number, case in enumerate(CASES):
        if len(got.get(number, ())) != 1:
            wrong(number, f"{len(got.get(number, ()))} answers")
            continue
        addresses, ttls = told(got[number][0])
        heard |= set(addresses)
        if any(not a.startswith(PUBLIC) or "5efe" in a for a in addresses):
            wrong(number, f"the agent hears {addresses}")
        if bool(addresses) != case.public:
            wrong(number, f"the agent hears {addresses or 'nothing'}")
        if any(ttl < 5 or ttl > 300 for ttl in ttls):
            wrong(number, f"times to live {ttls}")
    with open(path, "w") as out:
        print(*sorted(heard), sep="\n", file=out)
    print(f"{len(CASES)} questions, each answered once")
    return bad != 0


sys.exit(careless() if sys.argv[1] == "careless" else guarded(sys.argv[2]))
