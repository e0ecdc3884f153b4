#!/usr/bin/env python3
"""An independent verifier of a failcore audit log: docs/audit-format.md in about a hundred lines.

Exit 0: every record is there, unchanged and in order, and the signed heads are of these records.
Exit 1: not; the first bad seq is named. Needs only hashlib and an Ed25519 library.
"""
import argparse
import base64
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def check(holds, seq, why):
    if not holds:
        sys.exit(f"TAMPERED: seq {seq}: {why}")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def read_vkey(text):
    name, key_id, encoded = text.strip().split("+", 2)
    public = base64.b64decode(encoded)
    computed = sha256(name.encode(), b"\n", public)[:4].hex()
    check(public[:1] == b"\1" and computed == key_id, 0, "the vkey is not a key")
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(public[1:])


def read_note(text, name, key_id, public):
    body, signatures = text.split("\n\n", 1)
    origin, size, root = body.split("\n")
    for line in signatures.splitlines():
        dash, signer, encoded = line.split(" ")
        signature = base64.b64decode(encoded)
        if (dash, signer, signature[:4], origin) == ("\u2014", name, key_id, name):
            with contextlib.suppress(InvalidSignature):
                public.verify(signature[4:], (body + "\n").encode())
                return int(size), base64.b64decode(root)
    return check(False, 0, "a checkpoint is not signed by the log's key")


def lines(log):
    """The whole lines of all segments, whose names say where they begin."""
    names = sorted(n for n in os.listdir(log) if re.fullmatch(r"\d{20}\.jsonl(\.zst)?", n))
    names = [n for n in names if not (n.endswith(".zst") and n[:-4] in names)]
    seq = 0
    for name in names:
        check(int(name[:20]) == seq, seq, f"the next segment is {name}")
        command = ["zstd", "-dcq"] if name.endswith(".zst") else ["cat"]
        with subprocess.Popen(command + [os.path.join(log, name)], stdout=subprocess.PIPE) as text:
            for line in text.stdout:
                if line.endswith(b"\n"):
                    yield line[:-1]
                    seq += 1
                else:
                    check(name == names[-1], seq, "a closed segment ends in the middle of a line")
                    print(f"the last line was never finished ({len(line)} bytes)")
        check(text.returncode == 0, seq, f"{name} cannot be unpacked")


def read_record(line, seq):
    def unique(pairs):
        check(len(dict(pairs)) == len(pairs), seq, "a key stands twice")
        return dict(pairs)
    try:
        return json.loads(line.decode(), object_pairs_hook=unique)
    except ValueError as error:
        return check(False, seq, f"not a record: {error}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--key", metavar="VKEY-FILE", help="instead of the directory's own")
    parser.add_argument("--pin", metavar="CHECKPOINT", action="append", default=[])
    words = parser.parse_args()
    key = read_vkey(open(words.key or f"{words.directory}/vkey", encoding="utf-8").read())
    heads = {}
    for file in [f"{words.directory}/checkpoint"] + words.pin:
        size, root = read_note(open(file, encoding="utf-8").read(), *key)
        check(heads.setdefault(size, root) == root, size, "two histories under one key")
    previous, seq, pseqs, stack = bytes(32), 0, {}, []  # stack: (leaves, hash), largest first
    for line in lines(f"{words.directory}/log"):
        record, entry = read_record(line, seq), sha256(b"\0", line[:-82], b"}}")
        check(line[-82:] == b',"entry_hash":"%s"}}' % entry.hex().encode(), seq, "changed")
        linked = line[:-82].endswith(b',"previous_hash":"%s"' % previous.hex().encode())
        check(linked and record["seq"] == seq, seq, "not the next record of the chain")
        check(record["pseq"] == pseqs.get(record["producer"], 0), seq, "events are missing")
        pseqs[record["producer"]] = record["pseq"] + record.get("count", 1)
        ledger = record["call"]["producers"] if record["kind"] == "LEDGER" else []
        check(all(pseqs.get(n, 0) == end for n, end in ledger), seq, "the ledger does not balance")
        previous, seq = entry, seq + 1
        stack.append((1, entry))
        while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
            (leaves, left), (_, right) = stack[-2:]
            stack[-2:] = [(2 * leaves, sha256(b"\1", left, right))]
        root = stack[-1][1]
        for _, left in reversed(stack[:-1] if seq in heads else []):
            root = sha256(b"\1", left, root)
        check(heads.get(seq, root) == root, seq - 1, "not the records that were signed")
    check(seq >= max(heads), seq, "records that were signed are gone")
    print(f"intact: {seq} records, signed by {key[0]}")


main()
