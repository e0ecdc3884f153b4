#!/usr/bin/env bash
# The guard's main job: what the policy names goes through, everything else is refused at once and
# recorded, private space is unreachable whatever a name says, and without the guard nothing moves.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
world_start
chmod 755 "$work" "$world_dir" # the agent is another user, and reads ca.pem
world_zone 'turn.example.org A 93.184.216.10 | 10.0.0.1'
world_zone 'turn.example.org TTL 0'
world_zone 'mixed.example.org A 93.184.216.11 169.254.169.254 127.0.0.1'
world_zone 'mapped.example.org AAAA ::ffff:10.0.0.1'
world_zone 'alias.example.org CNAME www.example.com'

cat >"$work/policy.yaml" <<'YAML'
version: 1
name: guard-test
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org", rebind.example.com], ports: [80, 443], name_check: address-only}
    - {id: no-files, action: deny, hosts: [files.example.org]}
    - {id: echo, action: allow, hosts: [www.example.org], ports: [7], protocols: [udp], name_check: address-only}
    - {id: cache, action: allow, addresses: ["93.184.216.13/32"], ports: [7777], protocols: [tcp, udp]}
    - {id: lan, action: allow, addresses: ["192.168.1.1/32"], allow_private: true, ports: [8080]}
YAML
check "a network is made" guard_up "$work/policy.yaml"
check "making it again changes nothing" "$bin/failcore-netns" create "$guard_name"

# What is allowed works.
check "http to an allowed host" in_agent curl -sS -4 -m 5 http://www.example.org/
check "and it was that host" world_saw '^http www.example.org 93.184.216.10:80'
check "over IPv6" in_agent curl -sS -6 -m 5 http://api.example.org/
check "tls to an allowed host" in_agent curl -sS -m 5 --cacert "$world_dir/ca.pem" https://api.example.org/
check "an address rule, tcp" reached tcp 93.184.216.13 7777
check "an address rule, udp" reached udp 93.184.216.13 7777
check "a hole in private space, by address" reached tcp 192.168.1.1 8080
check "udp where a rule allows it" in_agent python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)
s.sendto(b"x", (socket.gethostbyname("www.example.org"), 7)); assert s.recv(9) == b"x"'
check "an alias outside the rules, under a name inside" in_agent getent hosts alias.example.org

# What is not, is refused at once, with the right errno and a record.
check "a port that no rule names" refused tcp 93.184.216.10 8080 ECONNREFUSED
check "its record" blocked PORT_DENIED 93.184.216.10
check "an address without a name" refused tcp 93.184.216.12 80 ECONNREFUSED
check "its record" records '.code == "ADDRESS_DENIED" or .code == "DOMAIN_DENIED"'
check "udp that no rule names" refused udp 93.184.216.10 7777 EHOSTUNREACH
check_fails "a name that no rule names" in_agent getent hosts www.example.com
check "its record" records '.code == "DOMAIN_DENIED" and .call.host == "www.example.com" and .source == "dns"'
check "the resolver was not asked" test "$(grep -c 'dns udp www.example.com' "$world_dir/seen")" -le 2
check_fails "a name that a rule denies" in_agent getent hosts files.example.org
check "its record names the rule" records '.policy.rule == "no-files"'
for address in 169.254.169.254 10.0.0.1 127.0.0.2 192.168.1.1 100.64.0.1 224.0.0.1 0.0.0.0 255.255.255.255; do
    case $address in
    127.* | 224.* | 0.* | 255.*) in_agent python3 -c "$probe_script" tcp $address 80 >/dev/null ;;
    *)
        check "$address is refused" refused tcp $address 80 ECONNREFUSED
        check "its record names the range" blocked SSRF_BLOCKED $address
        ;;
    esac
    check_fails "$address was not reached" world_saw " $address:80\$"
done
check "the reason says what is there" blocked SSRF_BLOCKED 169.254.169.254 'cloud metadata'
check "the reason names the range" blocked SSRF_BLOCKED 169.254.169.254 '169.254.0.0/16'
for address in fd00:ec2::254 fc00::1 64:ff9b::a00:1 2002:a00:1:: 2001:db8::1 fec0::1; do
    check "$address is refused" refused tcp $address 80 ECONNREFUSED
    check "its record" blocked SSRF_BLOCKED $address
done

# Names that lie.
check_fails "a public name with a private answer" in_agent getent ahostsv4 rebind.example.com
check "its record" records '.code == "DNS_REBINDING" and .call.host == "rebind.example.com" and (.reason | contains("10.0.0.0/8"))'
check "first public" in_agent curl -sS -m 5 http://turn.example.org/
sleep 5.1
check_fails "then private" in_agent curl -sS -m 5 http://turn.example.org/
check "private addresses are taken out of an answer" in_agent sh -c '[ "$(getent ahostsv4 mixed.example.org | cut -d" " -f1 | sort -u)" = 93.184.216.11 ]'
check_fails "a private address inside an IPv6 form" in_agent getent ahostsv6 mapped.example.org
check_fails "none of it was reached" world_saw ' 10.0.0.1:'

# rows: dns/asked dns/refusal
# Other resolvers cannot be asked: every question on port 53 ends at the guard.
check_fails "a question to another resolver" in_agent python3 -c '
import socket
q = bytes.fromhex("00070100000100000000000003777777076578616d706c6503636f6d0000010001")
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2)
s.sendto(q, ("9.9.9.53", 53)); r = s.recv(512)
assert r[3] & 15 == 0'
check "a refusal carries an Extended DNS Error with the rule" in_agent python3 -c '
import socket
q = bytes.fromhex("0007010000010000000000010566696c6573076578616d706c65036f72670000010001") + bytes.fromhex("00002904d0000000000000")
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2)
s.sendto(q, ("9.9.9.53", 53)); r = s.recv(512)
print(r)
assert b"\x00\x0f" in r and b"no-files" in r and b"DOMAIN_DENIED" in r'

# The command is nobody, and owns nothing.
check "the command is not root" in_agent sh -c '[ "$(id -u)" -ge 1000 ]'
check_fails "the command has no capability over its network" in_agent ip link set lo down
check_fails "the command sees none of our processes" in_agent sh -c 'grep -l failcore-netguard /proc/[0-9]*/comm'
check_exit "the command's exit code" 7 in_agent sh -c 'exit 7'

# A killed exec leaves nothing behind, whatever its command ignores.
lives()
{
    pgrep -f "^sleep 60$$" >/dev/null
}
is_gone()
{
    ! lives
}
for signal in TERM KILL; do
    "$bin/failcore-netns" exec "$guard_name" -- sh -c "trap '' TERM; setsid sleep 60$$" </dev/null >/dev/null 2>&1 &
    holder=$!
    check "a command that ignores signals runs" wait_until 5 lives
    kill -$signal $holder
    check "it ends with its exec ($signal)" wait_until 2 is_gone
done
check_exit "not found" 127 in_agent no-such-command-$$
check_exit "cannot execute" 126 in_agent /etc/passwd
check_exit "usage" 2 "$bin/failcore-netns" exec
check_exit "a bad name" 2 "$bin/failcore-netns" delete ../x

# rows: pitfall/probes
check "status" guard_status '.counters.asked.packets > 0 and .packets.refused > 0'
check "the log is whole" "$bin/failcore" audit verify "$guard_audit"

# rows: pitfall/fail-open pitfall/trust-forever SR26
# Without the guard nothing moves: neither a new flow, nor one that was released before.
in_agent python3 -c '
import socket, sys, time
s = socket.create_connection(("93.184.216.13", 7777), timeout=3)
s.settimeout(1)
s.send(b"before"); s.recv(100)
print("up", flush=True)
sys.stdin.readline()
try:
    for i in range(3):
        s.send(b"after"); time.sleep(0.1)
    print("answer", s.recv(100), flush=True)
except OSError as error:
    print("nothing", error, flush=True)
try:
    socket.create_connection(("93.184.216.13", 7777), timeout=1)
    print("new", flush=True)
except OSError as error:
    print("no new", error, flush=True)
' >"$work/flow" 2>&1 < <(wait_until 15 test -e "$work/go"; echo) &
flow=$!
wait_until 5 grep -q up "$work/flow"
before=$(grep -c 'tcp 93.184.216.13:7777' "$world_dir/seen")
pid=$(guard_pid)
check "the flow is up" grep -q up "$work/flow"
children=$(cat "/proc/$pid/task/$pid/children")
kill -STOP $children # a stopped process hears no hang-up: the kernel has to end it
kill -9 "$pid"
world_capture
touch "$work/go"
wait $flow
check "a released flow stops with the guard" grep -q nothing "$work/flow"
check "a new one does not begin" grep -q 'no new' "$work/flow"
check "nothing arrived" test "$(grep -c 'tcp 93.184.216.13:7777' "$world_dir/seen")" = "$before"
check_fails "no packet crossed" world_captured 'host 93.184.216.13'
ended() # PID...: gone, or only waiting for its parent's parent to look
{
    ! grep -s '^State:' $(printf '/proc/%s/status ' "$@") | grep -qv 'Z (zombie)'
}
check "resolver and asker went with it" wait_until 5 ended $children
check "its links went with it" wait_until 5 sh -c "! ip -n $world_ns link | grep -q fcw"
check "delete after the guard died" "$bin/failcore-netns" delete "$guard_name"
check_fails "nothing is left" ls -d "/run/failcore/netns/$guard_name"
