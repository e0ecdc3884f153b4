#!/usr/bin/env python3
"""Every way to change a log that the format must show, each at random places.

    audit_tamper.py BIN SCRIPTS LOG COUNT SEED [KEY-SEED-FILE]

LOG is an intact log with one plain segment. Both verifiers must refuse each changed copy, and name
a seq that is not behind the change. With the key's seed, histories are also made again and signed.
"""
import base64
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SEGMENT = "log/00000000000000000000.jsonl"


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def entry_hash(line):
    return sha256(b"\0", line[:-82], b"}}").hex().encode()


def rehash(line):
    return line[:-67] + entry_hash(line) + b'"}}'


def rechain(lines, start):
    """The chain made again from `start` on, as a forger without the key can."""
    for i in range(start, len(lines)):
        previous = lines[i - 1][-67:-3] if i > 0 else b"0" * 64
        lines[i] = rehash(lines[i][:-148] + previous + lines[i][-84:])
    return lines


def tree_root(leaves):
    stack = []
    for leaf in leaves:
        stack.append((1, leaf))
        while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
            right, left = stack.pop(), stack.pop()
            stack.append((left[0] * 2, sha256(b"\1", left[1], right[1])))
    root = stack[-1][1]
    for _, left in reversed(stack[:-1]):
        root = sha256(b"\1", left, root)
    return root


class Case:
    def __init__(self, name, change, names_seq=True):
        self.name, self.change, self.names_seq = name, change, names_seq


def replace(field, value):
    def change(lines, at, _):
        record = lines[at]
        where = record.find(field)
        if where < 0:
            return None
        lines[at] = record.replace(field, value, 1)
        return at
    return change


def flip_bit(lines, at, chance):
    line = bytearray(lines[at])
    place = chance.randrange(len(line))
    line[place] ^= 1 << chance.randrange(7)
    if line[place] == 10:
        line[place] ^= 3
    lines[at] = bytes(line)
    return at


def edit(lines, at):
    lines[at] = lines[at].replace(b'"op":"write"', b'"op":"erase"', 1)
    return lines


def edit_and_hash(lines, at, _):
    lines[at] = rehash(edit(lines, at)[at])
    return at


def edit_and_chain(lines, at, _):
    rechain(edit(lines, at), at)
    return at


def delete(lines, at, _):
    del lines[at]
    return at


def insert(lines, at, _):
    lines.insert(at, lines[at].replace(b'"op":"write"', b'"op":"delete"', 1))
    return at


def double(lines, at, _):
    lines.insert(at, lines[at])
    return at + 1


def swap(lines, at, _):
    if at + 1 >= len(lines):
        return None
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return at


def truncate(lines, at, _):
    del lines[at:]
    return at


def empty(lines, _at, _):
    del lines[:]
    return 0


def delete_and_chain(lines, at, _):
    """Renumbered and chained again: pseq of its producer has a hole, or the end is short."""
    del lines[at]
    for i in range(at, len(lines)):
        lines[i] = lines[i].replace(b'"seq":%d,' % (i + 1), b'"seq":%d,' % i, 1)
    rechain(lines, at)
    return at


CASES = [
    Case("a bit", flip_bit),
    Case("a field", replace(b'"op":"write"', b'"op":"read"')),
    Case("a key twice", replace(b'"v":1,', b'"v":1,"v":1,')),
    Case("an unknown key", replace(b',"call":', b',"extra":1,"call":')),
    Case("CRLF", lambda lines, at, _: (lines.__setitem__(at, lines[at] + b"\r"), at)[1]),
    Case("BOM", lambda lines, at, _: (lines.__setitem__(at, b"\xef\xbb\xbf" + lines[at]), at)[1]),
    Case("NUL", lambda lines, at, _: (lines.__setitem__(at, lines[at] + b"\0"), at)[1]),
    Case("another escape", replace(b'"op":"write"', b'"op":"\\u0077rite"')),
    Case("a field and its hash", edit_and_hash),
    Case("a field and the whole chain", edit_and_chain),
    Case("a record gone", delete),
    Case("a record more", insert),
    Case("a record twice", double),
    Case("two records exchanged", swap),
    Case("the end gone", truncate),
    Case("all gone", empty),
    Case("a record gone, renumbered and chained again", delete_and_chain),
]


class Bench:
    def __init__(self):
        self.bin, self.scripts, self.log = sys.argv[1:4]
        self.copy = self.log + ".changed"
        with open(os.path.join(self.log, SEGMENT), "rb") as file:
            self.lines = file.read().splitlines()
        self.chance = random.Random(int(sys.argv[5]))
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.log, self.copy)

    def write(self, lines):
        with open(os.path.join(self.copy, SEGMENT), "wb") as file:
            file.write(b"".join(line + b"\n" for line in lines))

    def verdict(self, *options):
        done = subprocess.run([f"{self.bin}/failcore", "audit", "verify", "--json", *options,
                               self.copy], stdout=subprocess.PIPE, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else {}

    def stranger(self, *options):
        return subprocess.run([f"{self.scripts}/verify_log.py", self.copy, *options],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False).returncode

    def must_refuse(self, name, at, *options, names=True):
        code, said = self.verdict(*options)
        if code != 77 or said.get("intact") is not False:
            sys.exit(f"{name} at {at}: not caught (exit {code}): {said}")
        if names and said["bad_seq"] > at:
            sys.exit(f"{name} at {at}: names seq {said['bad_seq']}: {said['why']}")
        if self.stranger(*options) == 0:
            sys.exit(f"{name} at {at}: the Python verifier does not see it")


def sign(origin, key, lines):
    root = tree_root([bytes.fromhex(line[-67:-3].decode()) for line in lines])
    body = f"{origin}\n{len(lines)}\n{base64.b64encode(root).decode()}\n"
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key_id = sha256(origin.encode(), b"\n\1", public)[:4]
    signature = base64.b64encode(key_id + key.sign(body.encode())).decode()
    return f"{body}\n\u2014 {origin} {signature}\n"


def forged_histories(bench, count, seed_file):
    """Who has the key: rollback and fork verify by themselves; the pin shows them."""
    with open(seed_file, "rb") as file:
        key = Ed25519PrivateKey.from_private_bytes(file.read())
    with open(os.path.join(bench.log, "vkey"), encoding="utf-8") as file:
        origin = file.read().split("+")[0]
    pin = os.path.join(bench.log, "checkpoint")
    for name, change in [("rollback", truncate), ("fork", edit_and_chain)]:
        for _ in range(count):
            lines = list(bench.lines)
            at = bench.chance.randrange(1, len(lines) - 1)
            if change(lines, at, bench.chance) is None or lines == bench.lines:
                continue
            bench.write(lines)
            shutil.rmtree(os.path.join(bench.copy, "tile"))
            with open(os.path.join(bench.copy, "checkpoint"), "w", encoding="utf-8") as file:
                file.write(sign(origin, key, lines))
            bench.must_refuse(name, len(lines), "--pin", pin, names=False)
            shutil.copytree(os.path.join(bench.log, "tile"), os.path.join(bench.copy, "tile"))
    print(f"rollback and fork with the true key: caught by the pin, {count} places each")


def changed_files(bench):
    checkpoint = os.path.join(bench.copy, "checkpoint")
    vkey = os.path.join(bench.copy, "vkey")
    with open(checkpoint, encoding="utf-8") as file:
        note = file.read()
    with open(vkey, encoding="utf-8") as file:
        key = file.read()
    size = note.split("\n")[1]
    bench.write(bench.lines)
    for name, path, text in [
            ("checkpoint size", checkpoint, note.replace(size, str(int(size) - 1), 1)),
            ("checkpoint root", checkpoint, note.replace(note.split("\n")[2], "A" * 43 + "=")),
            ("checkpoint empty", checkpoint, ""),
            ("another key", vkey, key[:-5] + "AAA=\n")]:
        with open(path, encoding="utf-8") as file:
            before = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        code, said = bench.verdict()
        if code == 0:
            sys.exit(f"{name}: not caught: {said}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(before)
    own = Ed25519PrivateKey.generate()
    origin = key.split("+")[0]
    public = own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key_id = sha256(origin.encode(), b"\n\1", public)[:4].hex()
    with open(vkey, "w", encoding="utf-8") as file:
        file.write(f"{origin}+{key_id}+{base64.b64encode(bytes([1]) + public).decode()}\n")
    with open(checkpoint, "w", encoding="utf-8") as file:
        file.write(sign(origin, own, bench.lines))
    bench.must_refuse("a key exchanged", 0, "--key", os.path.join(bench.log, "vkey"), names=False)
    shutil.copy(os.path.join(bench.log, "vkey"), vkey)
    os.remove(checkpoint)
    if bench.verdict()[0] != 77:
        sys.exit("a missing checkpoint: not caught")
    with open(checkpoint, "w", encoding="utf-8") as file:
        file.write(note)
    print("checkpoint and key: caught")


def changed_tiles(bench, count):
    bench.write(bench.lines)
    tiles = [os.path.join(where, name)
             for where, _, names in os.walk(os.path.join(bench.copy, "tile")) for name in names]
    for _ in range(count):
        path = bench.chance.choice(tiles)
        with open(path, "rb") as file:
            before = file.read()
        place = bench.chance.randrange(len(before))
        after = bytearray(before)
        after[place] ^= 1 << bench.chance.randrange(8)
        with open(path, "wb") as file:
            file.write(after)
        code, said = bench.verdict()
        if code != 77:
            sys.exit(f"{path} changed: not caught: {said}")
        with open(path, "wb") as file:
            file.write(before)
    print(f"tiles: {count} places, each caught")


def main():
    count = int(sys.argv[4])
    bench = Bench()
    if bench.verdict()[0] != 0 or bench.stranger() != 0:
        sys.exit("the log is not intact to begin with")
    for case in CASES:
        for _ in range(1 if case.change is empty else count):
            lines = list(bench.lines)
            at = case.change(lines, bench.chance.randrange(len(lines)), bench.chance)
            if at is None or lines == bench.lines:
                continue
            bench.write(lines)
            bench.must_refuse(case.name, at)
        print(f"{case.name}: caught")
    changed_files(bench)
    changed_tiles(bench, count)
    if len(sys.argv) > 6:
        forged_histories(bench, max(1, count // 2), sys.argv[6])


main()
