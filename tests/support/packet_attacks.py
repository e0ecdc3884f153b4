"""Frames that a hostile root inside the agent's network namespace might send.

    packet_attacks.py list                  one name per line, with its number and the rows it stands for
    packet_attacks.py send LINK MAC         sends all of them on LINK to the neighbour MAC
    packet_attacks.py watch FILE            at the far side: writes "NUMBER far" for each that arrives, until
                                            FILE.sent exists and nothing has come for a second
    packet_attacks.py watch FILE LINK       at the router, whose link to the agent is LINK: "NUMBER link"
                                            for a frame that a driver or daemon there would be given, "NUMBER
                                            host" for a packet that the router itself would be given
    packet_attacks.py compare PLAIN GUARDED       of such files: fails, with names, when one did not arrive where
                                            it should without the guard, or when one did through it

Each frame carries its number as the destination port 20000 + number or as the text ATKnnnnn. Rows:
tests/support/guard_rows.txt.
"""

import os
import re
import select
import socket
import struct
import sys
import time

from internet_checksum import checksum

AGENT4, AGENT6 = "10.77.0.2", "fd77:fc::2"
ROUTER4, ROUTER6 = "10.77.0.1", "fd77:fc::1"
HOST4, HOST6 = "93.184.216.10", "2606:2800:220::10"
GROUPS4, GROUPS6 = ("224.0.0.251", "239.255.255.250"), ("ff02::fb", "ff0e::1")
ATTACKS = []  # (name, rows, where it arrives without the guard, function(number) -> list of frames)
# To port 53 of whomever: that ends at the guard's resolver, which answers what is no question with an error.
FOR_THE_RESOLVER = ("udp dns with no question", "v6 udp dns with no question")
APART = {}  # name: why no router lets it on, guard or not; sent all the same, not counted


def attack(name, rows, build, at="far"):
    ATTACKS.append((name, rows, at, build))


def apart(name, why, build):
    APART[name] = why
    ATTACKS.append((name, "", "apart", build))


def pseudo(source, target, protocol, length):
    if ":" in source:
        return (socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
                + struct.pack("!IHBB", length, 0, 0, protocol))
    return socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!BBH", 0, protocol, length)


def v4(protocol, payload, source=AGENT4, target=HOST4, ttl=64, options=b"", fragment=0, ident=1, tos=0):
    head_length = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | head_length, tos, head_length * 4 + len(payload), ident, fragment,
                       ttl, protocol, 0) + socket.inet_aton(source) + socket.inet_aton(target) + options
    return b"\x08\x00" + head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def v6(protocol, payload, source=AGENT6, target=HOST6, hops=64, first=0x60000000):
    return (b"\x86\xdd" + struct.pack("!IHBB", first, len(payload), protocol, hops)
            + socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target) + payload)


def tcp(number, flags=2, source=AGENT4, target=HOST4, options=b"", data=b"", seq=1000, bad=0, urgent=0, port=None):
    words = 5 + len(options) // 4
    segment = struct.pack("!HHIIBBHHH", 40000 + number % 20000, port or 20000 + number, seq, 0, words << 4, flags,
                          65535, 0, urgent) + options + data
    check = checksum(pseudo(source, target, 6, len(segment)) + segment) ^ bad
    return segment[:16] + struct.pack("!H", check) + segment[18:]


def udp(number, data, source=AGENT4, target=HOST4, port=None):
    length = 8 + len(data)
    head = struct.pack("!HHHH", 40000 + number % 20000, port or 20000 + number, length, 0)
    check = checksum(pseudo(source, target, 17, length) + head + data) or 0xFFFF
    return head[:6] + struct.pack("!H", check) + data


def mark(number):
    return b"ATK%05d" % number


def icmp6(kind, code, body, source=AGENT6, target=HOST6):
    message = struct.pack("!BBH", kind, code, 0) + body
    return message[:2] + struct.pack("!H", checksum(pseudo(source, target, 58, len(message)) + message)) + message[4:]


def icmp4(kind, code, body):
    message = struct.pack("!BBH", kind, code, 0) + body
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def both(name, rows, build, at="far"):
    """The same over IPv4 and over IPv6: build(number, packet, source, target)."""
    attack(name, rows, lambda n: build(n, v4, AGENT4, HOST4), at)
    attack(f"v6 {name}", rows, lambda n: build(n, v6, AGENT6, HOST6), at)


# ---- protocols ------------------------------------------------------------------------------------

for word, protocol in (("igmp", 2), ("ipip", 4), ("egp", 8), ("ipv6 inside", 41), ("rsvp", 46), ("gre", 47), ("esp", 50),
                       ("ah", 51), ("etherip", 97), ("eigrp", 88), ("ospf", 89), ("pim", 103), ("vrrp", 112), ("l2tp", 115),
                       ("sctp", 132), ("udplite", 136), ("dccp", 33), ("experiment", 253), ("reserved", 255)):
    both(f"protocol {word}", "odd/protocols", lambda n, p, s, t, k=protocol: [p(k, mark(n) + bytes(24), s, t)])
attack("protocol hop-by-hop as v4", "odd/protocols", lambda n: [v4(0, mark(n) + bytes(24))])
attack("v6 protocol no next header", "odd/protocols odd/extension", lambda n: [v6(59, mark(n) + bytes(24))])
for word, kind in (("echo", 8), ("echo reply", 0), ("timestamp", 13), ("address mask", 17), ("redirect", 5),
                   ("unreachable", 3), ("router advertisement", 9), ("time exceeded", 11)):
    attack(f"icmp {word}", "odd/icmp-out", lambda n, k=kind: [v4(1, icmp4(k, 0, bytes(4) + mark(n)))])
for word, kind in (("echo", 128), ("echo reply", 129), ("node information", 139), ("packet too big", 2),
                   ("unreachable", 1), ("time exceeded", 3), ("parameter problem", 4), ("router advertisement", 134),
                   ("redirect", 137)):
    attack(f"icmp6 {word}", "odd/icmp-out", lambda n, k=kind: [v6(58, icmp6(k, 0, bytes(4) + mark(n)))])

# ---- headers --------------------------------------------------------------------------------------

for word, kind in (("hop-by-hop", 0), ("destination options", 60), ("routing 0", 43), ("mobility", 135), ("hip", 139),
                   ("shim6", 140), ("authentication", 51)):
    def extension(n, k=kind):
        head = bytes([17, 0]) + (b"\0" * 6 if k == 43 else b"\1\4\0\0\0\0")
        return [v6(k, head + udp(n, mark(n), AGENT6, HOST6))]
    attack(f"extension header {word}", "odd/extension", extension)
attack("extension header routing 2", "odd/extension", lambda n: [v6(43, bytes([17, 2, 2, 0]) + bytes(4)
       + socket.inet_pton(socket.AF_INET6, HOST6) + udp(n, mark(n), AGENT6, HOST6))])
attack("two extension headers", "odd/extension", lambda n: [v6(0, bytes([60, 0]) + b"\1\4\0\0\0\0" + bytes([6, 0])
       + b"\1\4\0\0\0\0" + tcp(n, 2, AGENT6, HOST6, data=mark(n)))])

for word, options in (("loose source route", bytes([131, 7, 4]) + socket.inet_aton(HOST4) + b"\0"),
                      ("record route", bytes([7, 7, 4, 0, 0, 0, 0, 0])), ("timestamp", bytes([68, 8, 5, 0, 0, 0, 0, 0])),
                      ("router alert", bytes([148, 4, 0, 0])), ("security", bytes([130, 4, 0, 0])),
                      ("padding only", b"\1\1\1\0")):
    attack(f"ip option {word}", "odd/options4", lambda n, o=options: [v4(17, udp(n, mark(n)), options=o)])

for word, kind in (("loose", 131), ("strict", 137)):
    attack(f"ip option {word} source route by the router", "odd/options4", lambda n, k=kind: [
        v4(17, udp(n, mark(n)), target=ROUTER4, options=bytes([k, 7, 4]) + socket.inet_aton(HOST4) + b"\0")])

for source in ("10.77.0.3", ROUTER4, HOST4, "9.9.9.53", "127.0.0.1", "10.78.0.1", "192.168.1.5"):
    attack(f"source {source}", "SR23 odd/source", lambda n, s=source: [v4(17, udp(n, mark(n), s), s)])
for source in ("fd77:fc::3", ROUTER6, HOST6, "2001:db8::5"):
    attack(f"source {source}", "SR23 odd/source", lambda n, s=source: [v6(17, udp(n, mark(n), s, HOST6), s)])
for source in ("10.77.0.3", "127.0.0.1"):
    attack(f"source {source} to the router", "SR23 odd/source",
           lambda n, s=source: [v4(17, udp(n, mark(n), s, ROUTER4), s, ROUTER4)], "host")
for source in ("fe80::1", "fd77:fc::3"):
    attack(f"source {source} to the router", "SR23 odd/source",
           lambda n, s=source: [v6(17, udp(n, mark(n), s, ROUTER6), s, ROUTER6)], "host")
attack("source 0.0.0.0, who wants an address", "SR23 odd/source odd/multicast",
       lambda n: [v4(17, udp(n, mark(n), "0.0.0.0", "255.255.255.255", port=67), "0.0.0.0", "255.255.255.255")], "host")
for source in ("0.0.0.0", "255.255.255.255", "224.0.0.1"):
    apart(f"source {source}", "no kernel routes what comes from there", lambda n, s=source: [v4(17, udp(n, mark(n), s), s)])
for source in ("fe80::1", "::1", "::", "ff02::1"):
    apart(f"source {source}", "no kernel routes what comes from there", lambda n, s=source: [v6(17, udp(n, mark(n), s, HOST6), s)])

# ---- TCP ------------------------------------------------------------------------------------------

for word, flags in (("none", 0), ("fin", 1), ("rst", 4), ("ack", 16), ("syn fin", 3), ("syn rst", 6), ("syn ack", 18),
                    ("fin ack", 17), ("all", 63), ("christmas", 41), ("syn urg", 34), ("ece cwr", 192)):
    both(f"tcp flags {word}", "odd/flags", lambda n, p, s, t, f=flags: [p(6, tcp(n, f, s, t), s, t)])
for word, row, options in (("fast open", "odd/fastopen", bytes([34, 2, 1, 1])),
                           ("fast open cookie", "odd/fastopen", bytes([34, 10]) + b"cookie12" + b"\1\1"),
                           ("multipath", "odd/mptcp", bytes([30, 12, 0, 0]) + bytes(8)),
                           ("multipath join", "odd/mptcp", bytes([30, 12, 0x10, 1]) + bytes(8)),
                           ("md5", "SR22", bytes([19, 18]) + bytes(18)), ("authentication", "SR22", bytes([29, 4, 0, 0])),
                           ("experiment", "SR22", bytes([254, 4, 0xF9, 0x89])), ("unknown", "SR22", bytes([200, 4, 0, 0])),
                           ("length zero", "SR22", bytes([8, 0, 0, 0])), ("beyond the header", "SR22", bytes([8, 40, 0, 0]))):
    both(f"tcp option {word}", row, lambda n, p, s, t, o=options: [p(6, tcp(n, 2, s, t, options=o), s, t)])
both("syn with data", "odd/fastopen", lambda n, p, s, t: [p(6, tcp(n, 2, s, t, data=mark(n)), s, t)])
both("syn with data to an allowed port", "odd/fastopen pitfall/first-payload",
     lambda n, p, s, t: [p(6, tcp(n, 2, s, t, data=mark(n), port=80), s, t)])
both("fast open data to an allowed port", "odd/fastopen",
     lambda n, p, s, t: [p(6, tcp(n, 2, s, t, options=bytes([34, 2, 1, 1]), data=mark(n), port=80), s, t)])
both("data without a connection to an allowed port", "odd/flags pitfall/trust-forever",
     lambda n, p, s, t: [p(6, tcp(n, 24, s, t, data=mark(n), port=80), s, t)])
both("urgent data", "SR22", lambda n, p, s, t: [p(6, tcp(n, 0x30, s, t, data=mark(n), urgent=1), s, t)])
both("bad checksum", "SR22", lambda n, p, s, t: [p(6, tcp(n, 2, s, t, bad=0x1234), s, t)])
both("tcp port zero", "odd/flags", lambda n, p, s, t: [p(6, (lambda d: d[:2] + b"\0\0" + d[4:])(tcp(n, 2, s, t, data=mark(n))), s, t)])

# ---- fragments ------------------------------------------------------------------------------------


def pieces4(protocol, cuts):
    return lambda n, d: [v4(protocol, d[a:b], fragment=(0x2000 if more else 0) | a // 8, ident=n) for a, b, more in cuts(len(d))]


def pieces6(protocol, cuts):
    return lambda n, d: [v6(44, struct.pack("!BBHI", protocol, 0, a | more, n) + d[a:b]) for a, b, more in cuts(len(d))]


FRAGMENTS = (("fragments", 17, lambda size: ((0, 24, 1), (24, size, 0))),
             ("a tiny first fragment", 6, lambda size: ((0, 8, 1), (8, size, 0))),
             ("overlapping fragments", 17, lambda size: ((0, 24, 1), (16, size, 0))),
             ("fragments in disorder", 17, lambda size: ((24, size, 0), (0, 24, 1))),
             ("a fragment twice", 17, lambda size: ((0, 24, 1), (0, 24, 1), (24, size, 0))))
for word, protocol, cuts in FRAGMENTS:
    def datagram(n, source, target, k=protocol):
        return tcp(n, 2, source, target, data=mark(n) * 6) if k == 6 else udp(n, mark(n) * 8, source, target)
    attack(word, "odd/fragments4", lambda n, b=pieces4(protocol, cuts), d=datagram: b(n, d(n, AGENT4, HOST4)))
    attack(f"v6 {word}", "odd/fragments6", lambda n, b=pieces6(protocol, cuts), d=datagram: b(n, d(n, AGENT6, HOST6)))
attack("a lone later fragment", "odd/fragments4", lambda n: [v4(17, mark(n) * 4, fragment=100, ident=n)])
attack("v6 a lone later fragment", "odd/fragments6", lambda n: [v6(44, struct.pack("!BBHI", 17, 0, 800, n) + mark(n) * 4)])
attack("v6 atomic fragment", "odd/fragments6", lambda n: [v6(44, struct.pack("!BBHI", 17, 0, 0, n) + udp(n, mark(n), AGENT6, HOST6))])

# ---- UDP ------------------------------------------------------------------------------------------

for port, word, row in ((53, "dns with no question", "dns/parser"), (123, "ntp", "odd/udp"), (137, "netbios", "dns/local"),
                        (138, "netbios datagram", "dns/local"), (443, "quic", "hello/quic"), (500, "ike", "odd/udp"),
                        (853, "dns over quic", "dns/encrypted"), (784, "dns over quic, earlier", "dns/encrypted"),
                        (1194, "openvpn", "odd/udp"), (1900, "ssdp", "odd/multicast"), (3478, "stun", "odd/udp"),
                        (4500, "nat traversal", "odd/udp"), (5353, "mdns", "dns/local"), (5355, "llmnr", "dns/local"),
                        (51820, "wireguard", "odd/udp")):
    both(f"udp {word}", row, lambda n, p, s, t, k=port: [p(17, udp(n, mark(n), s, t, port=k), s, t)])
both("tcp dns over tls", "dns/encrypted", lambda n, p, s, t: [p(6, tcp(n, 2, s, t, data=mark(n), port=853), s, t)])
for target in ("169.254.169.254", "10.0.0.1", "192.168.1.1", "100.100.100.200", "168.63.129.16", "10.78.0.1", "198.18.0.1"):
    attack(f"udp to {target}", "SR24 odd/udp", lambda n, t=target: [v4(17, udp(n, mark(n), AGENT4, t), target=t)])
for target in ("fd00:ec2::254", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001:db8::1", "fec0::1", "4000::1"):
    attack(f"udp to {target}", "SR24 odd/udp", lambda n, t=target: [v6(17, udp(n, mark(n), AGENT6, t), target=t)])
for target in (*GROUPS4, "255.255.255.255", "10.77.0.3"):
    attack(f"udp to {target}", "odd/multicast", lambda n, t=target: [v4(17, udp(n, mark(n), AGENT4, t), target=t)], "host")
for target in GROUPS6:
    attack(f"udp to {target}", "odd/multicast", lambda n, t=target: [v6(17, udp(n, mark(n), AGENT6, t), target=t)], "host")
both("a udp length that is too short", "odd/udp", lambda n, p, s, t: [p(17, (lambda d: d[:4] + b"\0\x0c\0\0" + d[8:])(udp(n, mark(n) * 2, s, t)), s, t)])


def shorter(frame):
    """A total length that ends in the middle of what is sent."""
    if frame[:2] == b"\x86\xdd":
        return frame[:6] + b"\0\x12" + frame[8:]
    head = frame[2:4] + b"\0\x28" + frame[6:12] + b"\0\0" + frame[14:22]
    return frame[:2] + head[:10] + struct.pack("!H", checksum(head)) + head[12:] + frame[22:]


both("a total length that is too short", "odd/udp", lambda n, p, s, t: [shorter(p(17, udp(n, mark(n) * 4, s, t), s, t))])
attack("ttl 255", "odd/marks", lambda n: [v4(17, udp(n, mark(n)), ttl=255)])
attack("ttl 2", "SR22 odd/marks", lambda n: [v4(17, udp(n, mark(n)), ttl=2)])
attack("hop limit 255", "odd/marks", lambda n: [v6(17, udp(n, mark(n), AGENT6, HOST6), hops=255)])
attack("hop limit 2", "SR22 odd/marks", lambda n: [v6(17, udp(n, mark(n), AGENT6, HOST6), hops=2)])
attack("tos ff", "odd/marks", lambda n: [v4(17, udp(n, mark(n)), tos=255)])
attack("traffic class ff", "odd/marks", lambda n: [v6(17, udp(n, mark(n), AGENT6, HOST6), first=0x6FF00000)])
attack("a flow label", "odd/marks", lambda n: [v6(17, udp(n, mark(n), AGENT6, HOST6), first=0x600ABCDE)])

# ---- at the router itself -------------------------------------------------------------------------

for source, target, packet in ((AGENT4, ROUTER4, v4), (AGENT6, ROUTER6, v6)):
    word = "v6 " if packet is v6 else ""
    for port in (22, 67, 443, 5353, 53000):
        attack(f"{word}tcp {port} of the router", "SR23 odd/guard", lambda n, p=packet, s=source, t=target, k=port:
               [p(6, tcp(n, 2, s, t, data=mark(n), port=k), s, t)], "host")
        attack(f"{word}udp {port} of the router", "SR23 odd/guard", lambda n, p=packet, s=source, t=target, k=port:
               [p(17, udp(n, mark(n), s, t, port=k), s, t)], "host")
attack("icmp echo of the router", "odd/guard odd/icmp-out", lambda n: [v4(1, icmp4(8, 0, bytes(4) + mark(n)), target=ROUTER4)], "host")
attack("icmp redirect of the router", "SR23", lambda n: [v4(1, icmp4(5, 1, socket.inet_aton(AGENT4)
       + v4(17, udp(n, mark(n), ROUTER4, HOST4), ROUTER4)[2:]), target=ROUTER4)], "host")
for word, kind, hops in (("echo", 128, 64), ("router advertisement from afar", 134, 64), ("router advertisement", 134, 255),
                         ("redirect", 137, 255), ("packet too big", 2, 64), ("name query", 139, 64), ("inverse neighbour", 141, 255)):
    attack(f"icmp6 {word} to the router", "SR23 odd/guard", lambda n, k=kind, h=hops:
           [v6(58, icmp6(k, 0, bytes(4) + mark(n), AGENT6, ROUTER6), AGENT6, ROUTER6, h)], "host")

# ---- frames: whole, with their addresses -----------------------------------------------------------
for word, kind, datagram in (("", v4, lambda n: v4(17, udp(n, mark(n)))), (" v6", v6, lambda n: v6(17, udp(n, mark(n), AGENT6, HOST6)))):
    attack(f"vlan{word}", "SR23 odd/arp", lambda n, d=datagram: [b"\x81\x00\x00\x05" + d(n)], "link")
    attack(f"priority tag{word}", "SR23 odd/arp", lambda n, d=datagram: [b"\x81\x00\xe0\x00" + d(n)])
    attack(f"double vlan{word}", "SR23 odd/arp", lambda n, d=datagram: [b"\x88\xa8\x00\x05\x81\x00\x00\x06" + d(n)], "link")
    attack(f"mpls{word}", "SR23 odd/arp", lambda n, d=datagram: [b"\x88\x47" + struct.pack("!I", 0x00010140) + d(n)[2:]], "link")
    attack(f"pppoe{word}", "SR23 odd/arp", lambda n, d=datagram: [b"\x88\x64\x11\x00\x00\x01\x00\x30\x00\x21" + d(n)[2:]], "link")
attack("lldp", "SR23 odd/arp", lambda n: [b"\x88\xcc" + mark(n)], "link")
attack("802.1x", "SR23 odd/arp", lambda n: [b"\x88\x8e" + mark(n)], "link")
attack("unknown ether type", "SR23 odd/arp", lambda n: [b"\x12\x34" + mark(n)], "link")
for word, mac in (("broadcast", b"\xff" * 6), ("multicast", b"\x01\x00\x5e\x00\x00\x01")):
    attack(f"{word} frame to the router", "odd/multicast", lambda n, m=mac: [b"!" + m + v4(17, udp(n, mark(n), target=ROUTER4), target=ROUTER4)], "host")
    attack(f"{word} frame to the router, v6", "odd/multicast",
           lambda n, m=mac: [b"!" + m + v6(17, udp(n, mark(n), AGENT6, ROUTER6), target=ROUTER6)], "host")
    apart(f"{word} frame", "no kernel routes what was sent to all", lambda n, m=mac: [b"!" + m + v4(17, udp(n, mark(n)))])
    apart(f"{word} frame, v6", "no kernel routes what was sent to all",
          lambda n, m=mac: [b"!" + m + v6(17, udp(n, mark(n), AGENT6, HOST6))])


def send(link, mac):
    own = open(f"/sys/class/net/{link}/address").read().strip()
    own, peer = (bytes.fromhex(m.replace(":", "")) for m in (own, mac))
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((link, 0))
    for number, (_, _, _, build) in enumerate(ATTACKS):
        for frame in build(number):
            target = peer
            if frame[:1] == b"!":
                target, frame = frame[1:7], frame[7:]
            s.send(target + own + frame)
        time.sleep(0.002)


def numbers_in(packet):
    """Of an IP packet, or of a frame: what it says, and the port it goes to."""
    found = re.search(rb"ATK(\d{5})", packet)
    if found:
        yield int(found[1])
    for version, protocol_at, ports_at in ((4, 9, 20), (6, 6, 40)):
        if len(packet) > ports_at + 4 and packet[0] >> 4 == version and packet[protocol_at] in (6, 17):
            yield struct.unpack_from("!H", packet, ports_at + 2)[0] - 20000


class Ear:
    """A socket, and the word for what it hears."""

    def __init__(self, where, *how):
        self.where, self.socket = where, socket.socket(*how)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)

    def fileno(self):
        return self.socket.fileno()


def ears_of_router(link):
    ears, index = [], socket.if_nametoindex(link)
    # After the first look at a frame: who asks for one kind is given it later than who asks for all.
    for kind in (0x0800, 0x86DD, 0x8100, 0x88A8, 0x8847, 0x8864, 0x88CC, 0x888E, 0x1234):
        ears.append(Ear("link", socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind)))
        ears[-1].socket.bind((link, kind))
    for protocol in (socket.IPPROTO_UDP, socket.IPPROTO_TCP, socket.IPPROTO_ICMP):
        ears.append(Ear("host", socket.AF_INET, socket.SOCK_RAW, protocol))
        for group in GROUPS4 if protocol == socket.IPPROTO_UDP else ():
            ears[-1].socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                       socket.inet_aton(group) + bytes(4) + struct.pack("=I", index))
    for protocol in (socket.IPPROTO_UDP, socket.IPPROTO_TCP, socket.IPPROTO_ICMPV6):
        ears.append(Ear("host", socket.AF_INET6, socket.SOCK_RAW, protocol))
        for group in GROUPS6 if protocol == socket.IPPROTO_UDP else ():
            ears[-1].socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                                       socket.inet_pton(socket.AF_INET6, group) + struct.pack("=I", index))
    return ears


def watch(path, link=None):
    ears = ears_of_router(link) if link else [Ear("far", socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))]
    arrived, heard, sent = set(), time.monotonic(), False
    open(path + ".ready", "w").close()
    while not sent or time.monotonic() - heard < 1:
        if not sent and os.path.exists(path + ".sent"):
            heard, sent = time.monotonic(), True
        for ear in select.select(ears, [], [], 0.2)[0]:
            data, address = ear.socket.recvfrom(65535)
            if ear.where != "host" and address[2] == 4:  # PACKET_OUTGOING: its own
                continue
            numbers = {(number, ear.where) for number in numbers_in(data)}
            if not numbers <= arrived:
                arrived, heard = arrived | numbers, time.monotonic()
    with open(path, "w") as out:
        for number, where in sorted(arrived):
            # Who listens on the link for IP is given what goes through or to the router, too.
            if 0 <= number < len(ATTACKS) and (where != "link" or ATTACKS[number][2] == "link"):
                print(number, where, file=out)


def arrivals(path):
    return {(int(number), where) for number, where in (line.split() for line in open(path))}


def compare(plain, guarded):
    plain, guarded, bad = arrivals(plain), arrivals(guarded), 0
    for number, (name, _, where, _) in enumerate(ATTACKS):
        if where == "apart" and any(n == number for n, _ in plain):
            print(f"{name}: does arrive without the guard; count it")
            bad += 1
        if where != "apart" and (number, where) not in plain:
            print(f"{name}: does not arrive ({where}) without the guard")
            bad += 1
    for number, where in sorted(guarded):
        if where == "host" and ATTACKS[number][0] in FOR_THE_RESOLVER:
            continue
        print(f"{ATTACKS[number][0]}: arrives ({where}) through the guard")
        bad += 1
    counted = len(ATTACKS) - len(APART)
    print(f"{counted} attacks: each arrives without the guard, none through it" if bad == 0 else f"{bad} of {counted} wrong")
    for name, why in APART.items():
        print(f"not counted: {name}: {why}")
    return bad != 0 or counted < 100


if sys.argv[1] == "list":
    for i, (what, rows, _, _) in enumerate(ATTACKS):
        print(i, what, *(f"[{row}]" for row in rows.split()))
elif sys.argv[1] == "send":
    send(*sys.argv[2:4])
elif sys.argv[1] == "compare":
    sys.exit(compare(*sys.argv[2:4]))
else:
    watch(*sys.argv[2:5])
