#!/usr/bin/env bash
# The guard when its own parts fail: a resolver that was taken over, a kernel that cannot pin, pins that
# have ended; and what comes from the world uninvited.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
world_start
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: inside-test
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80, 443]}
    - {id: raw, action: allow, hosts: [www.example.org], ports: [7777], name_check: address-only}
YAML
check "a network is made" guard_up "$work/policy.yaml"
daemon=$(guard_pid)
at_guard()
{
    nsenter --user="/proc/$daemon/ns/user" --net="/proc/$daemon/ns/net" "$@"
}

# A pin that has ended (SR26): the address is good no longer, until its name is asked for again.
check "by name" in_agent curl -sS -4 -m 5 http://www.example.org/
by_address()
{
    in_agent curl -sS -m 3 -H 'Host: www.example.org' http://93.184.216.10/
}
check "by the address that the name led to" by_address
check "the pin ends in the kernel" at_guard nft delete element inet guard pin4 '{ 93.184.216.10 }'
check_fails "by the stale address" by_address
check "counted" guard_status '.counters.withdrawn.packets > 0'
check "by name again" in_agent curl -sS -4 -m 5 http://www.example.org/

# rows: SR26
# An address that cannot be pinned is not told.
fill()
{
    local part
    for part in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        python3 -c '
import sys
for block in range(4):
    print("add element inet guard pin4 {" + ",".join(f"{20 + int(sys.argv[1])}.{block * 16 + i // 256}.{i % 256}.1 timeout 90s" for i in range(1024)) + "}")' $part >"$work/full"
        at_guard nft -f "$work/full" || return
    done
}
at_guard nft flush set inet guard pin4
check "the set is filled" fill
check_fails "the set is full" at_guard nft add element inet guard pin4 '{ 199.1.1.1 timeout 90s }'
check "no address is told that was not pinned" in_agent python3 -c '
import socket
q = bytes.fromhex("000701000001000000000000") + b"\3api\7example\3org\0\0\1\0\1"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
s.sendto(q, ("10.77.0.1", 53)); r = s.recv(512)
assert r[3] & 15 == 2 and r[6:8] == b"\0\0", r'
check "and it cannot be reached" refused tcp 93.184.216.11 80 ECONNREFUSED
check "room again" at_guard nft flush set inet guard pin4
check "it is told again" wait_until 10 in_agent curl -sS -4 -m 5 http://api.example.org/

# rows: odd/inbound SR23
# From the world, uninvited.
uplink=$(at_guard ip -4 -o address show uplink0 | awk '{print $4}' | cut -d/ -f1)
world_link=$(world_exec ip -o route get "$uplink" | sed 's/.* dev \([^ ]*\) .*/\1/')
world_exec ip route add 10.77.0.0/30 via "$uplink"
world_exec python3 -c "$probe_script" tcp 10.77.0.2 80 >/dev/null
world_exec python3 -c "$probe_script" udp 10.77.0.2 80 >/dev/null
check "what comes from outside is counted" guard_status '.counters.inbound.packets + .counters.invalid.packets > 0'
check_fails "and its answer never comes" world_exec python3 -c "$probe_script
assert result != 'timeout'" tcp 10.77.0.2 80
check_fails "nor does the guard's resolver answer the world" world_exec python3 -c '
import socket, sys
q = bytes.fromhex("000701000001000000000000") + b"\3www\7example\3org\0\0\1\0\1"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
s.sendto(q, (sys.argv[1], 53)); s.recv(512)' "$uplink"
check_fails "over tcp neither" world_exec python3 -c "$probe_script
assert result == 'ok'" tcp "$uplink" 53
world_exec ip route del 10.77.0.0/30

# On a flow that was released: urgent data and options of the link change nothing.
in_agent getent ahostsv4 www.example.org >/dev/null
agent_root_up
world_capture
as_root python3 -c '
import socket
s = socket.create_connection(("93.184.216.10", 7777), timeout=3)
s.sendall(b"a"); assert s.recv(10) == b"a"
s.send(b"!", socket.MSG_OOB); s.settimeout(1)
try: print(s.recv(10))
except OSError: pass' >/dev/null 2>&1
check "the flow was there" wait_until 10 world_captured 'tcp dst port 7777'
check_fails "no urgent data left" world_captured 'tcp[13] & 32 != 0'
as_root env PYTHONPATH="$FAILCORE_SOURCE_DIR/tests/support" python3 -c '
from raw_tcp import *
for kind, option in ((34, b"\x22\x02"), (30, b"\x1e\x0c" + bytes(10)), (19, b"\x13\x12" + bytes(16)), (254, b"\xfe\x04\xf9\x89")):
    c = RawTcp.__new__(RawTcp)
    option += b"\1" * (-len(option) % 4)
    c.host, c.port, c.sport, c.isn, c.heard, c.clock, c.echo = "93.184.216.10", 7777, 30000 + kind, 1000, 0, 1, 0
    c.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); c.sock.bind(("eth0", 0x800))
    c.raw(SYN, c.isn, b"", options=b"\2\4\5\xb4" + option)'
check "connections with odd options arrive" wait_until 10 world_captured 'tcp dst port 7777 and tcp[13] & 2 != 0 and src portrange 30000-30300'
for kind in 34 30 19 254; do
    check "option $kind does not" wait_until 10 sh -c "tcpdump -n -v -r '$world_dir/capture.pcap' 'tcp src port $((30000 + kind))' 2>/dev/null | tr -d '\n' | grep -q options && ! tcpdump -n -v -r '$world_dir/capture.pcap' 'tcp src port $((30000 + kind))' 2>/dev/null | grep -E 'tfo|mptcp|md5|exp-|unknown-254'"
done

# rows: odd/icmp-in
# ICMP of the world: an error about a flow that may pass, and nothing else.
as_root python3 -c '
import socket, struct, sys, time
p = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x800)); p.settimeout(0.2)
s = socket.socket(); s.bind(("", 41234)); s.settimeout(5); s.connect(("93.184.216.10", 7777)); s.sendall(b"a"); s.recv(9)
print("up", flush=True)
end, got = time.monotonic() + 15, set()
while time.monotonic() < end and "1400" not in str(got):
    try: f = p.recv(2000)[14:]
    except socket.timeout: continue
    if f[9] == 1: got.add((f[20], f[21], struct.unpack_from("!H", f, 26)[0]))
print(sorted(got))' >"$work/icmp" 2>&1 &
listening=$!
check "a flow is up" wait_until 10 grep -q up "$work/icmp"
world_exec env PYTHONPATH="$FAILCORE_SOURCE_DIR/tests/support" python3 -c '
import socket, struct, sys
from internet_checksum import checksum
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
def send(kind, code, rest, port):
    inner = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0x4000, 64, 6, 0) + socket.inet_aton(sys.argv[1]) + socket.inet_aton("93.184.216.10")
    inner = inner[:10] + struct.pack("!H", checksum(inner)) + inner[12:] + struct.pack("!HHI", port, 7777, 0) + bytes(12)
    m = struct.pack("!BBHI", kind, code, 0, rest) + inner
    s.sendto(m[:2] + struct.pack("!H", checksum(m)) + m[4:], (sys.argv[1], 0))
send(3, 4, 1300, 41235)                       # about a flow that there is not
send(8, 0, 7, 41234); send(0, 0, 7, 41234)    # echo
send(5, 1, 0x0a000001, 41234)                 # redirect, about the right flow
send(13, 0, 7, 41234)
send(3, 4, 1400, 41234)                       # the error that path MTU discovery lives on' "$uplink"
wait $listening
check "the agent hears that one error and nothing else" grep -qx '\[(3, 4, 1400)\]' "$work/icmp"
cat "$work/icmp" >"$work/output"

# rows: SR25
# A resolver that somebody has taken over (SR25) can name no private address, and nothing unasked.
for process in $(cat "/proc/$daemon/task/$daemon/children"); do
    [ "$(cat "/proc/$process/comm")" = failcore-dns ] && resolver=$process
done
check "a hostile resolver was heard out" python3 "$FAILCORE_SOURCE_DIR/tests/support/hostile_resolver.py" "$resolver"
cp "$work/output" "$work/believed"
check "and not believed" test ! -s "$work/believed"
check "what it said is recorded" records '.code == "DNS_REBINDING" and .call.host == "api.example.org"'
check "a guard that is told nonsense ends" wait_until 20 test ! -e "/proc/$daemon"
check_fails "and with it every way out" in_agent curl -sS -m 3 http://www.example.org/
check "the log is whole" "$bin/failcore" audit verify "$guard_audit"
