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

from internet_checksum import checksum

KIND, AMOUNT, ADDRESS, PORT = sys.argv[1], float(sys.argv[2]), sys.argv[3], int(sys.argv[4])
FRAME = bytes.fromhex("02fc0000000102fc000000020800")
SOURCE, TARGET = socket.inet_aton("10.77.0.2"), socket.inet_aton(ADDRESS)


def link():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("eth0", 0))
    return s


def frame_to(protocol, length):
    """All in front of so many bytes of a protocol."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0x4000, 64, protocol, 0) + SOURCE + TARGET
    return FRAME + head[:10] + struct.pack("!H", checksum(head)) + head[12:]


def syns():
    s, head, frames = link(), frame_to(6, 20), []
    for _ in range(8192):
        segment = struct.pack("!HHIIBBHHH", random.randrange(1024, 65536), PORT, random.randrange(1 << 32), 0, 0x50, 2,
                              65535, 0, 0)
        check = checksum(SOURCE + TARGET + struct.pack("!BBH", 0, 6, 20) + segment)
        frames.append(head + segment[:16] + struct.pack("!H", check) + segment[18:])
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
    s, head = link(), frame_to(17, 13)
    first = int(sys.argv[5])
    for port in range(first, first + int(AMOUNT)):
        s.send(head + struct.pack("!HHHH", port, PORT, 13, 0) + b"flows")
    return int(AMOUNT)


print({"syn": syns, "large": large, "flows": flows}[KIND]())
