"""Adds up the line counts of a build directory's programs; run by scripts/coverage.

A line counts once, however many programs and tests contain its file. The fuzz corpus of a parser
may lie under a shorter name than its file: PARSERS says which target has it.
"""
import os
import subprocess
import sys

PARSER_BAR = 95.0
PROJECT_BAR = 85.0

# Whose bytes come from the workload, the network or a file that others may have made: the fuzz target.
PARSERS = {
    "shared/policy/document.c": "policy_yaml",
    "shared/policy/policy_reader.c": "policy_yaml",
    "shared/policy/policy_reader_lists.c": "policy_yaml",
    "shared/policy/rule_reader.c": "policy_yaml",
    "shared/policy/scalar_value.c": "policy_yaml",
    "shared/policy/quantity.c": "policy_yaml",
    "shared/policy/host_name.c": "policy_yaml",
    "shared/policy/path_pattern.c": "path_glob",
    "shared/policy/glob_token.c": "path_glob",
    "shared/policy/glob_trie.c": "path_glob",
    "fusefs/request_check.c": "fs_requests",
    "fusefs/view_requests.c": "view_requests",
    "netguard/flow/packet_view.c": "packet_view",
    "netguard/dns/dns_message.c": "dns_message",
    "netguard/dns/dns_name.c": "dns_message",
    "netguard/flow/client_hello.c": "client_hello",
    "netguard/flow/http_head.c": "http_head",
    "shared/audit/record_reader.c": "record_reader",
    "shared/audit/record_parts.c": "record_reader",
    "shared/audit/record_time.c": "record_reader",
    "shared/audit/json_scan.c": "record_reader",
    "shared/audit/json_members.c": "record_reader",
    "shared/audit/segment.c": "audit_segment",
    "shared/audit/checkpoint.c": "audit_checkpoint",
    "shared/audit/ring.c": "audit_ring",
}


def is_program(path):
    with open(path, "rb") as file:
        return os.access(path, os.X_OK) and file.read(4) == b"\x7fELF"


def counts_of(build):
    """{file: {line: executed}} of our own sources."""
    top = os.path.dirname(os.path.dirname(os.path.abspath(build)))
    merged = os.path.join(build, "profiles.merged")
    raw = [os.path.join(build, "profiles", name) for name in os.listdir(os.path.join(build, "profiles"))]
    subprocess.run(["llvm-profdata", "merge", "-o", merged, *raw], check=True)
    programs = [os.path.join(d, name) for d, _, files in os.walk(build) if "CMakeFiles" not in d
                for name in files if is_program(os.path.join(d, name))]
    objects = [word for program in programs for word in ("-object", program)]
    found = subprocess.run(["llvm-cov", "export", "-format=lcov", "-instr-profile=" + merged, *objects],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True)
    lines = {}
    seen = {}
    for word, _, rest in (row.partition(":") for row in found.stdout.splitlines()):
        if word == "SF":
            path = os.path.relpath(rest, top)
            ours = not path.startswith(("..", "build/", "tests/"))
            seen = lines.setdefault(path, {}) if ours else {}
        elif word == "DA":
            number, count = map(int, rest.split(",")[:2])
            seen[number] = seen.get(number, False) or count > 0
    return lines


def percent(lines):
    return 100.0 * sum(lines.values()) / len(lines) if lines else 0.0


def main():
    lines = counts_of(sys.argv[1])
    if not lines:
        sys.exit("line_coverage: nothing was counted")
    short = []
    print("| parser | fuzz target | lines | covered |")
    print("|---|---|---|---|")
    for path, target in PARSERS.items():
        if path not in lines:
            sys.exit(f"line_coverage: {path} is named in PARSERS and not built")
        if not os.path.isdir(f"tests/fuzz/corpus/{target}"):
            sys.exit(f"line_coverage: {target} has no corpus")
        covered = percent(lines[path])
        print(f"| {path} | {target} | {len(lines[path])} | {covered:.1f} % |")
        if covered < PARSER_BAR:
            missed = [str(n) for n, done in sorted(lines[path].items()) if not done]
            short.append(f"{path}: {covered:.1f} %, not executed: {' '.join(missed)}")
    print("\n| area | lines | covered |")
    print("|---|---|---|")
    areas = {}
    for path, seen in lines.items():
        part = path.split("/")
        area = "/".join(part[:2]) if part[0] == "shared" else part[0]
        areas.setdefault(area, {}).update({(path, n): done for n, done in seen.items()})
    whole = {}
    for area, seen in sorted(areas.items()):
        print(f"| {area} | {len(seen)} | {percent(seen):.1f} % |")
        whole.update(seen)
    print(f"| the project (bar {PROJECT_BAR:.0f} %) | {len(whole)} | {percent(whole):.1f} % |")
    for line in short:
        print(f"below {PARSER_BAR:.0f} %: {line}")
    sys.exit(1 if short else 0)


if __name__ == "__main__":
    main()
