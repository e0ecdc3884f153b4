#!/usr/bin/env bash
# What a hostile user inside the agent's namespace tries beside frames (net_attacks), decoys (net_decoys) and
# floods (net_overload, net_full): the guard's processes and its socket, namespaces of their own, ports used
# twice, large first writes, helpers' words, odd headers on flows that were released, half hellos by the hundred,
# a log that nobody empties.
. "$(dirname "$0")/../support/guarded_net.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/plain_router.sh"
need_root
world_start
chmod 755 "$work"
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: hostile-test
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80, 443]}
    - {id: raw, action: allow, hosts: [www.example.org], ports: [7777], protocols: [tcp, udp], name_check: address-only}
  dns: {budget: {queries_per_second: 1000, burst: 4000, unique_names_per_hour: 5000, label_bytes_per_hour: 1000000, entropy_bits_per_hour: 1000000}}
YAML

# ---- what only arrives: where nobody checks ---------------------------------------------------------
plain_router_up
as_plain nft -f - <<'NFT'
table inet quiet { chain out { type filter hook output priority 0; policy accept; tcp flags rst drop; }; }
NFT
# inbound AT: somebody in the world connects to a port on which the agent listens, after the agent has said on
# a connection of its own what protocols say that want to be called back.
inbound()
{
    $1 python3 -c '
import socket, threading
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM); listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("", 4444)); listener.listen()
s = socket.create_connection(("93.184.216.10", 7777), timeout=5)
for words in (b"PORT 10,77,0,2,17,92\r\n", b"EPRT |1|10.77.0.2|4444|\r\n", b"227 Entering Passive Mode (10,77,0,2,17,92)\r\n",
              b"\1DCC SEND x 172818434 4444 1\1\r\n", b"INVITE sip:x SIP/2.0\r\nContact: <sip:a@10.77.0.2:4444>\r\n\r\n"):
    s.sendall(words); s.recv(200)
print("ready", flush=True)
listener.settimeout(2)
try: print("called by", listener.accept()[1], flush=True)
except TimeoutError: print("nobody called", flush=True)' >"$work/inbound" 2>&1 &
    local caller=$!
    wait_until 10 grep -q ready "$work/inbound" || return
    world_exec timeout 1.5 python3 -c "$probe_script" tcp 10.77.0.2 4444 >/dev/null
    wait $caller
    cat "$work/inbound"
    grep -q '^called by' "$work/inbound"
}
# odd_header AT HOST WORD BYTES...: a connection to port 7777, and a segment of that many bytes with an odd header.
odd_headers()
{
    $1 env PYTHONPATH="$FAILCORE_SOURCE_DIR/tests/support" timeout 20 python3 -c '
import raw_tcp
from raw_tcp import *
plain = raw_tcp.wrapped
def v4_options(host, segment, ttl, options=b"\7\7\4\0\0\0\0\0"):
    head = struct.pack("!BBHHHBBH", 0x47, 0, 28 + len(segment), 1, 0, ttl, 6, 0) + packed(AGENT) + packed(host) + options
    return b"\x08\x00" + head[:10] + struct.pack("!H", checksum(head)) + head[12:] + segment
def v6_header(kind):
    def wrap(host, segment, ttl):
        body = bytes([6, 0, 1, 4, 0, 0, 0, 0]) + segment
        return b"\x86\xdd" + struct.pack("!IHBB", 0x60000000, len(body), kind, ttl) + packed(AGENT6) + packed(host) + body
    return wrap
for host, wrap, size in (("93.184.216.10", v4_options, 1001), ("2606:2800:220::10", v6_header(0), 1002), ("2606:2800:220::10", v6_header(60), 1003)):
    c = RawTcp(host, 7777)
    assert c.connected
    c.segment(b"x" * 20); c.wait(lambda: len(c.data) >= 20, 2)   # released
    raw_tcp.wrapped = wrap
    c.segment(b"y" * size, offset=20)
    raw_tcp.wrapped = plain
    c.receive(0.3)'
}
check "a connection from the world arrives without the guard" inbound as_plain
: >"$world_dir/seen"
check "segments with odd headers" odd_headers as_plain
for size in 1001 1002 1003; do
    check "a segment of $size bytes arrives without the guard" wait_until 3 world_saw "7777 $size bytes"
done
plain_router_down

check "a network is made" guard_up "$work/policy.yaml"
pid=$(guard_pid)
in_agent getent ahosts www.example.org >/dev/null
agent_root_up
as_root nft -f - <<'NFT'
table inet quiet { chain out { type filter hook output priority 0; policy accept; tcp flags rst tcp sport 20000-60000 tcp dport 7777 drop; }; }
NFT

# ---- helpers, and calls from the world --------------------------------------------------------------
# rows: odd/helpers odd/inbound
uplink=$(nsenter --net="/proc/$pid/ns/net" ip -4 -o address show uplink0 | awk '{print $4}' | cut -d/ -f1)
world_exec ip route add 10.77.0.0/30 via "$uplink"
check_fails "the guard lets nobody call back" inbound as_root
check "and the agent was listening" grep -q 'nobody called' "$work/inbound"
world_exec ip route del 10.77.0.0/30
# rows: odd/options4 odd/extension pitfall/trust-forever
: >"$world_dir/seen"
check "segments with odd headers on released flows" odd_headers as_root
check "the flows were there" wait_until 3 world_saw "7777 20 bytes"
check_fails "nothing of what had odd headers" world_saw '7777 100[123] bytes'

# ---- processes, namespaces, the socket --------------------------------------------------------------
# rows: pitfall/same-pid-namespace
in_agent sh -c "kill -9 $pid; kill -9 -1" >/dev/null 2>&1
in_agent sh -c "for p in \$(seq 1 2000); do kill -9 \$p; done" >/dev/null 2>&1
check "the guard cannot be killed" kill -0 "$pid"
check_fails "nor its namespaces entered" in_agent nsenter --net="/proc/$pid/ns/net" true
# rows: odd/raw-sockets
check_fails "no packet socket" in_agent python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'
check_fails "no raw socket" in_agent python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 255)'
for command in 'python3 -c "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"' 'ip link set eth0 down' \
    'ip route add 1.1.1.1 dev lo' 'nft flush ruleset' 'nsenter --net=/proc/1/ns/net ip link set eth0 down'; do
    check_fails "as root of a namespace of its own: $command" in_agent unshare --user --map-root-user sh -c "$command"
done
check_fails "a link out of it" in_agent unshare --user --map-root-user sh -c 'ip link add a type veth peer name b && ip link set b netns 1'
for verb in status reload stop; do
    check_fails "the guard's socket is not the agent's: $verb" in_agent python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect("/run/failcore/netns/" + sys.argv[1] + "/control")
s.send(sys.argv[2].encode()); assert s.recv(100)' "$guard_name" $verb
done

# ---- flows ------------------------------------------------------------------------------------------
# rows: pitfall/trust-forever SR27
check_fails "a port used again, for another name" in_agent python3 -c '
import socket, struct
def connect():
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); s.settimeout(5)
    s.bind(("", 41414)); s.connect(("93.184.216.10", 80)); return s
s = connect(); s.sendall(b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n"); assert b"world" in s.recv(4000); s.close()
s = connect(); s.sendall(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"); print(s.recv(4000))'
# rows: pitfall/gso hello/large
for host in 93.184.216.10 2606:2800:220::10; do
    check_fails "another name in one write of 60,000 bytes, $host" in_agent python3 -c '
import socket, sys
s = socket.create_connection((sys.argv[1], 80), timeout=5)
s.sendall(b"GET / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 60000\r\n\r\n" + bytes(60000)); assert s.recv(4000)' $host
    check_fails "another name behind 20,000 bytes of headers, $host" in_agent python3 -c '
import socket, sys
s = socket.create_connection((sys.argv[1], 80), timeout=5)
s.sendall(b"GET / HTTP/1.1\r\nX: " + b"y" * 20000 + b"\r\nHost: evil.example\r\n\r\n"); assert s.recv(4000)' $host
done
check_fails "none of that arrived" world_saw 'evil.example'
# rows: SR11 hello/held
in_agent python3 -c '
import socket, time
flows = []
for i in range(300):
    s = socket.create_connection(("93.184.216.10", 443), timeout=5); s.sendall(b"\x16\3\1\2\0\1"); flows.append(s)
print("held", flush=True); time.sleep(2)' >"$work/held" 2>&1 &
holding=$!
wait_until 15 grep -q held "$work/held"
check "no more are held than there is room for" guard_status '.flows.held <= 256'
check "while 300 half hellos are held a whole one passes in the end" in_agent curl -sS -4 -m 15 http://www.example.org/
wait $holding
check "they are let go of" wait_until 10 guard_status '.flows.held == 0'

# ---- names ------------------------------------------------------------------------------------------
# rows: dns/both-families
check "addresses of both families, asked at once, a hundred times" in_agent python3 -c '
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
for i in range(100):
    for kind in (1, 28):
        s.sendto(struct.pack("!HHHHHH", i * 2 + (kind == 28), 0x100, 1, 0, 0, 0) + b"\3www\7example\3org\0" + struct.pack("!HH", kind, 1), ("10.77.0.1", 53))
    got = {struct.unpack("!HHHH", s.recv(600)[:8]) for _ in range(2)}
    assert {g[0] for g in got} == {i * 2, i * 2 + 1} and all(g[3] == 1 for g in got), got'
# What was asked is remembered: a name that is asked for again tells nobody anything; and no more is remembered than
# there is room for.
world_zone '*.many.example.org A 93.184.216.11'
check "seven hundred names, each twice" in_agent python3 -c '
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
for turn in range(2):
    for i in range(700):
        label = b"n%d" % i
        q = struct.pack("!HHHHHH", i, 0x100, 1, 0, 0, 0) + bytes([len(label)]) + label + b"\4many\7example\3org\0\0\1\0\1"
        for again in range(2 if i == 7 else 1):
            s.sendto(q, ("10.77.0.1", 53)); r = s.recv(600)
            assert r[:2] == q[:2] and r.endswith(socket.inet_aton("93.184.216.11")), (i, r)'
check "one that was asked twice in a row was heard once in a turn" test "$(grep -c 'dns udp n7.many.example.org A' "$world_dir/seen")" -le 2
# rows: dns/edns dns/exfiltration
echo 'import struct
def answer(query, transport):
    open("'"$work"'/heard", "ab").write(query)
    end = query.index(b"\0", 12) + 5
    return query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0) + query[12:end] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x5d\xb8\xd8\x0a"' >"$work/edns.py"
world_zone "edns.example.org HOOK $work/edns.py"
check "a question with a message in its options" in_agent python3 -c '
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
options = b"".join(struct.pack("!HH", kind, 16) + b"CARRIED-OUT-HERE" for kind in (3, 8, 10, 12, 65001))
q = struct.pack("!HHHHHH", 7, 0x130, 1, 0, 0, 1) + b"\4edns\7example\3org\0\0\1\0\1"
s.sendto(q + b"\0" + struct.pack("!HHIH", 41, 4096, 0x8000, len(options)) + options, ("10.77.0.1", 53))
assert s.recv(600)[6:8] == b"\0\1"'
check "it was asked" test -s "$work/heard"
check_fails "without the message" grep -q CARRIED "$work/heard"

# ---- a log that nobody empties ----------------------------------------------------------------------
# rows: code/AUDIT_UNAVAILABLE
writer=$(pgrep -f "^failcore-auditd $guard_audit\$") # the keeper and the writer
ask_until()
{
    in_agent python3 -c '
import socket, struct, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
q = struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 1) + b"\3www\7example\3org\0\0\1\0\1" + b"\0\0\x29\4\xd0\0\0\0\0\0\0"
end = time.monotonic() + 15
while time.monotonic() < end:
    s.sendto(q, ("10.77.0.1", 53))
    if (b"AUDIT_UNAVAILABLE" in s.recv(1300)) == (sys.argv[1] == "refused"): sys.exit(0)
sys.exit(1)' "$1"
}
check "there is a writer" test -n "$writer"
kill -STOP $writer
at_exit "kill -CONT" $writer
check "what cannot be recorded is refused, and says so" ask_until refused
check_fails "nothing begins then" in_agent curl -sS -4 -m 3 http://www.example.org/
kill -CONT $writer
check "it goes on when there is room" ask_until answered
check "and flows begin again" wait_until 10 in_agent curl -sS -4 -m 3 http://www.example.org/
check "the log is whole" "$bin/failcore" audit verify "$guard_audit"
