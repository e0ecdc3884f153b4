#!/usr/bin/env bash
# Decoys: a request for an allowed name that the server never gets, and then, in its place, one for a
# name that is not allowed (SR22). Raw TCP from root inside the agent's namespace.
. "$(dirname "$0")/../support/guarded_net.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/plain_router.sh"
need_root
world_start
plain_router_up
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: decoys-test
network:
  rules:
    - {id: web, action: allow, hosts: [www.example.org, far.example.org], ports: [80, 443]}
YAML
check "a network is made" guard_up "$work/policy.yaml"
agent_root_up

# A host one router further on: who sends with a short time to live reaches the guard, and not the host.
far=far-$$
at_exit "ip netns delete $far"
ip netns add $far
ip link add behind0 netns "$world_ns" type veth peer name eth0 netns $far
ip -n "$world_ns" address add 93.184.217.1/24 dev behind0
ip -n "$world_ns" link set behind0 up
ip -n "$world_ns" -6 address add 2606:2800:221::1/64 dev behind0 nodad
ip -n $far address add 93.184.217.10/24 dev eth0
ip -n $far -6 address add 2606:2800:221::10/64 dev eth0 nodad
ip -n $far link set eth0 up
ip -n $far route add default via 93.184.217.1
ip -n $far route add default via 2606:2800:221::1
world_exec sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
world_zone 'far.example.org A 93.184.217.10'
world_zone 'far.example.org AAAA 2606:2800:221::10'
ip netns exec $far python3 -c '
import http.server, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("http", self.headers.get("Host", "-"), file=sys.stderr, flush=True)
        self.send_response(200); self.end_headers(); self.wfile.write(b"world")
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
Server(("::", 80), Handler).serve_forever()' 2>>"$work/far.seen" &
at_exit "kill $!"
for name in www far; do
    for family in -4 -6; do
        check "$name.example.org $family" wait_until 5 in_agent curl -sS $family -m 5 http://$name.example.org/
    done
done

# The kernel knows nothing of these connections and would reset them.
for agent in as_root as_plain; do
    $agent nft -f - <<'NFT'
table inet quiet {
  chain out {
    type filter hook output priority 0; policy accept;
    tcp flags rst drop
  }
}
NFT
done

# attack NAME [far]: the Python on standard input; `good` and `evil` are requests of the same length, `c` is
# connected. Through a plain router the other name arrives; through the guard it does not. Over IPv4 and IPv6.
attack()
{
    local what=$1 host host4=93.184.216.10 host6=2606:2800:220::10 seen=$world_dir/seen script family
    script=$(cat)
    if [ "${2:-}" = far ]; then
        host4=93.184.217.10 host6=2606:2800:221::10 seen=$work/far.seen
    fi
    : >"$seen"
    for family in 4 6; do
        host=host$family
        run_raw as_plain "${!host}" "$script" plain$family >"$work/plain$family" &
        plain[family]=$!
        run_raw as_root "${!host}" "$script" checked$family >"$work/checked$family" &
        checked[family]=$!
    done
    wait "${plain[@]}" "${checked[@]}"
    for family in 4 6; do
        cat "$work/plain$family" "$work/checked$family" >"$work/output"
        if grep -q "no connection" "$work/output"; then
            failed "$what, IPv$family: no connection"
        elif wait_until 5 grep -q "http evil-plain$family.example" "$seen"; then
            passed
        else
            failed "$what, IPv$family: does not arrive even where nobody checks"
        fi
        check_fails "$what, IPv$family: the other name does not arrive" grep "http evil-checked$family.example" "$seen"
    done
}

run_raw()
{
    $1 env PYTHONPATH="$FAILCORE_SOURCE_DIR/tests/support" timeout 20 python3 -c '
import sys, time
from raw_tcp import *
host, kind = sys.argv[1:3]
evil = b"GET / HTTP/1.1\r\nHost: evil-%s.example\r\n\r\n" % kind.encode()
good = b"GET / HTTP/1.1\r\nHost: %s.example.org\r\n\r\n" % (b"far" if "217" in host or "221" in host else b"www")
pad = max(len(good), len(evil)) + 10
evil = evil[:-2] + b"Y: " + b"y" * (pad - len(evil) - 5) + b"\r\n\r\n"
good = good[:-2] + b"Y: " + b"y" * (pad - len(good) - 5) + b"\r\n\r\n"
assert len(good) == len(evil)
c = RawTcp(host, 80)
if not c.connected:
    sys.exit("no connection")
'"$3" "$2" "$4" 2>&1 | tail -n 3
}

attack "plain" <<'PY'
c.segment(evil); c.receive()
PY
attack "a decoy with a bad checksum" <<'PY'
c.segment(good, bad_checksum=True); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "a decoy with an old timestamp" <<'PY'
c.segment(good, timestamp=-90000); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "a decoy with an old timestamp, the other one byte early" <<'PY'
c.segment(good, timestamp=-90000); time.sleep(0.05); c.segment(b"?" + evil, offset=-1); c.receive()
PY
attack "a decoy without an acknowledgement" <<'PY'
c.segment(good, flags=PSH); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "a decoy beyond the window, then the other" <<'PY'
c.segment(good, offset=1 << 30); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "a second SYN moves the beginning back" <<'PY'
c.raw(SYN, c.isn - 5000, b"", syn=True); time.sleep(0.05)
c.segment(good, offset=-5000); time.sleep(0.1)
c.segment(evil); c.receive()
PY
attack "a second SYN moves the beginning ahead" <<'PY'
c.raw(SYN, c.isn + 5000, b"", syn=True); time.sleep(0.05)
c.segment(good, offset=5000); time.sleep(0.1)
c.segment(evil); c.receive()
PY
attack "the other request over the end of a held one" <<'PY'
c.segment(good[:20], timestamp=-90000); time.sleep(0.05); c.segment(evil[:20]); c.segment(good[20:], offset=20, timestamp=-90000)
time.sleep(0.05); c.segment(evil[20:], offset=20); c.receive()
PY
# Stripped of its option, or with the guard's time to live, a decoy is none: the server gets it, and the guard
# judged just that.
attack "a decoy with an option that makes servers drop it" <<'PY'
c.segment(good, options=b"\x13\x12" + bytes(18)); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "a decoy that dies at the next router" far <<'PY'
c.segment(good, ttl=2); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "a decoy that dies at the guard" <<'PY'
c.segment(good, ttl=1); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "a decoy that dies at the next router, in two pieces" far <<'PY'
c.segment(good[:20], ttl=2); c.segment(good[20:], offset=20, ttl=2); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "a reset that nobody believes, then the request" <<'PY'
c.segment(b"", offset=20000, flags=RST); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "the other request ends the connection" <<'PY'
c.segment(good, bad_checksum=True); time.sleep(0.05); c.segment(evil, flags=FIN | PSH | ACK); c.receive()
PY
attack "the other request in a keep-alive" <<'PY'
c.segment(good, bad_checksum=True); time.sleep(0.05); c.segment(b"?" + evil, offset=-1); c.receive()
PY
attack "a decoy with a reset that the server does not believe" <<'PY'
c.segment(good, flags=RST | PSH | ACK, offset=0, bad_checksum=True); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "a decoy that acknowledges what was never sent" <<'PY'
heard, c.heard = c.heard, (c.heard + (1 << 30)) & 0xffffffff
c.segment(good); c.heard = heard; time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "the other request behind a gap that a decoy fills" <<'PY'
c.segment(evil[20:], offset=20); time.sleep(0.05); c.segment(good[:20], timestamp=-90000); time.sleep(0.05); c.segment(evil[:20]); c.receive()
PY
attack "in pieces of one byte" <<'PY'
for i in range(0, 8): c.segment(evil[i:i+1], offset=i)
c.segment(evil[8:], offset=8); c.receive()
PY
attack "backwards" <<'PY'
c.segment(evil[30:], offset=30); time.sleep(0.02); c.segment(evil[:30]); c.receive()
PY

# An honest client that repeats itself is fine.
check "an identical repetition passes" bash -c "$(declare -f run_raw as_root); agent_process=$agent_process FAILCORE_SOURCE_DIR=$FAILCORE_SOURCE_DIR
run_raw as_root 93.184.216.10 '
c.segment(good[:30]); time.sleep(0.05); c.segment(good[:30]); c.segment(good[30:], offset=30); c.segment(good)
assert c.wait(lambda: b\"world\" in c.data, 10), c.data
print(\"fine\")' checked | grep -q fine"
check "conflicts are recorded" records '.code == "PACKET_MALFORMED" and (.reason | contains("repeated segment"))'
check "the other name is recorded" records '.code == "NAME_MISMATCH"'
