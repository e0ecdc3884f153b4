#!/usr/bin/env bash
# Frames and packets from a hostile root inside the agent's network namespace. Each is sent through a plain
# router first, where it must arrive, and then through the guard, where none may.
. "$(dirname "$0")/../support/guarded_net.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/plain_router.sh"
need_root
world_start
attacks=$FAILCORE_SOURCE_DIR/tests/support/packet_attacks.py
link_lies=$FAILCORE_SOURCE_DIR/tests/support/link_lies.py

# watch NAME AT LINK CMD...: what arrives in the world, and at the router that `AT CMD...` is root of, while CMD
# runs, is written to $work/NAME.
watch()
{
    local name=$1 at=$2 link=$3 far router
    shift 3
    world_exec python3 "$attacks" watch "$work/$name.far" &
    far=$!
    $at python3 "$attacks" watch "$work/$name.router" "$link" &
    router=$!
    wait_until 5 test -e "$work/$name.far.ready" -a -e "$work/$name.router.ready"
    "$@"
    touch "$work/$name.far.sent" "$work/$name.router.sent"
    wait $far $router
    cat "$work/$name.far" "$work/$name.router" >"$work/$name"
}
# state AT: what a router believes about its links.
state()
{
    {
        $1 ip -d address show
        $1 ip route show table all
        $1 ip -6 route show table all
        $1 ip neigh show
    } | sed 's/valid_lft.*//; s/expires [^ ]*//; s/ state [A-Z]* group/ group/'
}

plain_router_up
watch plain at_plain agent0 as_plain python3 "$attacks" send eth0 02:fc:00:00:00:01

# What is said about the link: believed by the plain router, until it hears the truth again.
believed()
{
    as_plain python3 "$link_lies"
    state at_plain | grep -q "$1"
}
check "a router advertisement is believed without the guard" wait_until 5 believed 'inet6 2001:470:'
check "a neighbour advertisement as well" wait_until 5 believed 'fd77:fc::2 .*02:aa:aa:aa:aa:aa'
check "and ARP" wait_until 5 believed '10.77.0.2 .*02:aa:aa:aa:aa:aa'
plain_router_down

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
state inside >"$work/before"
guard_link=$(inside ip -o link show | sed -n 's/^[0-9]*: \([^@:]*\).*02:fc:00:00:00:01.*/\1/p')
watch guarded inside "$guard_link" \
    as_root python3 "$attacks" send eth0 02:fc:00:00:00:01
check "each arrives without the guard, none through it" python3 "$attacks" compare "$work/plain" "$work/guarded"
cat "$work/output"
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
as_root python3 "$link_lies"
sleep 0.3
state inside >"$work/after"
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
