"""hostile_log.py LOG OUT: every string of every kind of record in turn says what an attacker would like it to,
every number is as large as it can be. Lines are spelled as the log spells them; their hashes do not hold.

OUT gets all of it as one run, which begins and ends: what a reader is given that trusts nobody.
"""
import json
import sys

NAMES = [
    "</script><img src=x onerror=alert(1)>", "<!--<script>", "\x1b[2J\x1b]0;owned\x07", "a\nBLOCKED  forged", "\u202etxt.exe\u2066",
    "\u009b31m", "=cmd|' /C calc'!A0", "\" onmouseover=\"alert(3)", "' style='x", "bar|equals=back\\slash", "{\"json\":1}",
    "x\"} 1\nfailcore_forged_total 5", "%s%n%n", "\U000e0041\u200b\ufeff", "../../../../etc/passwd", "- id: x\n  action: allow",
    "A" * 4090 + "<b>",
]
TEXTS = {"tool", "op", "path", "path2", "host", "sni", "protocol", "type", "name", "version", "rule", "code", "reason", "comm", "exe", "cause",
         "detail", "workspace", "kernel", "state", "event", "action", "policy", "hash", "launcher", "agent"}
NUMBERS = {"pid", "tid", "ppid", "uid", "gid", "count", "flags", "port", "source_port", "exit", "launcher_uid", "argc", "seen", "within_ms"}


def spell(value):
    """As the log does: DEL escaped, nothing else beyond what JSON must."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{spell(k)}:{spell(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(spell, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def places(value, path=()):
    for name, member in value.items():
        if isinstance(member, dict):
            if name not in ("merkle", "timing", "redaction"):
                yield from places(member, path + (name,))
        elif isinstance(member, str) and name in TEXTS:
            yield path + (name,), True
        elif isinstance(member, int) and name in NUMBERS:
            yield path + (name,), False


records = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8", newline="\n")]
start = next(r for r in records if r["kind"] == "START")
end = next(r for r in records if r["kind"] == "END")
kinds = {}
for record in records:
    if record.get("run"):
        kinds.setdefault((record["kind"], record["source"], record.get("status"), record["call"].get("op")), record)
made = []
for record in kinds.values():
    for path, is_text in places(record):
        for value in NAMES if is_text else [2**64 - 1, 2**53, 0]:
            changed = json.loads(json.dumps(record))
            inner = changed
            for name in path[:-1]:
                inner = inner[name]
            inner[path[-1]] = value
            made.append(changed)
with open(sys.argv[2], "w", encoding="utf-8", newline="\n") as out:
    for seq, record in enumerate([start, *made, end]):
        record = json.loads(json.dumps(record))
        record["seq"] = seq
        record["pseq"] = seq
        record["run"] = start["run"]
        if "of" in record:
            record["of"] = max(0, seq - 1)
        out.write(spell(record) + "\n")
print(len(made))
