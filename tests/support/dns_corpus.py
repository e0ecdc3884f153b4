"""Hostile DNS answers. A zone line "*.corpus.example.org HOOK .../dns_corpus.py" makes the world's
resolver give the answer number N to the name cN.corpus.example.org.

    dns_corpus.py list       "N TYPE EXPECTED NAME", one per line. EXPECTED: none (no address may be
                             told), public (only the public ones of it)

Answers that must be refused really carry an address that a careless reader would take.
"""

import socket
import struct

PUBLIC, PUBLIC6 = "93.184.216.10", "2606:2800:220::10"
EVIL, EVIL6 = "10.0.0.1", "fd00:ec2::254"
CASES = []  # (name, type word, expected, function(Query) -> reply or list or None)


class Query:
    def __init__(self, data, transport):
        self.data, self.transport, self.id = data, transport, data[:2]
        offset = 12
        while data[offset]:
            offset += 1 + data[offset]
        self.name = data[12 : offset + 1]
        self.question = data[12 : offset + 5]
        self.kind = struct.unpack_from("!H", data, offset + 1)[0]
        self.number = int(data[14 : 13 + data[12]])


def case(name, expected="none", kind="A"):
    def add(build):
        CASES.append((name, kind, expected, build))
        return build

    return add


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def wire(name):
    return b"".join(bytes([len(p)]) + p.encode("latin-1") for p in name.split(".")) + b"\0"


def record(data, kind=1, owner=b"\xc0\x0c", ttl=60, cls=1, length=None):
    return owner + struct.pack("!HHIH", kind, cls, ttl, len(data) if length is None else length) + data


def address(text, **how):
    return record(packed(text), 28 if ":" in text else 1, **how)


def reply(q, records, flags=0x8180, answers=None, authority=0, additional=0, question=None, id=None, questions=1):
    head = struct.pack("!HHHHH", flags, questions, len(records) if answers is None else answers, authority, additional)
    return (id or q.id) + head + (q.question if question is None else question) + b"".join(records)


# ---- rebinding, in every form an address has ------------------------------------------------------
for text in ("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
             "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1",
             "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
             "240.0.0.1", "255.255.255.255", "168.63.129.16", "161.26.0.10"):
    case(f"answer {text}")(lambda q, t=text: reply(q, [address(t)]))
    case(f"public and {text}", "public")(lambda q, t=text: reply(q, [address(t), address(PUBLIC)]))
for text in ("::", "::1", "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:93.184.216.10", "64:ff9b::10.0.0.1", "64:ff9b:1::1",
             "100::1", "2001::1", "2001:2::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "fc00::1", "fd00:ec2::254",
             "fe80::1", "fec0::1", "ff02::1", "3fff::1", "5f00::1", "4000::1", "1::1", "2606:2800:220:0:0:5efe:10.0.0.1"):
    case(f"answer {text}", kind="AAAA")(lambda q, t=text: reply(q, [address(t)]))
case("public and private, IPv6", "public", "AAAA")(lambda q: reply(q, [address(EVIL6), address(PUBLIC6)]))


# ---- chains -----------------------------------------------------------------------------------------
def chain(q, length, last=EVIL, loop=False):
    records, owner = [], q.name
    for i in range(length):
        target = wire(f"h{i}.example.net")
        records.append(record(target, 5, owner=owner))
        owner = target
    records.append(record(q.name, 5, owner=owner) if loop else address(last, owner=owner))
    return reply(q, records)


case("an alias of a private address")(lambda q: chain(q, 1))
case("a chain of 5 to a private address")(lambda q: chain(q, 5))
case("a chain of 5 to a public address", "public")(lambda q: chain(q, 5, PUBLIC))
case("a chain of 17")(lambda q: chain(q, 17))
case("a chain of 200")(lambda q: chain(q, 200))
case("a loop of 1")(lambda q: chain(q, 0, loop=True))
case("a loop of 3")(lambda q: chain(q, 3, loop=True))
case("a loop beside an address", "none")(lambda q: reply(q, [record(wire("a.example.net"), 5), record(wire("a.example.net"), 5, owner=wire("a.example.net")), address(EVIL, owner=wire("b.example.net"))]))
case("an alias with an odd target")(lambda q: reply(q, [record(wire("a b.example.net"), 5), address(EVIL, owner=wire("a b.example.net"))]))
case("an alias whose target ends early")(lambda q: reply(q, [record(wire("a.example.net") + b"\1\2", 5), address(EVIL, owner=wire("a.example.net"))]))
case("an alias of the wrong name")(lambda q: reply(q, [record(wire("a.example.net"), 5, owner=wire("x.example.net")), address(EVIL, owner=wire("a.example.net"))]))
case("the address of another name")(lambda q: reply(q, [address(EVIL, owner=wire("www.example.org"))]))
case("an address in the authority section")(lambda q: reply(q, [address(EVIL)], answers=0, authority=1))
case("an address in the additional section")(lambda q: reply(q, [address(EVIL)], answers=0, additional=1))
case("a dname")(lambda q: reply(q, [record(wire("example.net"), 39, owner=wire("corpus.example.org")), address(EVIL, owner=wire(f"c{q.number}.example.net"))]))

# ---- records that are not what they say -----------------------------------------------------------------
for length in (0, 1, 3, 5, 16, 200, 65535):
    case(f"an address of length {length}")(lambda q, n=length: reply(q, [record(packed(EVIL) if n < 5 else packed(EVIL) + bytes(min(n, 16) - 4), length=n)]))
for length in (0, 4, 15, 17):
    case(f"an IPv6 address of length {length}", kind="AAAA")(lambda q, n=length: reply(q, [record((packed(EVIL6) + b"\0")[:n], 28, length=n)]))
case("class chaos")(lambda q: reply(q, [address(EVIL, cls=3)]))
case("class any")(lambda q: reply(q, [address(EVIL, cls=255)]))
case("an A record for AAAA", kind="AAAA")(lambda q: reply(q, [address(EVIL)]))
case("an AAAA record for A")(lambda q: reply(q, [address(EVIL6)]))
case("a wks record")(lambda q: reply(q, [record(packed(EVIL) + b"\6\1", 11)]))
case("an apl record")(lambda q: reply(q, [record(b"\0\1\x20\4" + packed(EVIL), 42)]))
case("an a6 record", kind="AAAA")(lambda q: reply(q, [record(b"\0" + packed(EVIL6), 38)]))
case("https instead")(lambda q: reply(q, [record(b"\0\1\0\0\4\0\4" + packed(EVIL), 65)]))
case("ttl zero", "public")(lambda q: reply(q, [address(PUBLIC, ttl=0)]))
case("ttl of all ones", "public")(lambda q: reply(q, [address(PUBLIC, ttl=0xFFFFFFFF)]))
case("forty addresses", "public")(lambda q: reply(q, [address(f"93.184.216.{i}") for i in range(10, 50)]))
case("private behind forty public", "public")(lambda q: reply(q, [address(f"93.184.216.{i}") for i in range(10, 50)] + [address(EVIL)]))

# ---- headers and questions ---------------------------------------------------------------------------------
for word, flags in (("a question", 0x0100), ("opcode status", 0x9180), ("opcode update", 0xA980), ("servfail", 0x8182), ("nxdomain", 0x8183),
                    ("refused", 0x8185), ("not implemented", 0x8184), ("rcode 15", 0x818F)):
    case(f"an answer marked {word}")(lambda q, f=flags: reply(q, [address(EVIL)], flags=f))
    case(f"a public answer marked {word}")(lambda q, f=flags: reply(q, [address(PUBLIC)], flags=f))
case("another id")(lambda q: reply(q, [address(EVIL)], id=bytes([q.id[0] ^ 1, q.id[1]])))
case("sixteen other ids")(lambda q: [reply(q, [address(EVIL)], id=struct.pack("!H", (struct.unpack("!H", q.id)[0] + i) & 0xFFFF)) for i in range(1, 17)])
case("another id, then the right one", "public")(lambda q: [reply(q, [address(EVIL)], id=bytes([q.id[0] ^ 1, q.id[1]])), reply(q, [address(PUBLIC)])])
case("another question")(lambda q: reply(q, [address(EVIL)], question=wire("www.example.org") + b"\0\1\0\1"))
case("another case")(lambda q: reply(q, [address(EVIL)], question=q.question.swapcase()))
case("another type in the question")(lambda q: reply(q, [address(EVIL)], question=q.name + b"\0\x1c\0\1"))
case("another class in the question")(lambda q: reply(q, [address(EVIL)], question=q.name + b"\0\1\0\3"))
case("no question")(lambda q: reply(q, [address(EVIL, owner=q.name)], questions=0, question=b""))
case("two questions")(lambda q: reply(q, [address(EVIL)], questions=2, question=q.question + q.question))
case("more answers announced")(lambda q: reply(q, [address(EVIL)], answers=2))
case("65535 answers announced")(lambda q: reply(q, [address(EVIL)], answers=65535))
case("more authorities announced")(lambda q: reply(q, [address(EVIL)], authority=1))
case("one byte too many")(lambda q: reply(q, [address(EVIL)]) + b"\0")
case("a second message behind the first")(lambda q: reply(q, [address(EVIL)]) * 2)
for cut in (1, 2, 3, 4, 5, 8, 13, 14):
    case(f"{cut} bytes missing")(lambda q, n=cut: reply(q, [address(EVIL)])[:-n])
case("only a header")(lambda q: reply(q, [address(EVIL)])[:12])
case("half a header")(lambda q: reply(q, [address(EVIL)])[:7])
case("nothing at all")(lambda q: b"")

# ---- names ----------------------------------------------------------------------------------------------------
case("an owner that points at itself")(lambda q: (lambda at: reply(q, [address(EVIL, owner=struct.pack("!H", 0xC000 | at))]))(12 + len(q.question)))
case("an owner that points ahead")(lambda q: reply(q, [address(EVIL, owner=b"\xc3\xff")]))
case("an owner that points into the header")(lambda q: reply(q, [address(EVIL, owner=b"\xc0\x04")]))
case("two owners that point at each other")(lambda q: (lambda at: reply(q, [address(EVIL, owner=b"\1a" + struct.pack("!H", 0xC000 | at + 18)), address(EVIL, owner=b"\1b" + struct.pack("!H", 0xC000 | at))]))(12 + len(q.question)))
case("a label of 64 bytes")(lambda q: reply(q, [address(EVIL, owner=b"\x40" + b"a" * 64 + b"\0")]))
case("a label of type 80")(lambda q: reply(q, [address(EVIL, owner=b"\x80a\0")]))
case("a name of 300 bytes")(lambda q: reply(q, [address(EVIL, owner=b"\1a" * 150 + b"\0")]))
case("a name without an end")(lambda q: reply(q, [])[:6] + b"\0\1\0\0\0\0" + q.question + b"\3www")
case("a dot inside a label")(lambda q: reply(q, [address(EVIL, owner=bytes([len(q.name) - 2]) + q.name[1:-1].replace(b"\6", b".") + b"\0")]))
case("a NUL inside a label")(lambda q: reply(q, [address(EVIL, owner=b"\3a\0b" + q.name)]))

# ---- transport ---------------------------------------------------------------------------------------------------
case("truncated, private over tcp")(lambda q: reply(q, [], flags=0x8380) if q.transport == "udp" else reply(q, [address(EVIL)]))
case("truncated, public over tcp", "public")(lambda q: reply(q, [], flags=0x8380) if q.transport == "udp" else reply(q, [address(PUBLIC)]))
case("truncated with an address in it", "none")(lambda q: reply(q, [address(EVIL)], flags=0x8380) if q.transport == "udp" else None)
case("truncated over tcp too")(lambda q: reply(q, [address(EVIL)], flags=0x8380))
case("truncated, another id over tcp")(lambda q: reply(q, [], flags=0x8380) if q.transport == "udp" else reply(q, [address(EVIL)], id=b"\0\0"))
case("truncated, two answers over tcp")(lambda q: reply(q, [], flags=0x8380) if q.transport == "udp" else [reply(q, [address(EVIL)]), reply(q, [address(EVIL)])])
case("truncated, 60000 bytes over tcp")(lambda q: reply(q, [], flags=0x8380) if q.transport == "udp" else reply(q, [record(bytes(60000), 16), address(EVIL)]))
case("thirty guesses, then public over tcp", "public")(lambda q: [reply(q, [address(EVIL)], id=struct.pack("!H", (struct.unpack("!H", q.id)[0] + i) & 0xFFFF)) for i in range(1, 31)] if q.transport == "udp" else reply(q, [address(PUBLIC)]))

# ---- edns -----------------------------------------------------------------------------------------------------------
case("an opt record", "public")(lambda q: reply(q, [address(PUBLIC), record(b"", 41, owner=b"\0", cls=4096)], answers=1, additional=1))
case("an opt record that does not fit")(lambda q: reply(q, [address(EVIL), record(b"abc", 41, owner=b"\0", cls=4096, length=9)], answers=1, additional=1))
case("an address behind the opt record")(lambda q: reply(q, [record(b"", 41, owner=b"\0", cls=4096), address(EVIL)], answers=0, additional=2))


def answer(data, transport):
    query = Query(data, transport)
    return CASES[query.number][3](query)


if __name__ == "__main__":
    for i, (what, kind, expected, _) in enumerate(CASES):
        print(i, kind, expected, what)
