"""A TCP client that obeys nobody, for root inside the agent's network namespace: it makes its own
segments on a packet socket. The caller keeps the kernel's own resets from leaving (nft).

    from raw_tcp import RawTcp
    c = RawTcp("93.184.216.10", 80)         connects (an IPv6 address will do); timestamps are negotiated
    c.segment(b"data", offset=0)            data at that offset of the stream
    c.segment(..., timestamp=-1000, bad_checksum=True, flags=..., options=...)
    c.receive(seconds)                      what the server said so far; acknowledges it
"""

import random
import socket
import struct
import time

from internet_checksum import checksum

GUARD, OWN = bytes.fromhex("02fc00000001"), bytes.fromhex("02fc00000002")
AGENT, AGENT6 = "10.77.0.2", "fd77:fc::2"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def packed(host):
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)


def wrapped(host, segment, ttl):
    """The segment in a packet of the agent's, with its ether type."""
    if ":" in host:
        head = struct.pack("!IHBB", 0x60000000, len(segment), 6, ttl) + packed(AGENT6) + packed(host)
        return b"\x86\xdd" + head + segment
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), random.randrange(65536), 0x4000, ttl, 6, 0)
    head += packed(AGENT) + packed(host)
    return b"\x08\x00" + head[:10] + struct.pack("!H", checksum(head)) + head[12:] + segment


def pseudo(host, length):
    if ":" in host:
        return packed(AGENT6) + packed(host) + struct.pack("!II", length, 6)
    return packed(AGENT) + packed(host) + struct.pack("!BBH", 0, 6, length)


ports_taken = 0


def unused_port():
    """One that no attack has had for three minutes: the kernel still tracks those flows."""
    global ports_taken
    ports_taken += 1
    return 20000 + (time.monotonic_ns() // 5000000 + ports_taken) % 40000


class RawTcp:
    def __init__(self, host, port, sport=None):
        self.host, self.port = host, port
        self.sport = sport or unused_port()
        self.isn = random.randrange(1 << 32)
        self.next = (self.isn + 1) & 0xFFFFFFFF
        self.heard, self.data, self.reset = 0, b"", False
        self.clock, self.echo = 100000, 0
        kind = 0x86DD if ":" in host else 0x800
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))
        self.sock.bind(("eth0", kind))
        # Like every TCP, once more when nobody answers: a machine that is busy loses packets.
        for seconds in (2, 3, 5):
            self.raw(SYN, self.isn, b"", syn=True)
            self.connected = self.wait(lambda: self.heard != 0, seconds)
            if self.connected:
                break
        if self.connected:
            self.raw(ACK, self.next, b"")

    def raw(self, flags, seq, data, syn=False, timestamp=0, bad_checksum=False, ttl=64, options=None):
        if options is None:
            stamp = struct.pack("!BBII", 8, 10, (self.clock + timestamp) & 0xFFFFFFFF, self.echo)
            options = (b"\2\4\5\xb4\4\2" + stamp if syn else b"\1\1" + stamp)
        words = 5 + len(options) // 4
        segment = struct.pack("!HHIIBBHHH", self.sport, self.port, seq & 0xFFFFFFFF, self.heard, words << 4, flags,
                              65535, 0, 0) + options + data
        check = checksum(pseudo(self.host, len(segment)) + segment) ^ (0x1111 if bad_checksum else 0)
        segment = segment[:16] + struct.pack("!H", check) + segment[18:]
        self.sock.send(GUARD + OWN + wrapped(self.host, segment, ttl))
        self.clock += 1

    def segment(self, data, offset=0, flags=PSH | ACK, **how):
        self.raw(flags, self.isn + 1 + offset, data, **how)

    def wait(self, condition, seconds):
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.sock.settimeout(left)
            try:
                self.take(self.sock.recv(65535))
            except socket.timeout:
                return condition()
        return True

    def take(self, frame):
        packet = frame[14:]
        if frame[:6] != OWN or len(packet) < 40:
            return
        if ":" in self.host:
            start, total = 40, 40 + struct.unpack_from("!H", packet, 4)[0]
            source, protocol = packet[8:24], packet[6]
        else:
            start, total = (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)[0]
            source, protocol = packet[12:16], packet[9]
        if protocol != 6 or source != packed(self.host) or total < start + 20:
            return
        sport, dport, seq, ack, words, flags = struct.unpack_from("!HHIIBB", packet, start)
        if (sport, dport) != (self.port, self.sport):
            return
        head = (words >> 4) * 4
        data = packet[start + head : total]
        self.acknowledged = ack
        if flags & RST:
            self.reset = True
            return
        options, at = packet[start + 20 : start + head], 0
        while at + 1 < len(options) and options[at] != 0:
            if options[at] == 1:
                at += 1
                continue
            if options[at] == 8 and options[at + 1] == 10:
                self.echo = struct.unpack_from("!I", options, at + 2)[0]
            at += max(options[at + 1], 2)
        if flags & SYN:
            self.heard = (seq + 1) & 0xFFFFFFFF
        elif seq == self.heard and (data or flags & FIN):
            self.data += data
            self.heard = (seq + len(data) + (1 if flags & FIN else 0)) & 0xFFFFFFFF
            self.raw(ACK, self.next, b"")

    def receive(self, seconds=0.5):
        self.wait(lambda: False, seconds)
        return self.data
