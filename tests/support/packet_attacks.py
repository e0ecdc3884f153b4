"""Frames that a hostile root inside the agent's network namespace might send.

    packet_attacks.py list                  one name per line, with its number
    packet_attacks.py send LINK MAC         sends all of them on LINK to the neighbour MAC
    packet_attacks.py watch SECONDS FILE    in the world: writes the numbers of those that arrive

Each frame carries its number as the destination port 20000 + number or as the text ATKnnnnn.
"""

import re
import socket
import struct
import sys
import time

AGENT4, AGENT6 = "10.77.0.2", "fd77:fc::2"
HOST4, HOST6 = "93.184.216.10", "2606:2800:220::10"
ATTACKS = []  # (name, function(number) -> list of Ethernet frames without addresses, or whole)


def attack(name, build):
    ATTACKS.append((name, build))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


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


def v6(protocol, payload, source=AGENT6, target=HOST6, hops=64):
    return (b"\x86\xdd" + struct.pack("!IHBB", 0x60000000, len(payload), protocol, hops)
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


# ---- what the kernel's rules and the daemon meet ------------------------------------------------

for word, protocol in (("igmp", 2), ("ipip", 4), ("egp", 8), ("ipv6 in ipv4", 41), ("rsvp", 46), ("gre", 47),
                       ("esp", 50), ("ah", 51), ("eigrp", 88), ("ospf", 89), ("pim", 103), ("vrrp", 112),
                       ("l2tp", 115), ("sctp", 132), ("udplite", 136), ("dccp", 33), ("hop-by-hop as v4", 0),
                       ("experiment", 253), ("reserved", 255)):
    attack(f"protocol {word}", lambda n, p=protocol: [v4(p, mark(n) + bytes(24))])
for word, protocol in (("sctp", 132), ("gre", 47), ("esp", 50), ("udplite", 136), ("ipip6", 41), ("no next header", 59),
                       ("etherip", 97)):
    attack(f"v6 protocol {word}", lambda n, p=protocol: [v6(p, mark(n) + bytes(24))])
for word, kind in (("echo", 8), ("echo reply", 0), ("timestamp", 13), ("address mask", 17), ("redirect", 5),
                   ("unreachable", 3), ("router advertisement", 9), ("time exceeded", 11)):
    attack(f"icmp {word}", lambda n, k=kind: [v4(1, icmp4(k, 0, bytes(4) + mark(n)))])
for word, kind in (("echo", 128), ("echo reply", 129), ("node information", 139), ("packet too big", 2),
                   ("unreachable", 1)):
    attack(f"icmp6 {word}", lambda n, k=kind: [v6(58, icmp6(k, 0, bytes(4) + mark(n)))])

for word, kind in (("hop-by-hop", 0), ("destination options", 60), ("routing 0", 43), ("mobility", 135), ("hip", 139),
                   ("shim6", 140)):
    def extension(n, k=kind):
        head = bytes([17, 0]) + (b"\0" * 6 if k == 43 else b"\1\4\0\0\0\0")
        return [v6(k, head + udp(n, mark(n), AGENT6, HOST6))]
    attack(f"extension header {word}", extension)
attack("extension header routing 2", lambda n: [v6(43, bytes([17, 2, 2, 0]) + bytes(4)
       + socket.inet_pton(socket.AF_INET6, HOST6) + udp(n, mark(n), AGENT6, HOST6))])
attack("two extension headers", lambda n: [v6(0, bytes([60, 0]) + b"\1\4\0\0\0\0" + bytes([6, 0]) + b"\1\4\0\0\0\0"
       + tcp(n, 2, AGENT6, HOST6))])

for word, options in (("loose source route", bytes([131, 7, 4]) + socket.inet_aton(HOST4) + b"\0"),
                      ("strict source route", bytes([137, 7, 4]) + socket.inet_aton(HOST4) + b"\0"),
                      ("record route", bytes([7, 7, 4, 0, 0, 0, 0, 0])), ("timestamp", bytes([68, 8, 5, 0, 0, 0, 0, 0])),
                      ("router alert", bytes([148, 4, 0, 0])), ("security", bytes([130, 4, 0, 0])),
                      ("padding only", b"\1\1\1\0")):
    attack(f"ip option {word}", lambda n, o=options: [v4(17, udp(n, mark(n)), options=o)])

for source in ("10.77.0.3", "10.77.0.1", HOST4, "9.9.9.53", "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1",
               "10.78.0.1", "192.168.1.5"):
    attack(f"source {source}", lambda n, s=source: [v4(17, udp(n, mark(n), s), s)])
for source in ("fd77:fc::3", HOST6, "fe80::1", "::1", "::", "ff02::1"):
    attack(f"source {source}", lambda n, s=source: [v6(17, udp(n, mark(n), s, HOST6), s)])

for word, flags in (("none", 0), ("fin", 1), ("rst", 4), ("ack", 16), ("syn fin", 3), ("syn rst", 6), ("syn ack", 18),
                    ("fin ack", 17), ("all", 63), ("christmas", 41), ("syn urg", 34), ("ece cwr", 192)):
    attack(f"tcp flags {word}", lambda n, f=flags: [v4(6, tcp(n, f))])
    attack(f"tcp6 flags {word}", lambda n, f=flags: [v6(6, tcp(n, f, AGENT6, HOST6))])
for word, options in (("fast open", bytes([34, 2, 1, 1])), ("fast open cookie", bytes([34, 10]) + b"cookie12" + b"\1\1"),
                      ("multipath", bytes([30, 12, 0, 0]) + bytes(8)), ("md5", bytes([19, 18]) + bytes(18)),
                      ("authentication", bytes([29, 4, 0, 0])), ("experiment", bytes([254, 4, 0xF9, 0x89])),
                      ("unknown", bytes([200, 4, 0, 0])), ("length zero", bytes([8, 0, 0, 0])),
                      ("beyond the header", bytes([8, 40, 0, 0]))):
    attack(f"tcp option {word}", lambda n, o=options: [v4(6, tcp(n, 2, options=o))])
attack("syn with data", lambda n: [v4(6, tcp(n, 2, data=mark(n)))])
attack("syn with data to an allowed port", lambda n: [v4(6, tcp(n, 2, data=mark(n), port=80))])
attack("fast open data to an allowed port", lambda n: [v4(6, tcp(n, 2, options=bytes([34, 2, 1, 1]), data=mark(n), port=80))])
attack("urgent data", lambda n: [v4(6, tcp(n, 0x30, data=mark(n), urgent=1))])
attack("bad checksum", lambda n: [v4(6, tcp(n, 2, bad=0x1234))])
attack("tcp port zero", lambda n: [v4(6, tcp(n, 2, data=mark(n), port=0 or 1))])

attack("fragments", lambda n: (lambda d: [v4(17, d[:24], fragment=0x2000, ident=n), v4(17, d[24:], fragment=3, ident=n)])(udp(n, mark(n) * 8)))
attack("a tiny first fragment", lambda n: (lambda d: [v4(6, d[:8], fragment=0x2000, ident=n), v4(6, d[8:], fragment=1, ident=n)])(tcp(n, 2, data=mark(n) * 4)))
attack("overlapping fragments", lambda n: (lambda d: [v4(17, d[:24], fragment=0x2000, ident=n), v4(17, d[16:], fragment=2, ident=n), v4(17, d[24:], fragment=3, ident=n)])(udp(n, mark(n) * 8)))
attack("a lone later fragment", lambda n: [v4(17, mark(n) * 4, fragment=100, ident=n)])
attack("v6 fragments", lambda n: (lambda d: [v6(44, struct.pack("!BBHI", 17, 0, 1, n) + d[:24]), v6(44, struct.pack("!BBHI", 17, 0, 24, n) + d[24:])])(udp(n, mark(n) * 8, AGENT6, HOST6)))
attack("v6 atomic fragment", lambda n: [v6(44, struct.pack("!BBHI", 17, 0, 0, n) + udp(n, mark(n), AGENT6, HOST6))])
attack("overlapping v6 fragments", lambda n: (lambda d: [v6(44, struct.pack("!BBHI", 17, 0, 1, n) + d[:24]), v6(44, struct.pack("!BBHI", 17, 0, 16, n) + d[16:])])(udp(n, mark(n) * 8, AGENT6, HOST6)))

for port, word in ((53, "dns with no question"), (123, "ntp"), (137, "netbios"), (138, "netbios datagram"), (443, "quic"),
                   (500, "ike"), (853, "dns over quic"), (1194, "openvpn"), (1900, "ssdp"), (3478, "stun"), (4500, "nat traversal"),
                   (5353, "mdns"), (5355, "llmnr"), (51820, "wireguard")):
    attack(f"udp {word}", lambda n, p=port: [v4(17, udp(n, mark(n), port=p))])
    attack(f"udp6 {word}", lambda n, p=port: [v6(17, udp(n, mark(n), AGENT6, HOST6, port=p))])
for target in ("169.254.169.254", "10.0.0.1", "192.168.1.1", "100.100.100.200", "168.63.129.16", "224.0.0.251", "239.255.255.250",
               "255.255.255.255", "10.78.0.1", "198.18.0.1"):
    attack(f"udp to {target}", lambda n, t=target: [v4(17, udp(n, mark(n), AGENT4, t), target=t)])
for target in ("fd00:ec2::254", "fe80::a9fe:a9fe", "ff02::fb", "ff0e::1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe",
               "2002:a9fe:a9fe::1", "2001:db8::1", "fec0::1", "4000::1"):
    attack(f"udp to {target}", lambda n, t=target: [v6(17, udp(n, mark(n), AGENT6, t), target=t)])
attack("a udp length that is too short", lambda n: [v4(17, (lambda d: d[:4] + b"\0\x0c\0\0" + d[8:])(udp(n, mark(n) * 2)))])
attack("a total length that is too short", lambda n: [(lambda p: p[:4] + b"\0\x20" + p[6:])(v4(17, udp(n, mark(n) * 4)))])
attack("ttl 255", lambda n: [v4(17, udp(n, mark(n)), ttl=255)])
attack("tos ff", lambda n: [v4(17, udp(n, mark(n)), tos=255)])

# ---- frames: whole, with their addresses -----------------------------------------------------------
attack("vlan", lambda n: [b"\x81\x00\x00\x05" + v4(17, udp(n, mark(n)))])
attack("priority tag", lambda n: [b"\x81\x00\xe0\x00" + v4(17, udp(n, mark(n)))])
attack("priority tag v6", lambda n: [b"\x81\x00\xe0\x00" + v6(17, udp(n, mark(n), AGENT6, HOST6))])
attack("double vlan", lambda n: [b"\x88\xa8\x00\x05\x81\x00\x00\x06" + v4(17, udp(n, mark(n)))])
attack("mpls", lambda n: [b"\x88\x47" + struct.pack("!I", 0x00010140) + v4(17, udp(n, mark(n)))[2:]])
attack("pppoe", lambda n: [b"\x88\x64\x11\x00\x00\x01\x00\x30\x00\x21" + v4(17, udp(n, mark(n)))[2:]])
attack("lldp", lambda n: [b"\x88\xcc" + mark(n)])
attack("802.1x", lambda n: [b"\x88\x8e" + mark(n)])
attack("unknown ether type", lambda n: [b"\x12\x34" + mark(n)])
attack("broadcast frame", lambda n: [b"!" + b"\xff" * 6 + v4(17, udp(n, mark(n)))])
attack("multicast frame", lambda n: [b"!" + b"\x01\x00\x5e\x00\x00\x01" + v4(17, udp(n, mark(n)))])


def send(link, mac):
    own = open(f"/sys/class/net/{link}/address").read().strip()
    own, peer = (bytes.fromhex(m.replace(":", "")) for m in (own, mac))
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((link, 0))
    for number, (name, build) in enumerate(ATTACKS):
        for frame in build(number):
            target = peer
            if frame[:1] == b"!":
                target, frame = frame[1:7], frame[7:]
            s.send(target + own + frame)
        time.sleep(0.002)


def watch(seconds, path):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    s.settimeout(0.2)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    end, arrived = time.monotonic() + float(seconds), set()
    open(path + ".ready", "w").close()
    while time.monotonic() < end:
        try:
            data, address = s.recvfrom(65535)
        except socket.timeout:
            continue
        if address[2] == 4:  # PACKET_OUTGOING: the world's own
            continue
        found = re.search(rb"ATK(\d{5})", data)
        if found:
            arrived.add(int(found[1]))
        for protocol_at, ports_at in ((9, 20), (6, 40)):
            if (data[0] >> 4 == (4 if ports_at == 20 else 6)) and len(data) > ports_at + 4 and data[protocol_at] in (6, 17):
                port = struct.unpack_from("!H", data, ports_at + 2)[0]
                if 20000 <= port < 20000 + len(ATTACKS):
                    arrived.add(port - 20000)
    with open(path, "w") as out:
        for number in sorted(arrived):
            print(number, ATTACKS[number][0], file=out)


if sys.argv[1] == "list":
    for i, (what, _) in enumerate(ATTACKS):
        print(i, what)
elif sys.argv[1] == "send":
    send(*sys.argv[2:4])
else:
    watch(*sys.argv[2:4])
