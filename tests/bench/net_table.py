"""The table of the network benchmark; run by tests/bench/net.

    python3 tests/bench/net_table.py DIRECTORY [PREFIX]

DIRECTORY has ROW.WHAT files: a line per measurement, in the order of the rounds, of "p50 p99" or one
number. PREFIX stands before the title of each row. Lines of the same number were measured one after the other, and are compared with each other.
"""
import os
import statistics
import sys

ROWS = [("static", "static kernel rules"), ("queue", "queue round trip alone"), ("guard", "the guard"),
        ("checked", "the guard, name checked"), ("tinyproxy", "tinyproxy, CONNECT"), ("squid", "squid, CONNECT"),
        ("dante", "dante, SOCKS5")]


def read(directory, row, what, column=0):
    path = f"{directory}/{row}.{what}"
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [float(line.split()[column]) for line in file if line.strip()]


def spread(values, digits):
    """Median, and the middle half in brackets."""
    if not values:
        return "-"
    ordered = sorted(values)
    low, high = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def paired(values, others, combine):
    return [combine(value, other) for value, other in zip(values, others)]


def main():
    directory = sys.argv[1]
    prefix = sys.argv[2] if len(sys.argv) > 2 else ""
    static = {what: read(directory, "static", what) for what in ("connect", "hello", "bulk")}
    print("| | connect p50 us | p99 us | connect - static | connect, hello, answer p50 us | p99 us | hello - static "
          "| connections/s | DNS p50 us | bulk Gbit/s | bulk / static |")
    print("|---" * 11 + "|")
    for row, title in ROWS:
        connect, hello = read(directory, row, "connect"), read(directory, row, "hello")
        bulk = read(directory, row, "bulk")
        if not connect:
            continue
        print("| " + " | ".join([
            prefix + title, spread(connect, 1), spread(read(directory, row, "connect", 1), 0),
            spread(paired(connect, static["connect"], lambda a, b: a - b), 1),
            spread(hello, 1), spread(read(directory, row, "hello", 1), 0),
            spread(paired(hello, static["hello"], lambda a, b: a - b), 1),
            spread(read(directory, row, "rate"), 0), spread(read(directory, row, "dns"), 1),
            spread(bulk, 2), spread(paired(bulk, static["bulk"], lambda a, b: a / b), 2)]) + " |")
    print("\nMedian (middle half of the rounds). Through a proxy a connection is made when the proxy says so. The queue "
          "alone\nanswers at once, and keeps to the processor that packets come from, as the guard does.")


if __name__ == "__main__":
    main()
