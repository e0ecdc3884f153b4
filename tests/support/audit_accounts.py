#!/usr/bin/env python3
"""What a stubborn audit_emitter was told and refused, against what its log says.

    audit_accounts.py DIR COUNTS TAG THREADS [killed]

Each thread is one producer and numbers its events. What was told is recorded, in order; where numbers
are missing there stands a LOSS record of exactly so many; the last LEDGER says how many there were in
all. With `killed` the producer died between two counts, so one more of each thread may be either.
"""
import collections
import json
import os
import re
import struct
import sys


def records(directory):
    for name in sorted(os.listdir(f"{directory}/log")):
        with open(f"{directory}/log/{name}", encoding="utf-8") as log:
            yield from map(json.loads, log)


def main():
    directory, counts, tag, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    slack = 1 if sys.argv[5:] == ["killed"] else 0
    with open(counts, "rb") as file:
        told = struct.unpack(f"<{threads}Q", file.read(8 * threads))
        file.seek(512)
        refused = struct.unpack(f"<{threads}Q", file.read(8 * threads))
    of_producer = collections.defaultdict(list)
    ledger = {}
    for record in records(directory):
        of_producer[record["producer"]].append(record)
        if record["kind"] == "LEDGER":
            ledger.update(record["call"]["producers"])
    seen = 0
    for producer, its in of_producer.items():
        path = next((r["call"]["path"] for r in its if r["source"] == "fs"), "")
        match = re.match(rf"{tag}/thread-(\d+)/", path)
        if not match:
            continue
        thread = int(match[1])
        number = recorded = lost = 0
        for record in its:
            if record["kind"] == "LOSS":
                if record["call"]["op"] != "loss":
                    sys.exit(f"thread {thread}: a LOSS of another kind: {record}")
                lost += record.get("count", 1)
                number += record.get("count", 1)
            elif record["source"] == "fs":
                if record["call"]["path"] != f"{tag}/thread-{thread}/file-{number}":
                    sys.exit(f"thread {thread}: {record['call']['path']} is not number {number}")
                recorded += 1
                number += 1
        if not (told[thread] <= recorded <= told[thread] + slack and
                refused[thread] <= lost <= refused[thread] + slack):
            sys.exit(f"thread {thread}: told of {told[thread]}, refused {refused[thread]}; "
                     f"the log has {recorded} and a loss of {lost}")
        end = its[-1]["pseq"] + its[-1].get("count", 1)
        if ledger.get(producer) != end:
            sys.exit(f"thread {thread}: the ledger has {ledger.get(producer)} events, not {end}")
        seen += 1
    if seen != threads:
        sys.exit(f"{seen} of {threads} threads are in the log")
    print(f"{sum(told)} told and recorded, {sum(refused)} refused and accounted for")


main()
