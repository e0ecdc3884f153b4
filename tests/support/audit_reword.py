#!/usr/bin/env python3
"""Rewrites the last record of a segment, with the hash that its new words have.

    audit_reword.py SEGMENT FROM TO       TO may have \\xNN for a byte
"""
import hashlib
import re
import sys

TAIL = len(b',"entry_hash":"') + 64 + len(b'"}}')
path, old, new = sys.argv[1], sys.argv[2].encode(), sys.argv[3].encode()
new = re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), new)
lines = open(path, "rb").read().splitlines(keepends=True)
assert old in lines[-1], lines[-1]
body = lines[-1].rstrip(b"\n")[:-TAIL].replace(old, new, 1)
digest = hashlib.sha256(b"\0" + body + b"}}").hexdigest().encode()
lines[-1] = body + b',"entry_hash":"' + digest + b'"}}\n'
open(path, "wb").writelines(lines)
