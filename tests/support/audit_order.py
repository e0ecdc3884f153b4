#!/usr/bin/env python3
"""The order in which a log's files become durable, from a trace of its writer.

    audit_order.py TRACE DIRECTORY

TRACE: strace -f -y -e trace=write,fsync,fdatasync,renameat,linkat,openat. When a checkpoint takes its name,
every record and every tile that was written before must have been synced, and the tile's directory
after the tile had its name; a vkey and a key take their names only when they are whole.
"""
import re
import sys


def main():
    trace, directory = sys.argv[1], sys.argv[2].rstrip("/")
    dirty, named, whole = set(), set(), set()
    checkpoints = tiles = links = 0
    for line in open(trace, errors="replace"):
        line = re.sub(r"^\d+ +", "", line)
        if " = -1 " in line:
            continue
        if m := re.match(r"write\(\d+<([^>]*)>", line):
            dirty.add(m[1])
        elif m := re.match(r"(?:fsync|fdatasync)\(\d+<([^>]*)>", line):
            dirty.discard(m[1])
            whole.add(m[1])
            named = {path for path in named if path.rsplit("/", 1)[0] != m[1]}
        elif m := re.match(r'renameat\(\d+<([^>]*)>, "([^"]*)", \d+<([^>]*)>, "([^"]*)"', line):
            old, new = f"{m[1]}/{m[2]}", f"{m[3]}/{m[4]}"
            if m[4] == "checkpoint":
                late = {path for path in dirty if path.startswith(f"{directory}/log/")}
                late |= {path for path in dirty if path.startswith(f"{directory}/tile/")} | named
                late |= {old} & dirty
                assert not late, f"checkpoint {checkpoints} is named before: {sorted(late)[:3]}"
                checkpoints += 1
            elif m[4].startswith("tile/"):
                if old in dirty:
                    dirty.discard(old)
                    dirty.add(new)
                named.add(new)
                tiles += 1
        elif m := re.match(r'linkat\(\d+<([^>]*)>, "([^"]*)"', line):
            assert f"{m[1]}/{m[2]}" in whole, f"{m[2]} takes its name before it is whole"
            links += 1
        elif m := re.match(r'openat\([^"]*"([^"]*)", ([A-Z_|]*)', line):
            assert m[1] != "vkey" or "O_CREAT" not in m[2], "vkey is written under its own name"
    assert checkpoints >= 2 and tiles >= 4 and links == 2, (checkpoints, tiles, links)
    print(f"{checkpoints} checkpoints, {tiles} tiles, in order")


main()
