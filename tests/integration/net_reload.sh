#!/usr/bin/env bash
# A reload judges every live flow once more: those that the new policy allows notice nothing, those
# that it does not are cut off. And what a stopped, flooded or killed guard does.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
world_start
write_policy()
{
    cat >"$work/policy.yaml" <<YAML
version: 1
name: reload-test
revision: "$1"
network:
  rules:
    - {id: web, action: allow, hosts: [www.example.org], ports: [80, 443]}
    - {id: raw, action: allow, hosts: ["$2"], ports: [7777], name_check: address-only}
YAML
}
write_policy 1 api.example.org
check "a network is made" guard_up "$work/policy.yaml"

# A flow that the second policy no longer allows, and one that it does.
in_agent python3 -c '
import socket, sys, time
s = socket.create_connection(("api.example.org", 7777), timeout=3)
s.sendall(b"a"); s.recv(10); print("up", flush=True)
for i in range(200):
    time.sleep(0.05)
    try:
        s.sendall(b"b"); s.settimeout(2)
        if not s.recv(10): break
    except OSError as error:
        print("cut", error, flush=True); sys.exit()
print("never cut", flush=True)' >"$work/revoked" 2>&1 &
revoked=$!
in_agent python3 -c '
import http.client, time
c = http.client.HTTPConnection("www.example.org", timeout=5)
end, n = time.monotonic() + 5, 0
while time.monotonic() < end:
    c.request("GET", "/bytes/300000"); assert len(c.getresponse().read()) == 300000; n += 1
print("fine", n)' >"$work/kept" 2>&1 &
kept=$!
# New connections all the while: none may fail.
in_agent python3 -c '
import http.client, time
end, n = time.monotonic() + 5, 0
while time.monotonic() < end:
    c = http.client.HTTPConnection("www.example.org", timeout=5)
    c.request("GET", "/"); c.getresponse().read(); c.close(); n += 1
    time.sleep(0.15)  # two questions each: within the 20 a second of the policy
print("fine", n)' >"$work/new" 2>&1 &
new=$!
wait_until 5 grep -q up "$work/revoked"
# rows: pitfall/base-chains pitfall/trust-forever
for i in $(seq 30); do
    "$bin/failcore-netns" reload "$guard_name" || failed "reload $i"
    sleep 0.05
done
check "30 reloads under load" guard_status '.generation == 31'
write_policy 2 files.example.net
check "the second policy" "$bin/failcore-netns" reload "$guard_name"
wait $kept $new
check "an open connection went on" grep -q '^fine' "$work/kept"
check "no new connection failed" grep -q '^fine' "$work/new"
wait $revoked
check "the revoked flow was cut off" grep -q '^cut' "$work/revoked"
check "its record" blocked DOMAIN_DENIED 93.184.216.11
check "the new policy's record" records '.kind == "POLICY" and .policy.version == "2"'
check_fails "a new flow of the revoked rule" in_agent python3 -c "$probe_script
assert result == 'ok'" tcp 93.184.216.11 7777
cp "$work/policy.yaml" "$work/kept.yaml"
sed -i 's/^network:/network:\n  dns: {upstream: [9.9.9.54]}/' "$work/policy.yaml"
check_fails "other resolvers want another guard" "$bin/failcore-netns" reload "$guard_name"
cp "$work/output" "$work/refusal"
check "it says so" grep -q "keeps its network.dns.upstream" "$work/refusal"
mv "$work/kept.yaml" "$work/policy.yaml"
echo 'netwrk: {}' >>"$work/policy.yaml"
check_exit "a bad policy is refused" 65 "$bin/failcore-netns" reload "$guard_name"
cp "$work/output" "$work/refusal"
check "with its line" grep -q "policy.yaml:8" "$work/refusal"
check "the old one goes on" in_agent curl -sS -m 5 http://www.example.org/

# rows: pitfall/fail-open
# A stopped guard (SIGSTOP): released flows stop when the lease ends.
mkfifo "$work/go"
exec 8<>"$work/go"
in_agent python3 -c '
import socket, sys
s = socket.create_connection(("www.example.org", 80), timeout=3)
s.sendall(b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n"); s.recv(1000); print("up", flush=True)
sys.stdin.readline()
s.sendall(b"GET /late HTTP/1.1\r\nHost: www.example.org\r\n\r\n"); s.settimeout(2)
try: print("answer", s.recv(1000))
except OSError as error: print("nothing", error)' <&8 >"$work/stopped" 2>&1 &
stopped=$!
wait_until 5 grep -q up "$work/stopped"
pid=$(guard_pid)
before=$(grep -c ^http "$world_dir/seen")
kill -STOP "$pid"
sleep 2.5 # longer than the lease (RULESET_LEASE_MS)
echo >&8
wait $stopped
check "a stopped guard lets nothing on" grep -q nothing "$work/stopped"
check "nothing arrived" test "$(grep -c ^http "$world_dir/seen")" = "$before"
kill -CONT "$pid"
check "a guard that goes on, goes on" wait_until 10 in_agent curl -sS -m 5 http://www.example.org/

# A flood starves only its maker, and nothing of it leaves.
agent_root_up
world_capture
flooded()
{
    as_root python3 "$FAILCORE_SOURCE_DIR/tests/support/flood.py" syn 2 93.184.216.12 4000 >"$work/flood" 2>&1 &
    as_root python3 "$FAILCORE_SOURCE_DIR/tests/support/flood.py" syn 2 93.184.216.12 4000 >/dev/null 2>&1
    wait $!
    guard_status '.counters.too_fast.packets > 0'
}
check "a flood of SYNs, what is too much of it is counted" wait_until 40 flooded
check "it was one" test "$(cat "$work/flood")" -gt 2000
check "the guard still works" wait_until 10 in_agent curl -sS -m 5 http://www.example.org/
check_fails "nothing of it left" world_captured 'tcp dst port 4000'
check "the log is whole" "$bin/failcore" audit verify "$guard_audit"
