"""The matrix of parts and faults; run by scripts/faults.

    fault_matrix.py            every fault that the matrix names, one a line
    fault_matrix.py RESULTS    the matrix as a table, with the rounds and what broke in RESULTS (what
                               mount_faults.py and run_faults.sh print); exit 1 when something broke
"""
import re
import sys

PARTS = ("mount", "guard", "launcher", "log writer")

# Of each fault, for each part: the names that strike it, or why there is nothing to strike.
NO_NETLINK = "has no netlink socket"
NO_POLICY = "reads no policy"
MATRIX = {
    "SIGKILL": ("mount-server-kill mount-all-die run-mount-kill", "run-guard-kill", "run-launcher-kill",
                "mount-writer-kill mount-writers-kill mount-all-die run-writer-kill"),
    "SIGSTOP": ("mount-server-stop", "run-guard-stop", "run-launcher-stop", "mount-writer-stop run-writer-stop"),
    "out of memory": ("mount-server-oom", "run-guard-oom", "run-launcher-oom", "mount-writer-oom"),
    "ENOSPC": ("mount-workspace-full mount-log-full run-log-full", "run-log-full", "run-log-full",
               "mount-log-full run-log-full"),
    "EIO": ("mount-workspace-eio mount-log-eio run-log-eio", "run-log-eio", "run-log-eio",
            "mount-log-eio run-log-eio"),
    "descriptors": ("mount-server-descriptors", "run-guard-descriptors", "run-launcher-descriptors",
                    "mount-writer-descriptors"),
    "netlink overflow": (f"- {NO_NETLINK}", "run-guard-flood", f"- {NO_NETLINK} once the run is made",
                         f"- {NO_NETLINK}"),
    "slow disk": ("mount-workspace-slow mount-log-slow run-log-slow", "run-log-slow", "run-log-slow",
                  "mount-log-slow run-log-slow"),
    "clock step": ("mount-clock-step run-clock-step", "run-clock-step", "run-clock-step",
                   "mount-clock-step run-clock-step"),
    "policy replaced": ("mount-policy-replaced mount-policy-broken run-policy-replaced", "run-policy-replaced",
                        "run-policy-replaced", f"- {NO_POLICY}"),
    "upgrade": ("mount-upgrade run-upgrade", "run-upgrade", "run-upgrade", "mount-upgrade run-upgrade"),
}


def named():
    cells = [cell for row in MATRIX.values() for cell in row if not cell.startswith("-")]
    return sorted({name for cell in cells for name in cell.split()})


def results_of(path):
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            matched = re.match(r"((?:mount|run)-[a-z-]+): (\d+) rounds, .* (\d+) broken$", line)
            if matched:
                found[matched.group(1)] = (int(matched.group(2)), int(matched.group(3)))
    return found


def show(cell, results):
    if cell.startswith("-"):
        return "none: it " + cell[2:]
    tried = [results[name] for name in cell.split() if name in results]
    rounds, broken = sum(r for r, _ in tried), sum(b for _, b in tried)
    missing = [name for name in cell.split() if name not in results]
    words = f"{rounds} rounds, {broken} broken" if tried else ""
    return words + (", " if words and missing else "") + ("not tried: " + " ".join(missing) if missing else "")


def main():
    if len(sys.argv) < 2:
        print("\n".join(named()))
        return 0
    results = results_of(sys.argv[1])
    strangers = sorted(set(results) - set(named()))
    if strangers:
        sys.exit(f"fault_matrix: not in the matrix: {' '.join(strangers)}")
    print("\n| fault | " + " | ".join(PARTS) + " |")
    print("|---|" + "---|" * len(PARTS))
    for fault, row in MATRIX.items():
        print(f"| {fault} | " + " | ".join(show(cell, results) for cell in row) + " |")
    rounds, broken = sum(r for r, _ in results.values()), sum(b for _, b in results.values())
    print(f"\n{len(results)} of {len(named())} faults tried, {rounds} rounds, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
