#!/usr/bin/env bash
# The resolver against hostile answers (tests/support/dns_corpus.py), each of which arrives where nobody checks;
# against hostile questions, and askers that ask too much.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
world_start
chmod 755 "$work" # the agent is another user
cp "$FAILCORE_SOURCE_DIR"/tests/support/dns_{corpus,asker}.py "$work/"
corpus=$work/dns_corpus.py
asker=$work/dns_asker.py
world_zone "*.corpus.example.org HOOK $corpus"
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: dns-test
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80, 443]}
  dns: {budget: {queries_per_second: 1000, burst: 4000, unique_names_per_hour: 5000, label_bytes_per_hour: 1000000, entropy_bits_per_hour: 1000000}}
YAML
check "a network is made" guard_up "$work/policy.yaml"
check "each hostile answer arrives where nobody checks" world_exec python3 "$asker" careless
cat "$work/output"
: >"$world_dir/seen"
touch "$work/told"
chmod 666 "$work/told"
check "the agent hears nothing of them" timeout 150 "$bin/failcore-netns" exec "$guard_name" -- python3 "$asker" guarded "$work/told"
cat "$work/output"
python3 "$corpus" list | sed 's/ .*//; s/.*/c&.corpus.example.org/' | sort >"$work/names"
sed -n 's/^dns udp \([^ ]*\) .*/\1/p' "$world_dir/seen" | sort -u >"$work/asked"
check "the guard's resolver was given each" test "$(comm -23 "$work/names" "$work/asked" | wc -l)" = 0
pinned()
{
    nsenter --net="/proc/$(guard_pid)/ns/net" nft list ruleset 2>/dev/null | sed -n '/set pin[46]/,/}$/p' |
        grep -Eo '([0-9]+\.){3}[0-9]+|[0-9a-f]+:[0-9a-f:.]+' | sort -u
}
check "addresses are pinned" test "$(pinned | wc -l)" -ge 20
check "no other than were told" test "$(comm -13 <(sort -u "$work/told") <(pinned) | wc -l)" = 0
check "rebinding is recorded" records '.code == "DNS_REBINDING" and (.call.answers | index("169.254.169.254"))'
check "malformed answers are recorded" records '.code == "DNS_MALFORMED"'

# Questions that are none, and types that say more than where a host is.
cat >"$work/questions.py" <<'PY'
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(8)
def ask(q):
    s.sendto(q, ("10.77.0.1", 53))
    return s.recv(4096)
def question(labels, kind=1, cls=1): return b"".join(bytes([len(l)]) + l for l in labels) + b"\0" + struct.pack("!HH", kind, cls)
head = struct.pack("!HHHHHH", 9, 0x100, 1, 0, 0, 0)
www = [b"www", b"example", b"org"]
assert ask(head + question(www))[3] & 15 == 0
bad = [head, head + b"\3www", head + question(www) + b"\0", head + question(www)[:-1], head + question([b"a.b", b"example", b"org"]),
       head + question([b"a b", b"example", b"org"]), head + question([b"a\0", b"example", b"org"]), head + b"\xc0\x0c\0\1\0\1",
       head + question(www, cls=3), head + question(www, cls=255), struct.pack("!HHHHHH", 9, 0x100, 2, 0, 0, 0) + question(www) * 2,
       struct.pack("!HHHHHH", 9, 0x100, 0, 0, 0, 0), struct.pack("!HHHHHH", 9, 0x2800, 1, 0, 0, 0) + question(www),
       struct.pack("!HHHHHH", 9, 0x100, 1, 1, 0, 0) + question(www) + b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4",
       head + question([b"a" * 63] * 4 + [b"org"])]
for q in bad:
    assert ask(q)[3] & 15 == 1, q
for kind in (2, 6, 10, 12, 15, 16, 33, 99, 252, 255, 65280):
    r = ask(head + question(www, kind)); assert r[3] & 15 in (3, 5) and r[6:8] == b"\0\0", kind
for kind in (64, 65):
    r = ask(head + question(www, kind)); assert r[3] & 15 == 0 and r[6:8] == b"\0\0", kind
# over tcp: one after the other, several in one segment, in pieces
t = socket.create_connection(("10.77.0.1", 53), timeout=8)
def framed(q): return struct.pack("!H", len(q)) + q
def read():
    n = struct.unpack("!H", t.recv(2, socket.MSG_WAITALL))[0]; return t.recv(n, socket.MSG_WAITALL)
for q in (head + question(www), head + question(www, 28)):
    t.sendall(framed(q)); assert read()[3] & 15 == 0
t.sendall(framed(head + question(www)) * 3); [read() for _ in range(3)]
f = framed(head + question(www))
for i in range(len(f)): t.sendall(f[i:i+1])
assert read()[3] & 15 == 0
t.sendall(b"\xff\xff" + b"x" * 100)
try: assert t.recv(1) == b""
except ConnectionResetError: pass
many = [socket.create_connection(("10.77.0.1", 53), timeout=3) for _ in range(60)]
assert ask(head + question(www))[3] & 15 == 0
print("fine")
PY
check "questions" in_agent python3 "$work/questions.py"
check "malformed questions are recorded" records '.code == "DNS_MALFORMED" and (.reason | contains("question"))'
check "other types are recorded" records '.code == "PROTOCOL_DENIED" and .call.type == "TXT"'
check_fails "no other type was asked for" world_saw 'dns udp www.example.org \(TXT\|HTTPS\|255\)'

# A pin ends: an address is good only as long as its name says so. (Its grace is a minute: the
# kernel's set and the guard's table are looked at in the unit tests.)
check "spellings are random" test "$(grep -c 'dns udp' "$world_dir/seen")" -gt 100

# rows: dns/exfiltration
# Budgets: the world hears no more than the policy grants, and the rest is refused as DNS_BUDGET.
guard_down
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: budget-test
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80, 443]}
  dns: {budget: {queries_per_second: 5, burst: 10, unique_names_per_hour: 30, label_bytes_per_hour: 400}}
YAML
check "a network with budgets" guard_up "$work/policy.yaml"
: >"$world_dir/seen"
in_agent python3 -c '
import socket, struct, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(8)
for i in range(60):
    n = b"%08x" % (i * 2654435761 % 2**32)
    s.sendto(struct.pack("!HHHHHH", i, 0x100, 1, 0, 0, 0) + bytes([len(n)]) + n + b"\7example\3org\0\0\1\0\1", ("10.77.0.1", 53))
    s.recv(600); time.sleep(0.002)
time.sleep(4)
for i in range(60, 100):
    n = b"%08x" % (i * 2654435761 % 2**32)
    s.sendto(struct.pack("!HHHHHH", i, 0x100, 1, 0, 0, 0) + bytes([len(n)]) + n + b"\7example\3org\0\0\1\0\1", ("10.77.0.1", 53))
    s.recv(600); time.sleep(0.05)
' >"$work/output" 2>&1
asked=$(grep -o 'dns udp [0-9a-f]*.example.org' "$world_dir/seen" | sort -u | wc -l)
echo "100 new names asked for, $asked reached the world"
check "the budget holds" test "$asked" -le 30 -a "$asked" -ge 10
check "its record" records '.code == "DNS_BUDGET"'
check "the log is whole" "$bin/failcore" audit verify "$guard_audit"
guard_down

# Each budget by itself: what it counts, what is refused then, and that the world hears no more.
# one_budget WHAT BUDGET REASON: the Python on standard input prints the names that are asked for.
# Gives $heard, the different names that the world met, and $refused.
one_budget()
{
    local what=$1 reason=$3 budget='' key
    for key in queries_per_second burst unique_names_per_hour label_bytes_per_hour entropy_bits_per_hour; do
        case $2 in
        *"$key: "*) ;;
        *) budget="$budget$key: 1000000, " ;;
        esac
    done
    cat >"$work/policy.yaml" <<YAML
version: 1
name: one-budget
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org", "*.example.net"], ports: [80]}
  dns: {budget: {$budget$2}}
YAML
    check "$what: a network" guard_up "$work/policy.yaml"
    : >"$world_dir/seen"
    python3 >"$work/names"
    in_agent python3 -c '
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)
for i, name in enumerate(sys.stdin.read().split()):
    q = struct.pack("!HHHHHH", i, 0x100, 1, 0, 0, 1) + b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0\0\1\0\1"
    s.sendto(q + b"\0\0\x29\4\xd0\0\0\0\0\0\0", ("10.77.0.1", 53)); print(name, "refused" if b"dns.budget" in s.recv(1300) else "heard")' <"$work/names" >"$work/answers"
    check "$what: every question is answered" test "$(wc -l <"$work/answers")" = "$(wc -w <"$work/names")"
    refused=$(grep -c ' refused$' "$work/answers")
    heard=$(grep -o 'dns udp [^ ]*' "$world_dir/seen" | sort -u | wc -l)
    check "$what: its record" records ".code == \"DNS_BUDGET\" and (.reason | contains(\"$reason\"))"
    guard_down
}
one_budget "different names" "unique_names_per_hour: 7" "different names" <<'PY'
print(*(f"n{i}.example.org" for i in range(10)), *(f"n{i}.example.org" for i in range(7)), sep="\n")
PY
check "7 names are heard, also when they come again" test "$heard $refused" = "7 3"
one_budget "bytes of names" "label_bytes_per_hour: 200" "bytes in names" <<'PY'
print(*("x" * 48 + f"{i}.example.org" for i in range(5)), sep="\n")
PY
check "3 names of 61 bytes are heard" test "$heard $refused" = "3 2"
one_budget "a burst" "burst: 5, queries_per_second: 1" "questions per second" <<'PY'
print(*["www.example.org"] * 30, sep="\n")
PY
check "a burst and what a second grants" test "$refused" -ge 20
one_budget "entropy" "entropy_bits_per_hour: 600" "information" <<'PY'
print(*(f"host{i}.example.org" for i in range(20)))                        # words: 12 bits each
for i in range(6): print(f"{i}k7q2m9x4b1z8c5v0n3l6p4j7h2g9f1d{i}.example.org")  # codes: about 140
print("k7q2m9x4b1z8c5v0n3l6p4j7h2g9f1d8.example.net")                      # another domain's budget
print("host3.example.org")                                                 # known already
PY
check "words pass, the third code does not" test "$(grep -c ' heard$' "$work/answers")" = 24
check "nor the others" test "$(grep -c '^[2-5]k7q.* refused$' "$work/answers")" = 4
check "the other domain has its own" grep -q 'example.net heard$' "$work/answers"
