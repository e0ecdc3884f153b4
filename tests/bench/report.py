"""Markdown tables of the benchmarks to JSON and to docs/performance.md; run by scripts/bench.

    python3 tests/bench/report.py DIRECTORY

DIRECTORY has NAME.md of each benchmark and NAME.facts (lines "key value"). Writes results.json and
performance.md there. BARS are the promises of the project: each is looked up in a table and is met, or
not met with what is known of the cause, or not measured.
"""
import json
import os
import re
import sys

from growth_plot import svg

EXECS = ("each execution is recorded before it begins: the kernel's notification and its answer, with two changes of process"
         " and a read of the caller's memory, take some 28 us, and who it is (comm, exe and a start time that nothing but"
         " /proc tells) 28 more; an execve that finds the supervisor on its processor is moved to the other one, 30 us, which"
         " a short slice of the supervisor's makes rarer. The start of the run is in the figure")
START = ("in order, about: 4 ms to load, plan and attach to the log, while both daemons are loaded and root's guard makes its"
         " namespaces; 10 for the guard's rules and the view, 4 for the first process, 5 to leave, half of it for a durable END")
QUEUE = ("the way through the kernel's packet queue and back, which stands alone in the same table, is most of it; the rest"
         " is the guard's rules for the three packets of a connect and its judgement, which cost about the same")
SLEEP = ("the host has to wake a sleeping virtual processor for the guard or for the client; with processors that are awake,"
         " below, this part is gone")
LISTING = ("the kernel asks for OPENDIR and RELEASEDIR at each directory, also when it has its listing, and each is a"
           " round trip, judged and recorded; nothing is opened below for it")
FIRST_LISTING = ("a first listing is OPENDIR, two READDIRPLUS and RELEASEDIR of each directory, and the status of its directories;"
                 " no status of a file")
BOUND = ("a name is believed for one second, the bound for edits from outside, so files that were last looked at longer ago"
         " are looked up again: a second round trip, which passthrough_hp, believing for ever, does not make. Telling the"
         " kernel to forget names instead was tried: a server killed meanwhile leaves callers that nothing ends")
CACHED = ("the kernel's passthrough adds 0.15 us to a read of a cached page, which takes 1.3 us; no request is sent, and"
          " passthrough_hp takes as long")
CARRIED = ("no request is sent; in pairs the processor time of reading and of writing over what is there is the native one"
           " (1.00), of a growing file 1.05 (passthrough_hp 1.07); the rest is the disk's")
SHA = "reading and digesting a record of 1.1 KB, on as many processors as there are"

# (what, benchmark, row begins with, column contains, at most or at least, unit, why where it is missed and known)
BARS = [
    ("a path decision at 10,000 rules, p99", "policy", "10000", "p99", "<=", 1000, "ns", ""),
    ("load of 10,000 rules", "policy", "10000", "load ms", "<=", 150, "ms", ""),
    ("event on the caller's path beyond the empty loop, 200,000/s, p50", "audit", "audit_emit", "p50 - empty", "<=", 100, "ns", ""),
    ("event on the caller's path, 200,000/s, p99", "audit", "audit_emit", "p99 / empty", "<=", 8, "x the empty loop's", ""),
    ("100,000 records/s, sustained", "audit", "100000 events/s asked", "", ">=", 99900, "records/s", ""),
    ("verify, 2 threads", "audit", "verify (chain, ledger, tree, grammar), 2", "", ">=", 1e6, "records/s", SHA),
    ("1,000,000 recorded requests decided again", "audit", "replay of", "", "<=", 5, "s", ""),
    ("`failcore run --no-net -- true`", "launch", "failcore run --no-net", "true", "<=", 30, "ms", START),
    ("`failcore run -- true` with its guard", "launch", "failcore run, with its guard", "true", "<=", 30, "ms", START),
    ("1,000 execs, with the guard", "launch", "failcore run, with its guard", "/ bubblewrap", "<=", 1.15,
     "x bubblewrap", EXECS),
    ("sequential read through the mount", "fs", "sequential read", "failcore, io_uring", "<=", 1 / 0.95, "x native", CARRIED),
    ("sequential write through the mount", "fs", "sequential write", "failcore, io_uring", "<=", 1 / 0.95, "x native", CARRIED),
    ("random read through the mount", "fs", "random read 4k", "failcore, io_uring", "<=", 1 / 0.95, "x native", CACHED),
    ("random write through the mount", "fs", "random write 4k", "failcore, io_uring", "<=", 1 / 0.95, "x native", CARRIED),
    ("a parallel compile", "fs", "compile", "failcore, io_uring", "<=", 1.05, "x native", ""),
    ("find, warm", "fs", "find, warm", "failcore, io_uring", "<=", 1.5, "x native", LISTING),
    ("ls -lR, warm", "fs", "ls -lR, warm", "failcore, io_uring", "<=", 1.5, "x native", ""),
    ("a judged connect beyond static rules, p50", "net", "the guard", "connect - static", "<=", 20, "us", SLEEP),
    ("a judged connect with the name checked, beyond static rules, p50", "net", "the guard, name checked",
     "connect - static", "<=", 30, "us", SLEEP),
    ("a judged connect, processors awake, p50", "net", "processors awake: the guard", "connect - static", "<=", 20,
     "us", QUEUE),
    ("a judged connect with the name checked, processors awake, p50", "net", "processors awake: the guard, name checked",
     "connect - static", "<=", 30, "us", QUEUE),
    ("bulk through the guard", "net", "the guard", "bulk / static", ">=", 0.95, "x static rules",
     "no packet of a released flow comes to the guard: what is missing lies within the spread of the rounds"),
    ("requests that open+read+close waits for", "fs", "open+read+close", "waits for", "<=", 1, "a file", BOUND),
    ("requests that create+write+close waits for", "fs", "create+write+close", "waits for", "<=", 2, "a file", ""),
    ("requests that unlink waits for", "fs", "unlink", "waits for", "<=", 1, "a file", ""),
    ("git status, warm", "fs", "git status, warm", "failcore, io_uring", "<=", 1.8, "x native", ""),
    ("memory of the server after walking 100,000 files", "scale", "100000", "server MB", "<=", 30, "MB", ""),
    ("descriptors of the server after walking 100,000 files", "scale", "100000", "descriptors", "<=", 2500, "", ""),
]
BEHIND_PEERS = {"find, cold": FIRST_LISTING, "find, warm": LISTING, "unlink": BOUND}
DATA_ROWS = ("sequential", "random", "compile")  # of fs, judged against native above; all others against the peers


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def tables(text):
    """[{column: cell}] for each Markdown table, in order."""
    found, header, rows = [], None, []
    lines = text.splitlines() + [""]
    for at, line in enumerate(lines):
        if line.startswith("|"):
            if header is None and at + 1 < len(lines) and lines[at + 1].startswith("|--"):
                header = cells(line)
            elif header is not None and not line.startswith("|--"):
                values = cells(line)
                rows.append([[header[i] if i < len(header) else "", v] for i, v in enumerate(values)])
        elif header is not None:
            found.append({"columns": header, "rows": rows})
            header, rows = None, []
    return found


def number(text):
    match = re.search(r"-?[0-9][0-9,]*\.?[0-9]*", text)
    return float(match.group().replace(",", "")) if match else None


def look_up(results, bench, row, column):
    """The last matching column of the first matching row: p99 is after the cold p99."""
    for table in results.get(bench, {}).get("tables", []):
        for values in table["rows"]:
            if row != "*" and not values[0][1].startswith(row):
                continue
            found = [number(cell) for name, cell in values[1:] if column in name]
            found = [value for value in found if value is not None]
            if found:
                return found[0] if bench != "policy" or column != "p99" else found[1]
    return None


def column(values, wanted):
    return [number(cell) for name, cell in values[1:] if wanted(name) and number(cell) is not None]


def against_peers(results):
    """Bars whose other side is the best of the peers that were there: (what, benchmark, value, way, bar, unit, why)."""
    for table in results.get("fs", {}).get("tables", []):
        for values in table["rows"]:
            what = values[0][1]
            peers = column(values, lambda name: not name.startswith(("failcore", "native")))
            ours = column(values, lambda name: name == "failcore, io_uring")
            if peers and ours and not what.startswith(DATA_ROWS):
                yield (f"{what}, through the mount", "fs", round(ours[0] / min(peers), 2), "<=", 1.1, "x the fastest peer",
                       next((why for begins, why in BEHIND_PEERS.items() if what.startswith(begins)), ""))
    for table in results.get("net", {}).get("tables", []):
        connect = {values[0][1]: column(values, lambda name: name == "connect p50 us") for values in table["rows"]}
        proxies = [found[0] for name, found in connect.items() if "CONNECT" in name or "SOCKS" in name]
        if proxies and connect.get("the guard"):
            yield ("the fastest proxy's connect", "net", round(min(proxies) / connect["the guard"][0], 2), ">=", 1,
                   "x the guard's", "")


def busy(facts):
    return float(facts.get("load-before", 0)) > number(facts["machine"])


def judge(results):
    rows = [(what, bench, look_up(results, bench, row, name), way, bar, unit, why)
            for what, bench, row, name, way, bar, unit, why in BARS]
    rows += against_peers(results)
    for what, bench, value, way, bar, unit, why in rows:
        met = value is not None and (value <= bar if way == "<=" else value >= bar)
        if value is None:
            verdict = "not measured"
        elif not met and busy(results[bench]["facts"]):
            verdict = "not met on a busy machine (load-before, below): to be measured on an idle one"
        else:
            verdict = "met" if met else f"not met: {why or 'the cause is not established'}"
        yield {"what": what, "benchmark": bench, "way": way, "bar": round(bar, 3), "unit": unit, "value": value,
               "verdict": verdict}


def main():
    directory = sys.argv[1]
    results, facts = {}, {}
    for name in sorted(os.listdir(directory)):
        if not name.endswith(".md") or name == "performance.md":
            continue
        bench = name[:-3]
        with open(f"{directory}/{name}", encoding="utf-8") as file:
            text = file.read()
        with open(f"{directory}/{bench}.facts", encoding="utf-8") as file:
            facts[bench] = dict(line.rstrip("\n").split(" ", 1) for line in file)
        results[bench] = {"facts": facts[bench], "tables": tables(text), "markdown": text}
    bars = list(judge(results))
    with open(f"{directory}/results.json", "w", encoding="utf-8") as out:
        json.dump({"bars": bars, "benchmarks": {
            n: {"facts": r["facts"], "tables": r["tables"]} for n, r in results.items()}}, out, indent=1)
    picture = svg(results)
    if picture is not None:
        with open(f"{directory}/growth.svg", "w", encoding="utf-8") as out:
            out.write(picture)
    with open(f"{directory}/performance.md", "w", encoding="utf-8") as out:
        print("# Performance\n\nGenerated by `scripts/bench --document`; the same in JSON is what `scripts/bench"
              "` leaves in\n`build/bench-results/results.json`. Each table is one run of one program, its rows "
              "interleaved: ratios\nwithin a table count, absolute figures belong to the machine and to the "
              "load beside the run.\n", file=out)
        print("| bar | wanted | measured | |\n|---|---|---|---|", file=out)
        for bar in bars:
            value = "-" if bar["value"] is None else f"{bar['value']:,.10g} {bar['unit']}"
            print(f"| {bar['what']} | {'at least' if bar['way'] == '>=' else 'at most'} {bar['bar']:,.10g} {bar['unit']} | {value} | {bar['verdict']} |", file=out)
        if picture is not None:
            print("\n## How cost grows\n\nBoth axes are logarithmic; each frame is three decades high or more, so what is "
                  "proportional to\nthe size is a steep line. The figures are those of the tables below.\n\n"
                  "![cost by size](growth.svg)", file=out)
        for bench, result in results.items():
            print(f"\n## scripts/bench {bench}\n", file=out)
            print("; ".join(f"{k}: {v}" for k, v in result["facts"].items()) + ".\n", file=out)
            print(result["markdown"].strip(), file=out)


if __name__ == "__main__":
    main()
