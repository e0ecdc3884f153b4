#!/usr/bin/env bash
# network.budget: connections per minute, bytes per host, bytes of the run.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
world_start
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: budget-test
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80, 7777], name_check: address-only}
  budget: {connections_per_minute: 10, bytes_out: 6MiB, bytes_out_per_host: 2MiB}
YAML
check "a network is made" guard_up "$work/policy.yaml"
# rows: odd/volume
# One flow that sends until it is cut off; prints how many bytes came back.
pour()
{
    in_agent python3 -c '
import socket, sys, time
s = socket.create_connection((sys.argv[1], 80), timeout=3)
s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n")
end, n = time.monotonic() + 8, 0
try:
    while time.monotonic() < end: n += s.send(bytes(20000)); time.sleep(0.02)
    print("never cut", n)
except OSError as error:
    print("cut", n)' "$1"
}
pour www.example.org >"$work/first"
cat "$work/first"
check "a flow beyond its host's bytes is cut off" grep -q '^cut' "$work/first"
check "soon after the limit" test "$(cut -d' ' -f2 "$work/first")" -lt 4500000
check "its record" records '.code == "BUDGET_EXCEEDED" and (.reason | contains("bytes_out_per_host"))'
check_fails "another flow to that host" in_agent python3 -c "$probe_script
assert result == 'ok'" tcp 93.184.216.10 80
check "another host is another matter" in_agent curl -sS -m 5 -o /dev/null http://api.example.org/
in_agent sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do curl -sS -m 3 -o /dev/null http://api.example.org/ || echo no; done' >"$work/many" 2>&1
check "connections per minute" grep -q no "$work/many"
check "its record" records '.code == "BUDGET_EXCEEDED" and (.reason | contains("connections_per_minute"))'
