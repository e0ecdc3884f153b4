#!/usr/bin/env bash
# The circuit breaker of a guard by itself (failcore-netns): connections, refusals and bytes; what is
# tripped stays closed, through a reload too, until it is resumed.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
world_start
policy()
{
    {
        printf 'version: 1\nname: breaker-test\nnetwork:\n  rules:\n'
        printf '    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80, 7777], name_check: address-only}\n'
        printf 'breaker:\n'
        for rule in "$@"; do printf '  - {%s}\n' "$rule"; done
    } >"$work/policy.yaml"
}
fetch()
{
    in_agent curl -sS -m 5 -o /dev/null "http://${1:-www}.example.org/"
}
tripped()
{
    "$bin/failcore-netns" status "$guard_name" --json | jq -e '.breaker == "tripped"' >/dev/null
}

policy 'event: connect, count: 3, within: 1h, action: freeze' 'event: blocked, count: 5, within: 1h, action: kill'
check "a network is made" guard_up "$work/policy.yaml"
for i in 1 2 3; do check "connection $i" fetch; done
check_fails "it has not tripped" tripped
check_fails "the fourth is refused" fetch
check "tripped" wait_until 5 tripped
check "with a record of the counts" wait_until 5 records '.kind == "BREAKER" and .call.event == "connect" and .call.count == 3 and .call.seen == 4 and .call.state == "tripped"'
check "and a refusal that names it" records '.code == "BREAKER_TRIPPED" and .policy.rule == "breaker.connect" and .reason == "more than 3 connections within 1h"'
check_fails "names are not resolved any more" in_agent getent hosts api.example.org
sed -i '/^breaker:/,$d' "$work/policy.yaml"
check "a policy without a breaker is loaded" "$bin/failcore-netns" reload "$guard_name"
check_fails "it stays closed" fetch
check "resume" "$bin/failcore-netns" resume "$guard_name"
check "and it is open" fetch
check_fails "there is nothing to resume then" "$bin/failcore-netns" resume "$guard_name"
policy 'event: blocked, count: 5, within: 1h, action: kill'
check "another policy" "$bin/failcore-netns" reload "$guard_name"
for i in 1 2 3 4 5; do fetch "x$i.example.com.nope" 2>/dev/null; in_agent getent hosts "n$i.example.com" >/dev/null; done
check "refusals trip it" wait_until 5 tripped
check_fails "also for what is allowed" fetch
guard_down

# A flow that lives is cut by what another one trips.
policy 'event: connect, count: 2, within: 1h, action: readonly'
check "a network is made" guard_up "$work/policy.yaml"
in_agent python3 -c '
import socket, time
s = socket.create_connection(("www.example.org", 7777), timeout=5)
s.sendall(b"a"); print("echo", s.recv(10), flush=True)
end = time.monotonic() + 10
try:
    while time.monotonic() < end:
        s.sendall(b"a"); s.recv(10); time.sleep(0.05)
    print("never cut", flush=True)
except OSError:
    print("cut", flush=True)' >"$work/flow" &
flow=$!
check "a flow" wait_until 5 grep -q echo "$work/flow"
check "another" fetch
check_fails "a third trips" fetch
wait $flow
check "the first is cut" grep -q '^cut' "$work/flow"
guard_down

policy 'event: bytes_out, count: 2MiB, within: 1h, action: readonly'
check "a network is made" guard_up "$work/policy.yaml"
in_agent python3 -c '
import socket, time
s = socket.create_connection(("www.example.org", 80), timeout=3)
s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n")
end, n = time.monotonic() + 8, 0
try:
    while time.monotonic() < end: n += s.send(bytes(20000)); time.sleep(0.01)
    print("never cut", n)
except OSError: print("cut", n)' >"$work/poured"
cat "$work/poured"
check "bytes are cut" grep -q '^cut' "$work/poured"
check "soon after the limit" test "$(cut -d' ' -f2 "$work/poured")" -lt 6000000
check "with a record" wait_until 5 records '.kind == "BREAKER" and .call.event == "bytes_out"'
