"""Whether a soak was flat: a Markdown table, and status 1 when something grew.

    soak_flat.py SAMPLES ENTRIES COUNT FILES NET

SAMPLES: "NUMBER NAME PID MEMORY DESCRIPTORS THREADS" of each daemon, ENTRIES: "NUMBER CONNTRACK", each
at COUNT moments; FILES and NET: the rounds of soak_load.py.

The last third is compared with the first after a tenth for warming up, each by its median.
Flat is: memory at most a tenth and 1 MiB more, at most 8 descriptors and 2 threads more, half as many
tracked connections and 500 more. An operation takes longer on a busy machine, with us and without us
alike, and longer still where several processes must have their turn. So each round looks at its
fastest tenth, which met an idle processor, and divides the time through us by that of the same
operation without us in the same seconds: this ratio is flat when it is at most three tenths more.
"""

import statistics
import sys


def thirds(rows):
    count = len(rows)
    warm = count // 10
    return rows[warm : warm + count // 3], rows[count - count // 3 :]


class Table:
    def __init__(self):
        self.grown = 0
        print("| | first third | last third | |\n|---|---|---|---|")

    def row(self, what, levels, unit, flat):
        verdict = "" if flat is None else "flat" if flat else "GROWS"
        self.grown += flat is False
        print(f"| {what} | {levels[0]} {unit} | {levels[1]} {unit} | {verdict} |")

    def bounded(self, what, values, unit, factor, slack):
        before, after = (statistics.median(third) for third in thirds(values))
        self.row(what, (round(before), round(after)), unit, after <= before * factor + slack)

    def operation(self, what, path):
        with open(path) as lines:
            rounds = [tuple(map(float, line.split())) for line in lines if "LEAK" not in line]
        for column, words in (
            (0, f"{what}, fastest tenth"),
            (1, "the same without us"),
            (2, f"{what}, median"),
            (3, "the same without us"),
        ):
            levels = [round(statistics.median(r[column] for r in third)) for third in thirds(rounds)]
            self.row(words, levels, "us", None)
        before, after = (statistics.median(r[0] / r[1] for r in third) for third in thirds(rounds))
        levels = (f"{before:.2f}", f"{after:.2f}")
        self.row(f"ratio of the fastest tenths, {len(rounds)} rounds", levels, "", after <= before * 1.3)


def main():
    samples, entries, count, files, net = sys.argv[1:]
    table = Table()
    with open(samples) as lines:
        rows = [line.split() for line in lines]
    for name, pid in sorted({(row[1], row[2]) for row in rows}):
        mine = [row for row in rows if row[2] == pid]
        if len(mine) < int(count) // 2:
            continue  # the writer of a run that ended
        for column, what, unit, factor, slack in (
            (3, "memory", "KiB", 1.10, 1024),
            (4, "descriptors", "", 1, 8),
            (5, "threads", "", 1, 2),
        ):
            table.bounded(f"{name} {pid}, {what}", [int(row[column]) for row in mine], unit, factor, slack)
    with open(entries) as lines:
        table.bounded("conntrack entries", [int(line.split()[1]) for line in lines], "", 1.5, 500)
    table.operation("file: create, write, rename", files)
    table.operation("connection by name", net)
    sys.exit(1 if table.grown else 0)


main()
