#!/usr/bin/env bash
# As many flows as the guard tracks, and more (SR11, SR26): the next one is refused with the right code and
# at once; another run does not notice; when flows end, there is room again. And nothing else that the agent
# does fills the kernel's table: not questions from ever new ports, not flows that are refused later.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
world_start
most=16384 # flow/flow_table.h, FLOWS_MAX
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: full-test
network:
  rules:
    - {id: web, action: allow, hosts: [www.example.org], ports: [80]}
    - {id: many, action: allow, addresses: ["93.184.216.12/32"], protocols: [udp], ports: [any], name_check: address-only}
YAML
check "a network beside it" guard_up "$work/policy.yaml"
beside=$guard_name
at_exit "$bin/failcore-netns delete $beside"
check "a network is made" guard_up "$work/policy.yaml"
check "it works" in_agent curl -sS -4 -m 5 http://www.example.org/
agent_root_up
world_capture
# No flow of the test is to end before its time, however slow the machine is.
nsenter --net="/proc/$(guard_pid)/ns/net" sh -c 'echo 600 >/proc/sys/net/netfilter/nf_conntrack_udp_timeout'
caught_up()
{
    guard_status '.packets.judged >= .counters.asked.packets'
}
# send_flows FROM TO: no more at once than the queue takes.
send_flows()
{
    local from
    for ((from = $1; from < $2; from += 1000)); do
        as_root python3 "$FAILCORE_SOURCE_DIR/tests/support/flood.py" flows 1000 93.184.216.12 9999 $((1024 + from))
        wait_until 20 caught_up || return
    done
}
check "more flows than there is room for" send_flows 0 $((most + 1616))
check "what is too much was refused" guard_status ".packets.refused >= 1600 and .counters.too_fast.packets == 0"
check "the guard knows as many as it has room for" guard_status ".flows.known <= $most and .flows.known > $most - 10"
check "the record has its code and reason" records '.status == "BLOCKED" and .code == "BUDGET_EXCEEDED" and .reason == "more flows at once than the guard tracks"'
# -q: what looks like a message of some protocol is not taken apart, so each datagram is one line.
left=$(tcpdump -n -q -r "$world_dir/capture.pcap" 'udp dst port 9999' 2>/dev/null | wc -l)
echo "$left left"
check "as many left as there is room for, and none more" test "$left" -le $most -a "$left" -ge $((most - 1))
allowed=$(cat "$guard_audit"/log/*.jsonl | jq -c 'select(.call.port == 9999 and .status == "ALLOWED")' | wc -l)
check "and no more are recorded as allowed" test "$allowed" = "$left"
check "one more connection is refused at once" wait_until 5 refused tcp 93.184.216.10 80 ECONNREFUSED
check "and one more datagram" wait_until 5 refused udp 93.184.216.12 7 EHOSTUNREACH
of_beside()
{
    timeout 20 "$bin/failcore-netns" exec "$beside" -- curl -sS -4 -m 5 http://www.example.org/
}
check "the run beside it goes on" of_beside

# All of them end at once.
tracked()
{
    nsenter --net="/proc/$(guard_pid)/ns/net" cat /proc/sys/net/netfilter/nf_conntrack_count
}
forget_all()
{
    nsenter --net="/proc/$(guard_pid)/ns/net" python3 -c '
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) # NETLINK_NETFILTER
s.send(struct.pack("=IHHII", 20, 1 << 8 | 2, 5, 1, 0) + bytes(4)) # conntrack: delete all, and tell
assert struct.unpack_from("=i", s.recv(4096), 16)[0] == 0'
}
forget_all
check "there is room again" wait_until 20 in_agent curl -sS -4 -m 5 http://www.example.org/
check "the daemon has heard of it" wait_until 60 guard_status '.flows.known < 100'

# rows: SR11 SR26
# Questions from ever new ports: each is a flow for the kernel, for half a minute.
forget_all
as_root python3 "$FAILCORE_SOURCE_DIR/tests/support/flood.py" flows 20000 10.77.0.1 53 $((1024))
check "a flood of askers does not fill the kernel's table" test "$(tracked)" -lt 15000
check "it is counted" guard_status '.counters.too_fast.packets > 0'
check "questions are answered again" wait_until 20 in_agent getent ahostsv4 www.example.org

# A connection that is refused for its first message leaves nothing in the kernel's table, whatever the
# server thinks of it.
forget_all
as_root python3 -c '
import socket
for _ in range(50):
    s = socket.create_connection(("93.184.216.10", 80), timeout=5)
    s.sendall(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    try: print("answer", s.recv(100))
    except OSError: print("refused")' >"$work/refusals"
check "50 connections are refused" test "$(grep -c refused "$work/refusals")" = 50
check "they are not tracked any more" test "$(tracked)" -lt 25
check "the log is whole" "$bin/failcore" audit verify "$guard_audit"
