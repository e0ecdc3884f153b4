#!/usr/bin/env bash
# The name inside a connection is held against the name that led to its address (SR22, SR27): TLS
# hellos and first HTTP requests, whole, in pieces, repeated, and forged.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
world_start
chmod 755 "$work" "$world_dir"
# Two names of one address (shared hosting), one of them not allowed; and one elsewhere.
world_zone 'shared.example.org A 93.184.216.10'
world_zone 'denied.example.com A 93.184.216.10'
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: names-test
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80, 443, 7777]}
    - {id: plain, action: allow, hosts: [api.example.org], ports: [8080], name_check: http}
    - {id: raw, action: allow, hosts: [api.example.org], ports: [7], protocols: [tcp, udp], name_check: address-only}
    - {id: second, action: allow, hosts: [shared.example.org], ports: [7], name_check: address-only}
    - {id: udp, action: allow, hosts: [api.example.org], ports: [443, 7777], protocols: [udp]}
YAML
check "a network is made" guard_up "$work/policy.yaml"

tls()
{
    in_agent python3 -c '
import socket, ssl, sys
name, sni, ca, version = sys.argv[1:5]
context = ssl.create_default_context(cafile=ca)
context.check_hostname = False
if version == "1.2": context.maximum_version = ssl.TLSVersion.TLSv1_2
s = socket.create_connection((name, 443), timeout=3)
s = context.wrap_socket(s, server_hostname=sni if sni != "-" else None)
s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
assert b"world" in s.recv(4000) + s.recv(4000)
print("reached")' "$1" "$2" "$world_dir/ca.pem" "${3:-1.3}"
}

# raw NAME PORT PYTHON: a connection `s`, and its hello for www.example.org as bytes `hello`.
raw()
{
    in_agent python3 -c '
import socket, ssl, sys, time
def hello_for(name):
    out = ssl.MemoryBIO()
    c = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    try: c.do_handshake()
    except ssl.SSLWantReadError: pass
    return out.read()
hello = hello_for("www.example.org")
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
'"$3"'
print("reached")' "$1" "$2"
}

# While the name is awaited, acknowledgements without data are the kernel's: of a connection that has
# said nothing only the first packet was asked about. ("asked" counts both ways, on both families.)
asked_to_connect()
{
    local before after
    rm -f "$work/connected"
    before=$(guard_status .counters.asked.packets) || return 1
    in_agent python3 -c '
import os, socket, sys
s = socket.create_connection((sys.argv[1], 443), timeout=3)
print("connected", flush=True)
os.read(0, 1)' "$1" <&"$held" >"$work/connected" &
    wait_until 5 grep -q connected "$work/connected" || return 1
    after=$(guard_status .counters.asked.packets) || return 1
    echo "asked $((after - before)) times"
    [ $((after - before)) = 1 ]
}

# Given up before it has said anything: the reset is the kernel's, too, and arrives.
asked_to_give_up()
{
    local before after
    before=$(guard_status .counters.asked.packets) || return 1
    in_agent python3 -c '
import socket, struct, sys
s = socket.create_connection((sys.argv[1], 443), timeout=3)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
print(s.getsockname()[1])
s.close()' "$1" >"$work/port" || return 1
    after=$(guard_status .counters.asked.packets) || return 1
    echo "asked $((after - before)) times"
    [ $((after - before)) = 1 ] && wait_until 5 ended "$(cat "$work/port")"
}
ended() { [ -z "$(world_exec ss -Htn state established "dport = :$1")" ]; }

mkfifo "$work/hold"
exec {held}<>"$work/hold"
in_agent getent ahosts www.example.org >/dev/null
check "one question for a connection" asked_to_connect 93.184.216.10
check "one question for a connection, IPv6" asked_to_connect 2606:2800:220::10
check "none for giving it up" asked_to_give_up 93.184.216.10
check "none for giving it up, IPv6" asked_to_give_up 2606:2800:220::10
tcp_times() { nsenter --net="/proc/$agent_process/ns/net" sh -c "echo $1 >/proc/sys/net/ipv4/tcp_timestamps"; }
agent_root_up
tcp_times 0
check "one question without timestamps" asked_to_connect 93.184.216.10
check "and none for giving it up" asked_to_give_up 93.184.216.10
check "one question without timestamps, IPv6" asked_to_connect 2606:2800:220::10
tcp_times 1
printf 'ends' >&"$held"

# rows: hello/one
check "tls 1.3" tls www.example.org www.example.org
check "tls 1.2" tls www.example.org www.example.org 1.2
check "another case" tls www.example.org WWW.Example.ORG
check "its record has the name" records '.call.op == "hello" and .call.sni == "www.example.org" and .status == "ALLOWED"'
check "and the end of the flow, with its bytes, soon" wait_until 10 records '.kind == "RESULT" and .call.op == "flow_end" and .call.sni == "www.example.org" and .call.bytes_in > 1000'
# The end of a flow comes to light when the next one of the same ports begins.
check "the same ports, again and again" in_agent python3 -c "
import socket, struct
address = socket.gethostbyname('www.example.org')
for i in range(60):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    s.settimeout(5)
    s.bind(('', 40404))
    s.connect((address, 80))
    s.sendall(b'GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n')
    assert b'world' in s.recv(4000), i
    s.close()
"
check "curl" in_agent curl -sS -m 5 --cacert "$world_dir/ca.pem" https://www.example.org/
check "a second allowed name of the same address" tls shared.example.org shared.example.org
# Of several names of an address the record has the one that the rule is about, whichever came last.
for last in www.example.org shared.example.org; do
    in_agent sh -c "getent ahostsv4 www.example.org; getent ahostsv4 shared.example.org; getent ahostsv4 $last" >/dev/null
    check "a rule for one of two names ($last came last)" reached tcp 93.184.216.10 7
done
check "its records have that name" test "$(sleep 0.5; cat "$guard_audit"/log/*.jsonl | jq -r 'select(.policy.rule == "second" and .call.op == "connect" and .kind == "DECISION") | .call.host' | sort | uniq -c | tr -s ' ')" = ' 2 shared.example.org'
check "http" in_agent curl -sS -m 5 http://www.example.org/
check "http where a rule says so" in_agent curl -sS -m 5 http://api.example.org:8080/
check "address-only" raw api.example.org 7 's.sendall(b"anything"); assert s.recv(100) == b"anything"'
check "udp with address-only" in_agent python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)
s.sendto(b"x", (socket.gethostbyname("api.example.org"), 7)); assert s.recv(9) == b"x"'

before=$(wc -l <"$world_dir/seen")
# rows: pitfall/pins-are-not-names SR27
check_fails "the name of another host" tls www.example.org api.example.org
check "its record" blocked NAME_MISMATCH 93.184.216.10
check_fails "a name that no rule allows, at the same address" tls www.example.org denied.example.com
sleep 1.1 # the third refusal of one endpoint within a second would be folded into a count
# rows: hello/hidden
check_fails "no name at all" tls www.example.org -
check "its record" records '.code == "NAME_MISMATCH" and (.reason | contains("names no server"))'
check_fails "http for another host" in_agent curl -sS -m 5 -H 'Host: denied.example.com' http://www.example.org/
check_fails "http without a host" raw www.example.org 80 's.sendall(b"GET / HTTP/1.0\r\n\r\n"); assert s.recv(100)'
check_fails "http with two hosts" raw www.example.org 80 's.sendall(b"GET / HTTP/1.1\r\nHost: www.example.org\r\nHost: denied.example.com\r\n\r\n"); assert s.recv(100)'
check_fails "an absolute target for another host" raw www.example.org 80 's.sendall(b"GET http://denied.example.com/ HTTP/1.1\r\nHost: www.example.org\r\n\r\n"); assert s.recv(100)'
check_fails "a tunnel" raw www.example.org 80 's.sendall(b"CONNECT denied.example.com:443 HTTP/1.1\r\nHost: www.example.org\r\n\r\n"); assert s.recv(100)'
check_fails "http 2 without tls" raw www.example.org 80 's.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); assert s.recv(100)'
check_fails "a host name hidden in a folded line" raw www.example.org 80 's.sendall(b"GET / HTTP/1.1\r\nX: y\r\n Host: www.example.org\r\nHost: denied.example.com\r\n\r\n"); assert s.recv(100)'
check_fails "plain bytes where TLS is wanted" raw www.example.org 7777 's.sendall(b"anything\n"); assert s.recv(100)'
check_fails "ssh where TLS is wanted" raw www.example.org 443 's.sendall(b"SSH-2.0-x\r\n"); assert s.recv(100)'
check_fails "udp without address-only" in_agent python3 -c "$probe_script
assert result == 'ok'" udp 93.184.216.11 7777
check "its record" records '.code == "NAME_MISMATCH" and .call.protocol == "udp" and .call.port == 7777'
# rows: hello/quic
check_fails "quic" in_agent python3 -c "$probe_script
assert result == 'ok'" udp 93.184.216.11 443
check "its record" records '.code == "NAME_MISMATCH" and (.reason | contains("QUIC"))'
check "only connections reached the world, no request" test -z "$(tail -n +$((before + 1)) "$world_dir/seen" | grep -v -e ^accept -e ^dns)"

# rows: hello/pieces pitfall/first-payload
# Pieces: held until whole, released once, judged whole.
for cut in 1 5 9 43 100; do
    check "a hello cut at $cut" raw www.example.org 443 "
s.sendall(hello[:$cut]); time.sleep(0.05); s.sendall(hello[$cut:])
assert s.recv(5)[0] == 22"
    check_fails "the wrong name cut at $cut" raw www.example.org 443 "
h = hello_for('denied.example.com')
s.sendall(h[:$cut]); time.sleep(0.05); s.sendall(h[$cut:])
assert s.recv(5)[0] == 22"
done
# More segments than a sender may have on its way (sixteen) cannot be held: nobody acknowledges them.
check "a hello in many pieces, in records of 40 bytes" raw www.example.org 443 '
body = hello[5:]
h = b"".join(hello[:3] + len(body[i:i+40]).to_bytes(2, "big") + body[i:i+40] for i in range(0, len(body), 40))
for i in range(0, len(h), 72):
    s.sendall(h[i:i+72]); time.sleep(0.01)
assert s.recv(5)[0] == 22'
check "a large hello" raw www.example.org 443 '
import struct
pad = struct.pack("!HH", 0x1234, 6000) + bytes(6000)
body = hello[5:]
ext_at = 4 + 2 + 32; ext_at += 1 + body[ext_at]; ext_at += 2 + int.from_bytes(body[ext_at:ext_at+2], "big"); ext_at += 1 + body[ext_at]
n = int.from_bytes(body[ext_at:ext_at+2], "big")
b = body[4:ext_at] + struct.pack("!H", n + len(pad)) + body[ext_at+2:] + pad
b = b"\1" + len(b).to_bytes(3, "big") + b
s.sendall(b"\x16\3\1" + struct.pack("!H", len(b)) + b)
assert s.recv(5)[0] == 22'
check_fails "bytes after the hello in its record" raw www.example.org 443 '
h = bytearray(hello); n = int.from_bytes(h[3:5], "big") + 4
h[3:5] = n.to_bytes(2, "big"); s.sendall(bytes(h) + b"\1\0\0\0")
assert s.recv(5)[0] == 22'
check_fails "a hello that never ends" raw www.example.org 443 's.sendall(hello[:50]); s.settimeout(8); assert s.recv(5)[0] == 22'
check "its record" records '.code == "NAME_MISMATCH" and (.reason | contains("did not come to an end"))'
check "a slow request is fine" raw www.example.org 80 '
s.sendall(b"GET / HTTP/1.1\r\nHo"); time.sleep(0.3); s.sendall(b"st: www.example.org\r\n\r\n"); assert b"world" in s.recv(4000)'
check "bulk after the check" raw www.example.org 80 '
s.sendall(b"GET /bytes/20000000 HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
n = 0
while n < 20000000: n += len(s.recv(1 << 20))'
check "a large upload with the request" raw www.example.org 80 '
s.sendall(b"POST / HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 5000000\r\n\r\n" + bytes(5000000))
assert b"world" in s.recv(4000)'
check "the log is whole" "$bin/failcore" audit verify "$guard_audit"
