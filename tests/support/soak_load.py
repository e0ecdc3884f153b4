"""The load of a soak (tests/support/soak.sh), each operation twice: through us, and beside it without us.

    soak_load.py files STOP OUT MOUNT PLAIN        create, write, close and rename a small file in
                                                   the mount, and in a directory of the disk
    soak_load.py net STOP OUT GUARDED PLAIN        ask for a name and connect to its address from the
                                                   namespace behind the guard, and from one behind
                                                   a router without rules

Runs until the file STOP exists. The two take turns; each round appends to OUT what its fastest tenth
took at most, through us and without us, and the medians of both, in microseconds. What must not
work and did is a line LEAK; what should work and did not is a line of OUT.errors.
"""

import ctypes
import os
import socket
import statistics
import sys
import time

NAME, SERVER, FORBIDDEN = "www.example.org", "93.184.216.10", "10.0.0.1"
RESOLVERS = ("10.77.0.1", "9.9.9.53")
QUESTION = bytes(12) + b"".join(bytes([len(p)]) + p.encode() for p in NAME.split(".")) + b"\0\0\1\0\1"
NEW_NETWORK = 0x40000000  # CLONE_NEWNET


def say(path, line):
    with open(path, "a") as file:
        print(line, file=file)


def timed(operation, *arguments):
    began = time.perf_counter()
    operation(*arguments)
    return (time.perf_counter() - began) * 1e6


def fastest_tenth(times):
    return sorted(times)[(len(times) - 1) // 10]


def a_file(top, number):
    name = f"{top}/d{number % 50}"
    with open(f"{name}.tmp", "w") as file:
        file.write("x" * 100)
    os.rename(f"{name}.tmp", name)


def files_round(out, places, numbers):
    times = ([], [])
    for _ in range(200):
        number = next(numbers)
        for side in (0, 1) if number % 2 else (1, 0):
            times[side].append(timed(a_file, places[side], number))
            if number % 3 == 0:
                os.unlink(f"{places[side]}/d{number % 50}")
        try:
            open(f"{places[0]}/key.pem").close()
            say(out, "LEAK")
        except PermissionError:
            pass
    return times


def a_connection(resolver, number):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(3)
        asker.connect((resolver, 53))
        asker.send(number.to_bytes(2, "big") + b"\1\0\0\1" + QUESTION[6:])
        address = socket.inet_ntoa(asker.recv(2000)[-4:])
    if address != SERVER:
        raise OSError(f"{NAME} is {address}")
    with socket.create_connection((address, 80), timeout=3) as connection:
        connection.sendall(f"GET / HTTP/1.0\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
        if not connection.recv(2000).startswith(b"HTTP/1.1 200"):
            raise OSError("no answer")


def enter(network):
    if ctypes.CDLL(None, use_errno=True).setns(network, NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def net_round(out, networks, numbers):
    times = ([], [])
    for _ in range(20):
        number = next(numbers)
        for side in (0, 1) if number % 2 else (1, 0):
            enter(networks[side])
            try:
                times[side].append(timed(a_connection, RESOLVERS[side], number % 65536))
            except OSError as error:
                say(out + ".errors", f"{('guarded', 'plain')[side]}: {error}")
        enter(networks[0])
        try:
            socket.create_connection((FORBIDDEN, 80), timeout=1).close()
            say(out, "LEAK")
        except OSError:
            pass
    return times


def main():
    kind, stop, out, *places = sys.argv[1:]
    numbers = iter(range(1, sys.maxsize))
    if kind == "net":
        places = [os.open(place, os.O_RDONLY) for place in places]
    while not os.path.exists(stop):
        times = (files_round if kind == "files" else net_round)(out, places, numbers)
        if all(times):
            say(out, " ".join(f"{level(side):.1f}" for level in (fastest_tenth, statistics.median) for side in times))
        time.sleep(0.2 if kind == "files" else 0.5)


main()
