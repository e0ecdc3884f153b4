"""Floods from root inside the agent's network namespace; prints how many packets were sent.

    flood.py syn SECONDS ADDRESS PORT       SYNs of ever new flows, on a packet socket
    flood.py large COUNT ADDRESS PORT       datagrams of 60,000 bytes
    flood.py flows COUNT ADDRESS PORT FROM  one datagram each from the ports FROM to FROM + COUNT - 1
"""

import random
import socket
import struct
import sys
import time

KIND, AMOUNT, ADDRESS, PORT = sys.argv[1], float(sys.argv[2]), sys.argv[3], int(sys.argv[4])
FRAME = bytes.fromhex("02fc0000000102fc000000020800")
AGENT = "10.77.0.2"


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def syns():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("eth0", 0))
    source, target = socket.inet_aton(AGENT), socket.inet_aton(ADDRESS)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0x4000, 64, 6, 0) + source + target
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    frames = []
    for _ in range(8192):
        segment = struct.pack("!HHIIBBHHH", random.randrange(1024, 65536), PORT, random.randrange(1 << 32), 0, 0x50, 2,
                              65535, 0, 0)
        check = checksum(source + target + struct.pack("!BBH", 0, 6, 20) + segment)
        frames.append(FRAME + head + segment[:16] + struct.pack("!H", check) + segment[18:])
    end, sent = time.monotonic() + AMOUNT, 0
    while time.monotonic() < end:
        for frame in frames[sent % 8192:][:64]:
            try:
                s.send(frame)
                sent += 1
            except OSError:
                pass
    return sent


def large():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
    sent = 0
    for _ in range(int(AMOUNT)):
        try:
            s.sendto(bytes(60000), (ADDRESS, PORT))
            sent += 1
        except OSError:  # a refusal of an earlier one
            pass
    return sent


def flows():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("eth0", 0))
    source, target = socket.inet_aton(AGENT), socket.inet_aton(ADDRESS)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 33, 1, 0x4000, 64, 17, 0) + source + target
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    first = int(sys.argv[5])
    for port in range(first, first + int(AMOUNT)):
        s.send(FRAME + head + struct.pack("!HHHH", port, PORT, 13, 0) + b"flows")
    return int(AMOUNT)


print({"syn": syns, "large": large, "flows": flows}[KIND]())
