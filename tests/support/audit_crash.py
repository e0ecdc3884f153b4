#!/usr/bin/env python3
"""SIGKILL of the log writer, of its keeper and of producers at random moments.

    audit_crash.py BIN DIR SEED KILLS [keepers]

With `keepers` the keeper is killed instead of producers: of what a producer that has died left in
its ring, the keeper is the only holder.

Every event that a producer was told is recorded must be in the log once, in its producer's order,
whoever was killed; the log must verify, and what was torn must be in recovered/.
"""
import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time

THREADS = 2
RING_EVENTS = 6000  # more than a ring holds: who counts so many more has a writer again


def parent(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def writers(directory):
    """The writer of exactly this directory: a failcore-auditd whose parent, the keeper, is one."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"failcore-auditd") and directory.encode() in words:
            found.append(int(pid))
    return [pid for pid in found if parent(pid) in found and parent(parent(pid)) not in found]


def keeper_of(pids):
    """The keeper, if `pids` is one writer that is still there."""
    found = [parent(pid) for pid in pids]
    return found[0] if len(found) == 1 and found[0] > 1 else 0


def counted(path):
    try:
        with open(path, "rb") as file:
            return struct.unpack(f"<{THREADS}Q", file.read(8 * THREADS))
    except (OSError, struct.error):
        return (0,) * THREADS


def main():
    programs, directory, seed, kills = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    chance = random.Random(seed)
    second = "keeper" if "keepers" in sys.argv[5:] else "producer"
    counts = directory + ".counts"
    os.makedirs(counts, exist_ok=True)
    producers = {}  # tag -> process
    tags = []
    killed = {"writer": 0, "keeper": 0, "producer": 0}

    def start():
        tag = f"p{len(tags)}"
        tags.append(tag)
        producers[tag] = subprocess.Popen(
            [f"{programs}/audit_emitter", directory, str(THREADS), "100000000", "count",
             f"{counts}/{tag}", tag], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    for _ in range(2):  # two at once
        start()
    refused = 0
    while sum(killed.values()) < kills:
        time.sleep(chance.uniform(0.003, 0.023))
        for tag, process in list(producers.items()):
            if process.poll() is not None:
                # Refused after a long time without a writer is no error; nothing may be lost.
                refused += process.returncode == 1
                del producers[tag]
                start()
        kind = "writer" if chance.random() < 0.7 else second
        if kind != "producer":
            pids = writers(directory)
            target = keeper_of(pids) if kind == "keeper" else pids[0] if len(pids) == 1 else 0
            if target == 0:
                continue
            try:
                os.kill(target, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed[kind] += 1
            if kind == "keeper":  # until it has another one a producer's ring is the producer's alone
                marks = {tag: counted(f"{counts}/{tag}") for tag in producers}
                until = time.monotonic() + 30
                while time.monotonic() < until and any(
                        process.poll() is None and any(
                            now < mark + RING_EVENTS
                            for now, mark in zip(counted(f"{counts}/{tag}"), marks[tag]))
                        for tag, process in producers.items()):
                    time.sleep(0.01)
        else:
            tag = chance.choice(list(producers))
            producers[tag].kill()
            producers[tag].wait()
            del producers[tag]
            killed["producer"] += 1
            start()
    for process in producers.values():
        process.kill()
        process.wait()
    # A last producer: its writer takes what the others left, and signs.
    subprocess.run([f"{programs}/audit_emitter", directory, "1", "1"], check=True,
                   stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    verdict = subprocess.run([f"{programs}/failcore", "audit", "verify", "--json", directory],
                             stdout=subprocess.PIPE, check=False)
    said = json.loads(verdict.stdout)
    if not said["intact"]:
        sys.exit(f"not intact: {said}")

    path = re.compile(rb'"path":"(p\d+)/thread-(\d+)/file-(\d+)"')
    seen = {}
    lost = 0
    names = [name for name in sorted(os.listdir(f"{directory}/log")) if name[20:] == ".jsonl" or
             (name[20:] == ".jsonl.zst" and not os.path.exists(f"{directory}/log/{name[:26]}"))]
    for name in names:
        reader = ["zstd", "-dcq"] if name.endswith(".zst") else ["cat"]
        with subprocess.Popen(reader + [f"{directory}/log/{name}"],
                              stdout=subprocess.PIPE) as file:
            for line in file.stdout:
                match = path.search(line)
                if match:
                    key = match[1].decode(), int(match[2])
                    number = int(match[3])
                    if number != seen.get(key, -1) + 1:
                        sys.exit(f"{key}: {number} after {seen.get(key, -1)}: lost or doubled")
                    seen[key] = number
                elif b'"kind":"LOSS"' in line:
                    lost += 1
    total = 0
    for tag in tags:
        for thread, count in enumerate(counted(f"{counts}/{tag}")):
            total += count
            if seen.get((tag, thread), -1) + 1 < count:
                sys.exit(f"{tag} thread {thread}: told of {count}, "
                         f"{seen.get((tag, thread), -1) + 1} in the log")
    torn = len(os.listdir(f"{directory}/recovered"))
    print(f"{killed['writer']} writers, {killed['keeper']} keepers and {killed['producer']} producers "
          f"killed, {total} events, none missing; {torn} torn ends kept; {refused} producers gave up; {lost} LOSS records")


main()
