"""What root inside the agent's network namespace may say about the link, to have the router take another for a
neighbour, a gateway or itself: router advertisements, redirects, neighbour messages, ARP (SR23)."""

import socket, struct
from internet_checksum import checksum
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("eth0", 0))
guard, own = bytes.fromhex("02fc00000001"), bytes.fromhex("02fc00000002")
def nd(kind, body, source="fe80::fc", target="ff02::1", hops=255):
    a, b = (socket.inet_pton(socket.AF_INET6, x) for x in (source, target))
    m = struct.pack("!BBH", kind, 0, 0) + body
    c = checksum(a + b + struct.pack("!II", len(m), 58) + m)
    m = m[:2] + struct.pack("!H", c) + m[4:]
    return guard + own + b"\x86\xdd" + struct.pack("!IHBB", 0x60000000, len(m), 58, hops) + a + b + m
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 3600, 3600, 0) + socket.inet_pton(socket.AF_INET6, "2001:470::")
for target in ("ff02::1", "fe80::fcff:fe00:1", "fd77:fc::1"):
    s.send(nd(134, struct.pack("!BBHII", 64, 0, 1800, 0, 0) + prefix, target=target))       # router advertisement
    s.send(nd(137, bytes(4) + socket.inet_pton(socket.AF_INET6, "fe80::fc") + socket.inet_pton(socket.AF_INET6, "2606:2800:220::10"), target=target))  # redirect
    s.send(nd(136, b"\x20\0\0\0" + socket.inet_pton(socket.AF_INET6, "fd77:fc::2") + b"\2\1" + b"\2\xaa\xaa\xaa\xaa\xaa", target=target))  # neighbour: another mac
def arp(op, sha, spa, tpa):
    return guard + own + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, op) + sha + socket.inet_aton(spa) + guard + socket.inet_aton(tpa)
for spa in ("10.77.0.2", "10.77.0.3", "10.78.0.1"):
    for op in (1, 2):
        s.send(arp(op, b"\2\xaa\xaa\xaa\xaa\xaa", spa, "10.77.0.1"))
# icmp redirect: the gateway for the host is somebody else
inner = struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + socket.inet_aton("10.77.0.1") + socket.inet_aton("93.184.216.10") + bytes(8)
body = struct.pack("!BBH", 5, 1, 0) + socket.inet_aton("10.77.0.2") + inner
body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, 1, 0) + socket.inet_aton("10.77.0.2") + socket.inet_aton("10.77.0.1")
ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
s.send(guard + own + b"\x08\x00" + ip + body)
