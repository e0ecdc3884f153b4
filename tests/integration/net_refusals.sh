#!/usr/bin/env bash
# Every kind of refusal: TCP and UDP, IPv4 and IPv6, of special-purpose and unlisted addresses, wrong ports, names
# that cannot be checked, the guard itself: at once (50 ms), with the right errno, and with its record. For the agent,
# for root inside its namespace, and all of it again for an ordinary user's network.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
world_start
chmod 755 "$work"
cat >"$work/policy.yaml" <<YAML
version: 1
name: refusals-test
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80, 443], protocols: [tcp, udp]}
    - {id: no-files, action: deny, addresses: ["93.184.216.13/32", "2606:2800:220::13/128"]}
  dns: {upstream: [$world_dns]}
YAML
check "a network is made" guard_up "$work/policy.yaml"
in_agent getent ahosts www.example.org >/dev/null

# kind, IPv4, IPv6, port, code ("-": the kernel's own record, which has its reason and no daemon's code)
cat >"$work/kinds" <<'KINDS'
metadata 169.254.169.254 fd00:ec2::254 80 SSRF_BLOCKED
private 10.0.0.1 fc00::1 80 SSRF_BLOCKED
shared 100.64.0.1 2001:db8::1 443 SSRF_BLOCKED
embedded 192.88.99.1 64:ff9b::a00:1 80 SSRF_BLOCKED
reserved 240.0.0.1 4000::1 80 SSRF_BLOCKED
unlisted 93.184.216.12 2606:2800:220::12 80 ADDRESS_DENIED
a-deny-rule 93.184.216.13 2606:2800:220::13 80 ADDRESS_DENIED
wrong-port 93.184.216.10 2606:2800:220::10 8080 PORT_DENIED
dns-over-tls 93.184.216.10 2606:2800:220::10 853 PORT_DENIED
the-guard 10.77.0.1 fd77:fc::1 80 ADDRESS_DENIED
KINDS
cat >"$work/probe.py" <<'PY'
import errno, socket, sys, time
def probe(kind, address, port):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    s.settimeout(3)
    began = time.monotonic()
    try:
        s.connect((address, port))
        if kind == "udp":
            s.send(b"probe"); s.recv(100)
        result = "ok"
    except TimeoutError:
        result = "timeout"
    except OSError as error:
        result = errno.errorcode[error.errno]
    return result, (time.monotonic() - began) * 1000
bad = 0
def expect(word, kind, address, port, wanted):
    global bad
    for attempt in range(3):  # the machine may be busy; the errno is the same each time
        result, ms = probe(kind, address, port)
        if result != wanted or ms < 50: break
    if result != wanted or ms >= 50:
        print(f"{word}: {kind} {address} port {port}: {result} after {ms:.0f} ms, not {wanted}")
        bad += 1
for line in open(sys.argv[1]):
    word, v4, v6, port, code = line.split()
    for address in (v4, v6):
        expect(word, "tcp", address, int(port), "ECONNREFUSED")
        expect(word, "udp", address, int(port), sys.argv[3] if ":" in address else sys.argv[2])
for address in ("93.184.216.10", "2606:2800:220::10"):
    expect("quic", "udp", address, 443, sys.argv[3] if ":" in address else sys.argv[2])
    expect("a name that cannot be checked", "udp", address, 80, sys.argv[3] if ":" in address else sys.argv[2])
sys.exit(bad != 0)
PY
# ICMP says "administratively prohibited"; what Linux makes of it differs between the families (icmp(7), RFC 4443).
check "each is refused at once" in_agent python3 "$work/probe.py" "$work/kinds" EHOSTUNREACH EACCES
agent_root_up
check "for root inside the namespace, too" as_root python3 "$work/probe.py" "$work/kinds" EHOSTUNREACH EACCES
while read -r kind v4 v6 port code; do
    for address in $v4 $v6; do
        for protocol in tcp udp; do
            check "$kind: the record of $protocol to $address" \
                records ".status == \"BLOCKED\" and .code == \"$code\" and .call.address == \"$address\" and .call.protocol == \"$protocol\""
        done
    done
done <"$work/kinds"
check "QUIC's record" records '.code == "NAME_MISMATCH" and .call.protocol == "udp" and (.reason | contains("QUIC"))'
check_fails "none was reached" world_saw '^\(http\|tcp\|udp\|tls\)'
check "the log is whole" "$bin/failcore" audit verify "$guard_audit"
guard_down
[ -z "${USER_LEG:-}" ] || exit 0
as_ordinary_user net_refusals.sh
