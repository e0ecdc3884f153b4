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

def whole(record, name):  # with the bytes that its text could not hold
    text = member(record, "call", name)
    hexed = member(record, "call", name + "_hex")
    return bytes.fromhex(hexed) if hexed else text.encode()

def member(record, *names):
    for name in names:
        record = record.get(name) if isinstance(record, dict) else None
    return "" if record is None else record

def shown(text):  # what inert text stands for; see shared/base/inert_text.h
    def one(match):
        kind = match[1]
        if kind[0] == "x":
            return bytes([int(kind[1:], 16)])
        if kind[0] == "u":
            return chr(int(kind[2:-1], 16)).encode()
        return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\\": b"\\"}[kind.encode()]
    return b"".join(one(part) if isinstance(part, re.Match) else part.encode() for part in pieces(text))

def pieces(text):
    at = 0
    for match in re.finditer(r"\\(x[0-9a-f]{2}|u\{[0-9a-f]+\}|[nrt\\])", text):
        yield text[at:match.start()]
        yield match
        at = match.end()
    if "\\" in text[at:]:
        sys.exit(f"a backslash that says nothing: {text!r}")
    yield text[at:]

def unguarded(cell):
    return cell[1:] if cell[:1] == "'" and cell[1:2] and cell[1] in "=+-@" else cell

def unescape(text):
    return re.sub(r"\\(.)", r"\1", text)

def acts(text):  # in a terminal, or upon what stands beside it
    return re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]", text)

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
        path = whole(record, "path")
        if int(row[0]) != record["seq"] or row[-1] != record["merkle"]["entry_hash"]:
            sys.exit(f"another record: {row}")
        want = [path, whole(record, "path2"), whole(record, "host") if host_of(record) else b"", *(member(record, *names).encode() for names in
                (("policy", "rule"), ("code",), ("reason",)))]
        if (got := [shown(unguarded(row[i])) for i in (8, 9, 10, 13, 14, 15)]) != want:
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
        want = {"cn1": str(record["seq"]).encode(), "cs3": record["merkle"]["entry_hash"].encode(),
                "filePath": whole(record, "path"), "cs4": whole(record, "path2"), "dhost": whole(record, "host") if host_of(record) else b"",
                "cs1": member(record, "policy", "rule").encode(), "reason": member(record, "reason").encode()}
        got = {k: shown(pairs.get(k, "")) for k in want}
        if got != want:
            sys.exit(f"{got} is not {want}")
        seen += len(want["filePath"]) > 0
    if any(not line.startswith("CEF:0|FailCore|") for line in lines):
        sys.exit("a forged event")
if kind in ("csv", "cef") and (found := acts(out)):
    sys.exit(f"U+{ord(found[0]):04X} is in it as it was")
if kind in ("csv", "cef"):
    for name in ("\\u{202e}", "\\x1b", "\\u{200b}", "\\u{9b}", "\\xff"):
        assert (name if kind == "csv" else name.replace("\\", "\\\\")) in out, name
assert seen > 100, seen
P
cp "$log"/log/00000000000000000000.jsonl "$work/log.jsonl"
for format in jsonl ocsf cef csv; do
    check "$format says what the log says, a line a record" python3 "$work/back.py" "$format" "$work" "$work/log.jsonl"
done

# ---- OCSF ----------------------------------------------------------------------------------------------
check "OCSF: what the schema requires" python3 "$FAILCORE_SOURCE_DIR/tests/support/ocsf_check.py" "$work/out.ocsf"
check "OCSF: each class is in it" jq -se '[.[].class_uid] | unique == [1001, 1007, 4001, 4003, 6002]' "$work/out.ocsf"
check "OCSF: what was refused is denied" jq -se 'all(.[]; (.action_id == 2) == (.disposition_id == 2)) and ([.[] | select(.action_id == 2)] | length) == '"$(grep -c '"status":"BLOCKED"' "$work/log.jsonl")" "$work/out.ocsf"
check "OCSF: a rename has its new name" jq -se 'any(.[]; .unmapped.op == "rename" and .file_result.path != null)' "$work/out.ocsf"
if [ "$(id -u)" = 0 ]; then
    mkdir "$work/ws"
    check "a run" "$failcore" run --no-report --policy fs_sandbox --no-net --audit "$work/run" --workspace "$work/ws" -- \
        sh -c 'echo x >a; ln a b; mv b c; ls -la; cat .env; rm a c'
    check "OCSF of a run" sh -c "'$failcore' audit export --format ocsf --audit '$work/run' >'$work/run.ocsf' &&
        python3 '$FAILCORE_SOURCE_DIR/tests/support/ocsf_check.py' '$work/run.ocsf'"
fi

# ---- on a terminal -----------------------------------------------------------------------------------
for format in jsonl ocsf cef csv; do
    script -qec "'$failcore' audit export --format $format --audit '$log'" /dev/null | tr -d '\r' >"$work/screen"
    check_fails "$format: nothing acts on a terminal" sh -c "LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' '$work/screen'"
done
jq -cS . "$work/log.jsonl" >"$work/sorted"
check "there it is the same JSON" sh -c "script -qec \"'$failcore' audit export --format jsonl --audit '$log'\" /dev/null | tr -d '\r' | jq -cS . | cmp - '$work/sorted'"
