#!/usr/bin/env bash
# failcore audit export of names as attackers write them: a record is one line in every format, a
# cell of CSV starts no formula, an event of CEF cannot be forged, and what is read back is the log.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
failcore=$bin/failcore
log=$work/audit

"$bin/audit_story" "$log" --hostile >/dev/null
ended() { grep -q '"kind":"END"' "$log"/log/*.jsonl; }
check "the log is there" wait_until 5 ended
for format in jsonl ocsf cef csv; do
    check "$format" "$failcore" audit export --format "$format" --audit "$log"
    cp "$work/output" "$work/out.$format"
done
cat >"$work/back.py" <<'P'
import csv, json, re, sys
kind, work, log = sys.argv[1:]
records = [json.loads(line) for line in open(log, encoding="utf-8", newline="\n")]
out = open(f"{work}/out.{kind}", encoding="utf-8", newline="").read()
lines = out.split("\n")
assert lines.pop() == "", "ends without a newline"
first = 1 if kind == "csv" else 0  # its heading
assert len(lines) == len(records) + first, (len(lines), len(records))

def control(text):  # what both text formats say in place of a control byte
    return "".join(" " if ord(c) < 0x20 or ord(c) == 0x7F else c for c in text)

def member(record, *names):
    for name in names:
        record = record.get(name) if isinstance(record, dict) else None
    return "" if record is None else record

def csv_value(text):
    guard = "'" if text[:1] and text[0] in "=+-@\t\r\n" else ""
    return guard + control(text)

def cef_value(text):
    return "".join(c if c in "\r\n" else control(c) for c in text)

def unescape(text):
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), text)

def host_of(record):  # that of a START is the machine
    return member(record, "call", "host") if record["source"] in ("net", "dns") else ""

seen = 0
if kind in ("jsonl", "ocsf"):
    for line, record in zip(lines, records):
        got = json.loads(line)
        seq = got["seq"] if kind == "jsonl" else got["metadata"]["sequence"]
        entry = got["merkle"] if kind == "jsonl" else got["unmapped"]
        assert seq == record["seq"] and entry["entry_hash"] == record["merkle"]["entry_hash"]
        seen += 1
if kind == "csv":
    for row, record in zip(list(csv.reader(lines, strict=True))[1:], records):
        path, host = member(record, "call", "path"), host_of(record)
        if int(row[0]) != record["seq"] or row[-1] != record["merkle"]["entry_hash"]:
            sys.exit(f"another record: {row}")
        want = [csv_value(v) for v in (path, host, member(record, "policy", "rule"),
                                       member(record, "code"), member(record, "reason"))]
        if (got := [row[8], row[9], row[12], row[13], row[14]]) != want:
            sys.exit(f"{got} is not {want}")
        if any(cell[:1] and cell[0] in "=+-@\t\r\n" for cell in row):
            sys.exit(f"a formula: {row}")
        seen += len(path) > 0
if kind == "cef":
    for line, record in zip(lines, records):
        head = re.split(r"(?<!\\)(?:\\\\)*\|", line, maxsplit=7)
        if len(head) != 8 or head[0] != "CEF:0":
            sys.exit(f"no event: {line}")
        parts = re.split(r" ?\b(\w+)(?<!\\)=", head[7])
        pairs = {k: unescape(v) for k, v in zip(parts[1::2], parts[2::2])}
        want = {"cn1": str(record["seq"]), "cs3": record["merkle"]["entry_hash"],
                "filePath": cef_value(member(record, "call", "path")),
                "dhost": cef_value(host_of(record)),
                "cs1": cef_value(member(record, "policy", "rule")),
                "reason": cef_value(member(record, "reason"))}
        got = {k: pairs.get(k, "") for k in want}
        if got != want:
            sys.exit(f"{got} is not {want}")
        seen += len(want["filePath"]) > 0
    if any(not line.startswith("CEF:0|FailCore|") for line in lines):
        sys.exit("a forged event")
assert seen > 100, seen
P
cp "$log"/log/00000000000000000000.jsonl "$work/log.jsonl"
for format in jsonl ocsf cef csv; do
    check "$format says what the log says, a line a record" python3 "$work/back.py" "$format" "$work" "$work/log.jsonl"
done
