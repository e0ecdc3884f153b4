#!/usr/bin/env python3
"""An independent verifier of a failcore audit log: docs/audit-format.md in about a hundred lines.

    verify_log.py DIR [--key VKEY-FILE] [--pin CHECKPOINT]...

Exit 0: every record is there, unchanged and in order, and the signed head is of these records.
Exit 1: not; the first bad seq is named. Needs only hashlib and an Ed25519 library.
"""
import base64
import hashlib
import json
import os
import re
import subprocess
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TAIL = re.compile(rb',"previous_hash":"([0-9a-f]{64})","entry_hash":"([0-9a-f]{64})"}}$')


def bad(seq, why):
    sys.exit(f"TAMPERED: seq {seq}: {why}")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def unique(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice")
    return members


def lines(log):
    """(line, is it whole) through all segments, whose names say where they begin."""
    names = sorted(n for n in os.listdir(log) if re.fullmatch(r"\d{20}\.jsonl(\.zst)?", n))
    names = [n for n in names if not (n.endswith(".zst") and n[:-4] in names)]
    seq = 0
    for name in names:
        if int(name[:20]) != seq:
            bad(seq, f"the next segment is {name}")
        command = ["zstd", "-dcq"] if name.endswith(".zst") else ["cat"]
        with subprocess.Popen(command + [os.path.join(log, name)], stdout=subprocess.PIPE) as text:
            for line in text.stdout:
                if not line.endswith(b"\n"):
                    if name == names[-1]:
                        print(f"the last line was never finished ({len(line)} bytes)")
                        return
                    bad(seq, "a closed segment ends in the middle of a line")
                yield line[:-1]
                seq += 1
        if text.returncode:
            bad(seq, f"{name} cannot be unpacked")


def read_vkey(text):
    name, key_id, encoded = text.strip().split("+", 2)
    public = base64.b64decode(encoded)
    if public[:1] != b"\1" or sha256(name.encode(), b"\n", public)[:4].hex() != key_id:
        bad(0, "the vkey is not a key")
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(public[1:])


def read_note(text, key):
    name, key_id, public = key
    body, signatures = text.split("\n\n", 1)
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        signature = base64.b64decode(signature)
        if dash == "\u2014" and signer == name and signature[:4] == key_id:
            try:
                public.verify(signature[4:], (body + "\n").encode())
            except InvalidSignature:
                continue
            origin, size, root = body.split("\n")
            if origin == name:
                return int(size), base64.b64decode(root)
    return bad(0, "a checkpoint is not signed by the log's key")


def main():
    directory, options = sys.argv[1], sys.argv[2:]
    key_file, pins = os.path.join(directory, "vkey"), []
    while options:
        option, value = options.pop(0), options.pop(0)
        if option == "--key":
            key_file = value
        else:
            pins.append(value)
    key = read_vkey(open(key_file, encoding="utf-8").read())
    heads = {}
    for file in [os.path.join(directory, "checkpoint")] + pins:
        size, root = read_note(open(file, encoding="utf-8").read(), key)
        if heads.setdefault(size, root) != root:
            bad(size, "two histories under one key")

    previous, seq, pseqs, stack = bytes(32), 0, {}, []  # stack: (leaves, hash), largest first
    for line in lines(os.path.join(directory, "log")):
        tail = TAIL.search(line)
        try:
            record = json.loads(line.decode(), object_pairs_hook=unique)
        except ValueError as error:
            bad(seq, f"not a record: {error}")
        entry = sha256(b"\0", line[:-82], b"}}")
        if not tail or record["seq"] != seq or bytes.fromhex(tail[1].decode()) != previous:
            bad(seq, "not the next record of the chain")
        if bytes.fromhex(tail[2].decode()) != entry:
            bad(seq, "entry_hash is not the hash of the line")
        if record["pseq"] != pseqs.get(record["producer"], 0):
            bad(seq, "events of a producer are missing")
        pseqs[record["producer"]] = record["pseq"] + record.get("count", 1)
        if record["kind"] == "LEDGER":
            if any(pseqs.get(number, 0) != said for number, said in record["call"]["producers"]):
                bad(seq, "the ledger does not balance")
        previous, seq = entry, seq + 1
        stack.append((1, entry))
        while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
            right, left = stack.pop(), stack.pop()
            stack.append((left[0] * 2, sha256(b"\1", left[1], right[1])))
        if seq in heads:
            root = stack[-1][1]
            for _, left in reversed(stack[:-1]):
                root = sha256(b"\1", left, root)
            if root != heads.pop(seq):
                bad(seq - 1, "not the records that were signed")
    heads.pop(0, None)
    if heads:
        bad(seq, "records that were signed are gone")
    print(f"intact: {seq} records, signed by {key[0]}")


main()
