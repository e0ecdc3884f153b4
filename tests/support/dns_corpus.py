"""Hostile DNS answers. A zone line "*.corpus.example.org HOOK .../dns_corpus.py" makes the world's
resolver give the answer number N to the name cN.corpus.example.org.

    dns_corpus.py list       "N NAME [ROW]...", one per line (rows: tests/support/guard_rows.txt)

Each case says what a careless reader (dns_asker.py) would take from it, which shows that it has arrived where
nobody checks. Answers of which nobody could take anything must arrive byte for byte. A case without either is
there to see that what is good still passes, and is not counted as hostile.
"""

import socket
import struct

WHOLE = object()  # in place of what is taken: it only has to arrive, byte for byte
V4, V6 = ("A", "10.0.0.1", "93.184.216.10"), ("AAAA", "fd00:ec2::254", "2606:2800:220::10")
CASES = []


class Case:
    def __init__(self, name, rows, family, build, taken, public):
        self.name, self.rows, self.build = name, rows, build
        self.word, self.evil, self.good = family
        self.kind = 28 if self.word == "AAAA" else 1
        self.taken = [taken] if isinstance(taken, str) else taken  # None: nothing hostile in it
        self.public = public  # whether the good address of it is to be told

    def messages(self, query):
        """What the resolver sends: a list of bytes, or (bytes, source) when not from its own address."""
        reply = self.build(query, self.evil, self.good)
        return [] if reply is None else reply if isinstance(reply, list) else [reply]


class Query:
    def __init__(self, data, transport):
        self.data, self.transport, self.id = data, transport, data[:2]
        offset = 12
        while data[offset]:
            offset += 1 + data[offset]
        self.name = data[12 : offset + 1]
        self.question = data[12 : offset + 5]
        self.number = int(data[14 : 13 + data[12]])


def add(name, rows, build, family=V4, taken="evil", public=False):
    CASES.append(Case(name, rows, family, build, family[1] if taken == "evil" else taken, public))


def both(name, rows, build, taken="evil", public=False):
    """The same for A and for AAAA: build(query, evil address, good address)."""
    add(name, rows, build, V4, taken, public)
    add(f"{name}, IPv6", rows, build, V6, taken, public)


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def unpacked(data):
    return socket.inet_ntop(socket.AF_INET6 if len(data) == 16 else socket.AF_INET, data)


def wire(name):
    return b"".join(bytes([len(p)]) + p.encode("latin-1") for p in name.split(".")) + b"\0"


def record(data, kind=1, owner=b"\xc0\x0c", ttl=60, cls=1, length=None):
    return owner + struct.pack("!HHIH", kind, cls, ttl, len(data) if length is None else length) + data


def address(text, **how):
    return record(packed(text), 28 if ":" in text else 1, **how)


def reply(q, records, flags=0x8180, answers=None, authority=0, additional=0, question=None, id=None, questions=1):
    head = struct.pack("!HHHHH", flags, questions, len(records) if answers is None else answers, authority, additional)
    return (id or q.id) + head + (q.question if question is None else question) + b"".join(records)


def other_id(q, distance=256):
    return struct.pack("!H", struct.unpack("!H", q.id)[0] ^ distance)


# ---- rebinding, in every form an address has ------------------------------------------------------
for text in ("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
             "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1",
             "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
             "240.0.0.1", "255.255.255.255", "168.63.129.16", "161.26.0.10"):
    add(f"answer {text}", "dns/addresses", lambda q, e, g, t=text: reply(q, [address(t)]), taken=text)
    add(f"public and {text}", "dns/addresses", lambda q, e, g, t=text: reply(q, [address(t), address(g)]), taken=text, public=True)
for text in ("::", "::1", "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:93.184.216.10", "64:ff9b::10.0.0.1", "64:ff9b:1::1",
             "100::1", "2001::1", "2001:2::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "fc00::1", "fd00:ec2::254",
             "fe80::1", "fec0::1", "ff02::1", "3fff::1", "5f00::1", "4000::1", "1::1", "2606:2800:220:0:0:5efe:10.0.0.1"):
    add(f"answer {text}", "dns/addresses", lambda q, e, g, t=text: reply(q, [address(t)]), V6, taken=text)
    add(f"public and {text}", "dns/addresses", lambda q, e, g, t=text: reply(q, [address(t), address(g)]), V6, taken=text, public=True)


# ---- chains -----------------------------------------------------------------------------------------
def chain(q, length, last, loop=False):
    records, owner = [], q.name
    for i in range(length):
        target = wire(f"h{i}.example.net")
        records.append(record(target, 5, owner=owner))
        owner = target
    records.append(record(q.name, 5, owner=owner) if loop else address(last, owner=owner))
    return reply(q, records)


for length in (1, 5, 17, 200):
    both(f"a chain of {length} to a private address", "dns/chain", lambda q, e, g, n=length: chain(q, n, e))
for length in (17, 200):
    both(f"a chain of {length} to a public address", "dns/chain", lambda q, e, g, n=length: chain(q, n, g), taken=WHOLE)
both("a chain of 5 to a public address", "dns/chain", lambda q, e, g: chain(q, 5, g), taken=None, public=True)
both("a loop of 1", "dns/chain", lambda q, e, g: chain(q, 0, e, loop=True), taken=WHOLE)
both("a loop of 3", "dns/chain", lambda q, e, g: chain(q, 3, e, loop=True), taken=WHOLE)
A_NET = wire("a.example.net")
both("a loop beside an address", "dns/chain", lambda q, e, g: reply(q, [record(A_NET, 5), record(A_NET, 5, owner=A_NET), address(e, owner=wire("b.example.net"))]))
both("an alias with an odd target", "dns/chain", lambda q, e, g: reply(q, [record(wire("a b.example.net"), 5), address(e, owner=wire("a b.example.net"))]))
both("an alias whose target ends early", "dns/chain dns/parser", lambda q, e, g: reply(q, [record(A_NET + b"\1\2", 5), address(e, owner=A_NET)]))
both("an alias of the wrong name", "dns/chain", lambda q, e, g: reply(q, [record(A_NET, 5, owner=wire("x.example.net")), address(e, owner=A_NET)]))
both("the address of another name", "dns/chain", lambda q, e, g: reply(q, [address(e, owner=wire("www.example.org"))]))
both("an address in the authority section", "dns/chain", lambda q, e, g: reply(q, [address(e)], answers=0, authority=1))
both("an address in the additional section", "dns/chain", lambda q, e, g: reply(q, [address(e)], answers=0, additional=1))
both("a dname", "dns/chain", lambda q, e, g: reply(q, [record(wire("example.net"), 39, owner=wire("corpus.example.org")),
                                                       address(e, owner=wire(f"c{q.number}.example.net"))]))

# ---- records that are not what they say -----------------------------------------------------------------
for length in (0, 1, 3, 5, 16, 200, 65535):
    add(f"an address of length {length}", "dns/parser", lambda q, e, g, n=length: reply(q, [record(packed(e) if n < 5 else packed(e) + bytes(min(n, 16) - 4), length=n)]))
for length in (0, 4, 15, 17):
    cut = unpacked((packed(V6[1]) + b"\0")[:length].ljust(16, b"\0")[:16])
    add(f"an IPv6 address of length {length}", "dns/parser", lambda q, e, g, n=length: reply(q, [record((packed(e) + b"\0")[:n], 28, length=n)]), V6, taken=cut)
both("class chaos", "dns/parser", lambda q, e, g: reply(q, [address(e, cls=3)]))
both("class any", "dns/parser", lambda q, e, g: reply(q, [address(e, cls=255)]))
add("an A record for AAAA", "dns/types", lambda q, e, g: reply(q, [address("10.0.0.1")]), V6, taken="10.0.0.1")
add("an AAAA record for A", "dns/types", lambda q, e, g: reply(q, [address("fd00:ec2::254")]), taken="fd00:ec2::254")
add("a wks record", "dns/types", lambda q, e, g: reply(q, [record(packed(e) + b"\6\1", 11)]))
add("an apl record", "dns/types", lambda q, e, g: reply(q, [record(b"\0\1\x20\4" + packed(e), 42)]))
add("an a6 record", "dns/types", lambda q, e, g: reply(q, [record(b"\0" + packed(e), 38)]), V6)
both("text instead", "dns/types", lambda q, e, g: reply(q, [record(bytes([len(packed(e))]) + packed(e), 16)]))
both("https instead", "dns/https", lambda q, e, g: reply(q, [record(b"\0\1\0\0" + (b"\4" if len(packed(e)) == 4 else b"\6") + b"\0" + bytes([len(packed(e))]) + packed(e), 65)]))
both("an https hint beside an address", "dns/https", lambda q, e, g: reply(q, [address(g), record(b"\0\1\0\0\4\0" + bytes([len(packed(e))]) + packed(e), 65)]), public=True)
both("ttl zero", "dns/ttl", lambda q, e, g: reply(q, [address(g, ttl=0)]), taken="ttl=0", public=True)
both("ttl of all ones", "dns/ttl", lambda q, e, g: reply(q, [address(g, ttl=0xFFFFFFFF)]), taken="ttl=4294967295", public=True)
both("ttl of a week", "dns/ttl", lambda q, e, g: reply(q, [address(g, ttl=604800)]), taken="ttl=604800", public=True)
FORTY = {4: [f"93.184.216.{i}" for i in range(10, 50)], 16: [f"2606:2800:220::{i}" for i in range(10, 50)]}
both("forty addresses", "dns/parser", lambda q, e, g: reply(q, [address(a) for a in FORTY[len(packed(g))]]), taken=None, public=True)
both("private behind forty public", "dns/addresses", lambda q, e, g: reply(q, [address(a) for a in FORTY[len(packed(g))] + [e]]), public=True)

# ---- headers and questions ---------------------------------------------------------------------------------
for word, flags in (("a question", 0x0100), ("opcode status", 0x9180), ("opcode update", 0xA980), ("servfail", 0x8182), ("nxdomain", 0x8183),
                    ("refused", 0x8185), ("not implemented", 0x8184), ("rcode 15", 0x818F)):
    both(f"an answer marked {word}", "dns/parser", lambda q, e, g, f=flags: reply(q, [address(e)], flags=f))
    both(f"a public answer marked {word}", "dns/parser", lambda q, e, g, f=flags: reply(q, [address(g)], flags=f), taken=WHOLE)
both("another id", "dns/answerer", lambda q, e, g: reply(q, [address(e)], id=other_id(q)))
both("sixteen other ids", "dns/answerer", lambda q, e, g: [reply(q, [address(e)], id=other_id(q, i)) for i in range(1, 17)])
both("another id, then the right one", "dns/answerer", lambda q, e, g: [reply(q, [address(e)], id=other_id(q)), reply(q, [address(g)])], public=True)
both("a second answer behind the first", "dns/answerer", lambda q, e, g: [reply(q, [address(g)]), reply(q, [address(e)])], public=True)
both("from another address", "dns/answerer", lambda q, e, g: [(reply(q, [address(e)]), ("93.184.216.12", 53))] if q.transport == "udp" else None)
both("from another port", "dns/answerer", lambda q, e, g: [(reply(q, [address(e)]), ("9.9.9.53", 5300))] if q.transport == "udp" else None)
both("from another address, then the right one", "dns/answerer",
     lambda q, e, g: [(reply(q, [address(e)]), ("93.184.216.12", 53)), reply(q, [address(g)])], public=True)
both("another question", "dns/answerer", lambda q, e, g: reply(q, [address(e)], question=wire("www.example.org") + q.question[-4:]))
both("another case", "dns/answerer", lambda q, e, g: reply(q, [address(e)], question=q.question.swapcase()))
both("another type in the question", "dns/answerer", lambda q, e, g: reply(q, [address(e)], question=q.name + (b"\0\1" if ":" in e else b"\0\x1c") + b"\0\1"))
both("another class in the question", "dns/answerer", lambda q, e, g: reply(q, [address(e)], question=q.question[:-1] + b"\3"))
both("no question", "dns/answerer dns/parser", lambda q, e, g: reply(q, [address(e, owner=q.name)], questions=0, question=b""))
both("two questions", "dns/parser", lambda q, e, g: reply(q, [address(e)], questions=2, question=q.question + q.question))
both("more answers announced", "dns/parser", lambda q, e, g: reply(q, [address(e)], answers=2))
both("65535 answers announced", "dns/parser", lambda q, e, g: reply(q, [address(e)], answers=65535))
both("more authorities announced", "dns/parser", lambda q, e, g: reply(q, [address(e)], authority=1))
both("one byte too many", "dns/parser", lambda q, e, g: reply(q, [address(e)]) + b"\0")
both("a second message behind the first", "dns/parser", lambda q, e, g: reply(q, [address(e)]) * 2)
for cut in (1, 2, 3, 4, 5, 8, 13, 14):
    for family in (V4, V6):
        data = packed(family[1])
        rest = data[: max(len(data) - cut, 0)].ljust(len(data), b"\0")
        # Of what is missing nothing can be taken when the length is gone, too.
        add(f"{cut} bytes missing, {family[0]}", "dns/parser", lambda q, e, g, n=cut: reply(q, [address(e)])[:-n], family,
            taken=unpacked(rest) if cut <= len(data) else WHOLE)
both("only a header", "dns/parser", lambda q, e, g: reply(q, [address(e)])[:12], taken=WHOLE)
both("half a header", "dns/parser", lambda q, e, g: reply(q, [address(e)])[:7], taken=WHOLE)
both("nothing at all", "dns/parser", lambda q, e, g: b"", taken=WHOLE)


# ---- names ----------------------------------------------------------------------------------------------------
def behind(q, distance=0):
    """A pointer to where the answers begin, or to what stands that far behind it."""
    return struct.pack("!H", 0xC000 | 12 + len(q.question) + distance)


both("an owner that points at itself", "dns/parser", lambda q, e, g: reply(q, [address(e, owner=behind(q))]))
both("an owner that points ahead", "dns/parser", lambda q, e, g: reply(q, [address(e, owner=b"\xc3\xff")]))
both("an owner that points into the header", "dns/parser", lambda q, e, g: reply(q, [address(e, owner=b"\xc0\x04")]))
both("two owners that point at each other", "dns/parser", lambda q, e, g: reply(q, [
    address(e, owner=b"\1a" + behind(q, 14 + len(packed(e)))), address(e, owner=b"\1b" + behind(q))]))
both("a label of 64 bytes", "dns/parser", lambda q, e, g: reply(q, [address(e, owner=b"\x40" + b"a" * 64 + b"\0")]))
both("a label of type 80", "dns/parser", lambda q, e, g: reply(q, [address(e, owner=b"\x80a\0")]))
both("a name of 300 bytes", "dns/parser", lambda q, e, g: reply(q, [address(e, owner=b"\1a" * 150 + b"\0")]))
both("a name without an end", "dns/parser", lambda q, e, g: reply(q, [])[:6] + b"\0\1\0\0\0\0" + q.question + b"\3www", taken=WHOLE)
both("a dot inside a label", "dns/parser", lambda q, e, g: reply(q, [address(e, owner=bytes([len(q.name) - 2]) + q.name[1:-1].replace(b"\6", b".") + b"\0")]))
both("a NUL inside a label", "dns/parser", lambda q, e, g: reply(q, [address(e, owner=b"\3a\0b" + q.name)]))


# ---- transport ---------------------------------------------------------------------------------------------------
def over_tcp(then):
    """Truncated over UDP; `then` over TCP."""
    return lambda q, e, g: reply(q, [], flags=0x8380) if q.transport == "udp" else then(q, e, g)


both("truncated, private over tcp", "dns/tcp", over_tcp(lambda q, e, g: reply(q, [address(e)])))
both("truncated, public over tcp", "dns/tcp", over_tcp(lambda q, e, g: reply(q, [address(g)])), taken=None, public=True)
both("truncated with an address in it", "dns/tcp", lambda q, e, g: reply(q, [address(e)], flags=0x8380) if q.transport == "udp" else None)
both("truncated over tcp too", "dns/tcp", lambda q, e, g: reply(q, [address(e)], flags=0x8380))
both("truncated, another id over tcp", "dns/tcp", over_tcp(lambda q, e, g: reply(q, [address(e)], id=other_id(q))))
both("truncated, another question over tcp", "dns/tcp", over_tcp(lambda q, e, g: reply(q, [address(e)], question=wire("www.example.org") + q.question[-4:])))
both("truncated, two answers over tcp", "dns/tcp", over_tcp(lambda q, e, g: [reply(q, [address(e)]), reply(q, [address(e)])]))
both("truncated, 60000 bytes over tcp", "dns/tcp", over_tcp(lambda q, e, g: reply(q, [record(bytes(60000), 16), address(e)])))
both("thirty guesses, then public over tcp", "dns/answerer dns/tcp", lambda q, e, g: [reply(q, [address(e)], id=other_id(q, i)) for i in range(1, 31)]
     if q.transport == "udp" else reply(q, [address(g)]), public=True)


# ---- edns -----------------------------------------------------------------------------------------------------------
def opt(data=b"", length=None, cls=4096, ttl=0):
    return record(data, 41, owner=b"\0", cls=cls, length=length, ttl=ttl)


both("an opt record", "dns/edns", lambda q, e, g: reply(q, [address(g), opt()], answers=1, additional=1), taken=None, public=True)
both("an opt record that does not fit", "dns/edns", lambda q, e, g: reply(q, [address(e), opt(b"abc", 9)], answers=1, additional=1))
both("an opt record with an address in it", "dns/edns", lambda q, e, g: reply(q, [opt(b"\0\x08\0\x14" + packed(e))], answers=0, additional=1))
both("an address behind the opt record", "dns/edns", lambda q, e, g: reply(q, [opt(), address(e)], answers=0, additional=2))
both("an opt record among the answers", "dns/edns", lambda q, e, g: reply(q, [opt(), address(e)]))
both("an extended rcode", "dns/edns", lambda q, e, g: reply(q, [address(e), opt(ttl=0x01000000)], answers=1, additional=1))


def answer(data, transport):
    query = Query(data, transport)
    return CASES[query.number].messages(query)


if __name__ == "__main__":
    for i, one in enumerate(CASES):
        print(i, one.name, "[SR25]", *(f"[{row}]" for row in one.rows.split()))
