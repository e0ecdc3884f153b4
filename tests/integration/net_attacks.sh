#!/usr/bin/env bash
# Frames from a hostile root inside the agent's network namespace. Each is sent through a plain
# router first, to show that it would arrive, and then through the guard, where none may.
. "${FAILCORE_SOURCE_DIR:-$(dirname "$0")/../..}/tests/support/integration.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/world.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/guarded_net.sh"
need_root
world_start
attacks=$FAILCORE_SOURCE_DIR/tests/support/packet_attacks.py
total=$(python3 "$attacks" list | wc -l)

# watch NAME CMD...: what arrives in the world while CMD runs is written to $work/NAME.
watch()
{
    local name=$1
    shift
    world_exec python3 "$attacks" watch 3.5 "$work/$name" &
    local watcher=$!
    wait_until 5 test -e "$work/$name.ready"
    "$@"
    wait $watcher
}

# A router like the guard, without the guard: same addresses, forwarding, no rules.
plain_agent=plain-agent-$$ plain_router=plain-router-$$
at_exit "ip netns delete $plain_agent; ip netns delete $plain_router"
ip netns add $plain_agent
ip netns add $plain_router
ip link add eth0 netns $plain_agent type veth peer name agent0 netns $plain_router
ip link add up0 netns $plain_router type veth peer name plain0 netns "$world_ns"
for ns in $plain_router "$world_ns"; do
    ip netns exec $ns sh -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done'
done
ip netns exec $plain_router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
    echo 1 >/proc/sys/net/ipv4/conf/all/accept_source_route; echo 1 >/proc/sys/net/ipv4/conf/agent0/accept_source_route'
ip -n $plain_agent link set eth0 up
ip -n $plain_router link set agent0 up
ip -n $plain_router link set up0 up
ip -n "$world_ns" link set plain0 up
ip -n $plain_router address add 10.77.0.1/30 dev agent0
ip -n $plain_router -6 address add fd77:fc::1/64 dev agent0 nodad
ip -n $plain_router address add 10.78.255.2/30 dev up0
ip -n $plain_router -6 address add fd78:ff::2/64 dev up0 nodad
ip -n "$world_ns" address add 10.78.255.1/30 dev plain0
ip -n "$world_ns" -6 address add fd78:ff::1/64 dev plain0 nodad
world_mac=$(world_exec cat /sys/class/net/plain0/address)
for gateway in 10.78.255.1 fd78:ff::1; do
    ip -n $plain_router neigh replace $gateway lladdr "$world_mac" dev up0
    ip -n $plain_router route add default via $gateway dev up0
done
router_mac=$(ip netns exec $plain_router cat /sys/class/net/agent0/address)
watch plain ip netns exec $plain_agent python3 "$attacks" send eth0 "$router_mac"
ip -n "$world_ns" link delete plain0

cat >"$work/policy.yaml" <<'YAML'
version: 1
name: attacks-test
network:
  rules:
    - {id: web, action: allow, hosts: [www.example.org], ports: [80, 443]}
YAML
check "a network is made" guard_up "$work/policy.yaml"
in_agent curl -sS -m 5 http://www.example.org/ >/dev/null
in_agent curl -sS -6 -m 5 http://www.example.org/ >/dev/null
agent_root_up
inside()
{
    nsenter --net="/proc/$(guard_pid)/ns/net" "$@"
}
state()
{
    inside ip -d address show
    inside ip route show table all
    inside ip -6 route show table all
    inside ip neigh show
}
state | sed 's/valid_lft.*//' >"$work/before"
watch guarded as_root python3 "$attacks" send eth0 02:fc:00:00:00:01

arrived_plain=$(wc -l <"$work/plain")
arrived_guarded=$(wc -l <"$work/guarded")
echo "$total attacks: $arrived_plain arrive through a plain router, $arrived_guarded through the guard"
check "at least 100 attacks" test "$total" -ge 100
check "most arrive without the guard" test "$arrived_plain" -ge 100
cp "$work/guarded" "$work/output"
# Over TCP's allowed port, and UDP to 53, something of ours answers: those two are looked at below.
check "none arrives through it" test "$arrived_guarded" = 0
check "nothing unjudged was let go" guard_status '.counters.withdrawn.packets == 0'
check "frames of other kinds, whatever is inside" guard_status '.counters.frame.packets >= 9'
for reason in frame spoofed multicast ip_options extension protocol invalid urgent; do
    check "$reason is counted" guard_status ".counters.$reason.packets > 0"
done
check "a frame that is no IP has no address in its record" records '.reason != null and (.reason | test("frames other than")) and (.call | has("address") | not)'
for text in 'frames other than' 'source address is not' 'IPv4 options' 'only tcp and udp' 'can be tracked' 'unknown TCP option|data in the first segment'; do
    check "a record says: $text" records ".status == \"BLOCKED\" and (.reason | test(\"$text\"))"
done

# What is said about the link is not believed (SR23).
as_root python3 - <<'PY'
import socket, struct
import importlib.util, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("eth0", 0))
guard, own = bytes.fromhex("02fc00000001"), bytes.fromhex("02fc00000002")
def checksum(d):
    d += b"\0" * (len(d) % 2); t = sum(struct.unpack("!%dH" % (len(d) // 2), d))
    while t >> 16: t = (t & 0xffff) + (t >> 16)
    return ~t & 0xffff
def nd(kind, body, source="fe80::fc", target="ff02::1", hops=255):
    a, b = (socket.inet_pton(socket.AF_INET6, x) for x in (source, target))
    m = struct.pack("!BBH", kind, 0, 0) + body
    c = checksum(a + b + struct.pack("!II", len(m), 58) + m)
    m = m[:2] + struct.pack("!H", c) + m[4:]
    return guard + own + b"\x86\xdd" + struct.pack("!IHBB", 0x60000000, len(m), 58, hops) + a + b + m
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 3600, 3600, 0) + socket.inet_pton(socket.AF_INET6, "2001:470::")
for target in ("ff02::1", "fe80::fcff:fe00:1", "fd77:fc::1"):
    s.send(nd(134, struct.pack("!BBHII", 64, 0, 1800, 0, 0) + prefix, target=target))       # router advertisement
    s.send(nd(137, bytes(4) + socket.inet_pton(socket.AF_INET6, "fe80::fc") + socket.inet_pton(socket.AF_INET6, "2606:2800:220::10"), target=target))  # redirect
    s.send(nd(136, b"\x20\0\0\0" + socket.inet_pton(socket.AF_INET6, "fd77:fc::2") + b"\2\1" + b"\2\xaa\xaa\xaa\xaa\xaa", target=target))  # neighbour: another mac
def arp(op, sha, spa, tpa):
    return guard + own + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, op) + sha + socket.inet_aton(spa) + guard + socket.inet_aton(tpa)
for spa in ("10.77.0.2", "10.77.0.3", "10.78.0.1"):
    for op in (1, 2):
        s.send(arp(op, b"\2\xaa\xaa\xaa\xaa\xaa", spa, "10.77.0.1"))
# icmp redirect: the gateway for the host is somebody else
inner = struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + socket.inet_aton("10.77.0.1") + socket.inet_aton("93.184.216.10") + bytes(8)
body = struct.pack("!BBH", 5, 1, 0) + socket.inet_aton("10.77.0.2") + inner
body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, 1, 0) + socket.inet_aton("10.77.0.2") + socket.inet_aton("10.77.0.1")
ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
s.send(guard + own + b"\x08\x00" + ip + body)
PY
sleep 0.3
state | sed 's/valid_lft.*//' >"$work/after"
check "the guard's addresses, routes and neighbours are as before" diff "$work/before" "$work/after"

# The guard itself: nothing answers but DNS.
for port in 22 80 53000; do
    check_fails "tcp $port of the guard" as_root python3 -c "import socket; socket.create_connection(('10.77.0.1', $port), timeout=1)"
done
check "a refusal at once" sh -c "began=\$(date +%s%N); nsenter --net=/proc/$agent_process/ns/net python3 -c 'import socket; socket.create_connection((\"10.77.0.1\", 80), timeout=3)' 2>$work/refusal; grep -q refused $work/refusal"
check_fails "the guard's outer address" as_root python3 -c "
import socket; socket.create_connection(('$(inside ip -4 -o address show uplink0 | awk '{print $4}' | cut -d/ -f1)', 80), timeout=1)"
check_fails "ping" as_root ping -c 1 -W 1 10.77.0.1

# Rules of the agent's own, marks and moved links change nothing.
as_root nft add table inet mine 2>/dev/null
as_root nft flush ruleset
check_fails "a mark of the agent's own" as_root python3 -c "
import socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 1); s.settimeout(2); s.connect(('93.184.216.12', 80))"
check "what is allowed still works" in_agent curl -sS -m 5 http://www.example.org/

# TTL and hop limit are the guard's, whatever the agent writes.
world_capture
as_root python3 -c '
import socket
for host, family, level, option in (("www.example.org", socket.AF_INET, socket.IPPROTO_IP, socket.IP_TTL), ("2606:2800:220::10", socket.AF_INET6, socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)):
    for ttl in (3, 100, 255):
        s = socket.socket(family); s.setsockopt(level, option, ttl); s.settimeout(3)
        s.connect(("93.184.216.10" if family == socket.AF_INET else host, 80)); s.sendall(b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n"); assert s.recv(4000)
' >"$work/output" 2>&1 && passed || failed "connections with other hop counts"
check "they arrived" wait_until 5 world_captured 'tcp dst port 80 and ip'
check_fails "with another ttl" world_captured 'tcp dst port 80 and ip and ip[8] != 63'
check_fails "with another hop limit" world_captured 'ip6 and tcp dst port 80 and ip6[7] != 63'
