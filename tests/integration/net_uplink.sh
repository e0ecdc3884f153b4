#!/usr/bin/env bash
# The uplinks veth (root) and pasta (an ordinary user), from a namespace that stands for the host: what is
# allowed works through both, the host's own services and neighbours are out of reach, nothing is left.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
world_start
chmod 755 "$work" "$world_dir"
world_machine
ip -n "$world_ns" address add 93.184.215.9/24 dev lan0
world_zone 'lan.example.org A 93.184.215.9'
world_zone 'self.example.org A 93.184.215.5'
on_host()
{
    ip netns exec $machine "$@"
}
# rows: SR24
# Services of the host: on every address, and on loopback alone.
ip netns exec $machine python3 -c '
import socket, threading, time
def serve(address, port):
    s = socket.create_server((address, port))
    while True:
        c, peer = s.accept(); open("'"$work"'/host-was-reached", "a").write(f"{address} {port} {peer}\n"); c.close()
for a, p in (("0.0.0.0", 8080), ("127.0.0.1", 8081)): threading.Thread(target=serve, args=(a, p), daemon=True).start()
time.sleep(170)' >/dev/null 2>&1 &
at_exit "kill $!"
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: uplink-test
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [any], name_check: address-only}
    - {id: lan, action: allow, addresses: ["93.184.215.0/24"], ports: [any]}
YAML
chmod 644 "$work/policy.yaml"

# Everything that must hold for a guard named $guard_name, whatever its uplink.
common_checks()
{
    local kind=$1 address
    check "$kind: http" in_agent curl -sS -4 -m 5 http://www.example.org/
    check "$kind: and it was that host" grep -q '^world www.example.org 93.184.216.10' "$work/output.kept"
    for address in 93.184.215.5 93.184.215.1 93.184.215.9; do
        check_fails "$kind: $address of the host's network" in_agent python3 -c "$probe_script
assert result == 'ok'" tcp $address 8080
        # pasta gives the guard the host's own address: asking for it ends at the guard.
        [ "$kind $address" = "pasta 93.184.215.5" ] || check "$kind: its record" blocked SSRF_BLOCKED $address 'this host'
    done
    for address in 127.0.0.1 10.78.0.1 0.0.0.0 10.77.0.1; do
        check_fails "$kind: $address" in_agent python3 -c "$probe_script
assert result == 'ok'" tcp $address 8081
    done
    check_fails "$kind: a name of the host's neighbour" in_agent getent ahostsv4 lan.example.org
    check_fails "$kind: a name of the host" in_agent getent ahostsv4 self.example.org
    check "$kind: its record" records '.code == "DNS_REBINDING" and .call.host == "lan.example.org"'
    # A network that the host joins later is closed as well.
    ip -n $machine address add 93.184.216.99/24 dev wan0
    check "$kind: a new network of the host is closed" wait_until 3 blocked_now
    ip -n $machine address del 93.184.216.99/24 dev wan0
    check "$kind: and open again when it has gone" wait_until 3 in_agent curl -sS -4 -m 2 http://www.example.org/
    check_fails "$kind: nobody reached the host" test -e "$work/host-was-reached"
}
blocked_now()
{
    ! in_agent curl -sS -4 -m 2 http://www.example.org/
}
# `check` empties its output for the next line; this one keeps a copy.
eval "$(declare -f in_agent | sed 's/^in_agent/plain_in_agent/')"
in_agent()
{
    plain_in_agent "$@" | tee "$work/output.kept"
    return "${PIPESTATUS[0]}"
}

# ---- veth, as root
eval "$(declare -f guard_up | sed 's/^guard_up/plain_guard_up/; s/--uplink "netns:$world_ns"//; s/"$bin\/failcore-netns" create/on_host "$bin\/failcore-netns" create/')"
on_host sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
check_exit "veth: a host that does not forward is left alone" 125 plain_guard_up "$work/policy.yaml" --uplink veth
on_host sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
# Killed at any moment of its making, it leaves nothing on the host.
host_is_clean()
{
    ! ip netns exec $machine nft list tables | grep -q failcore && ! ip -n $machine link | grep -q fcw
}
at_exit "$bin/failcore-netns delete crash$$"
for ms in 10 30 60 100 150; do
    on_host "$bin/failcore-netns" create crash$$ --policy "$work/policy.yaml" --audit "$work/audit-crash" --uplink veth >/dev/null 2>&1 &
    maker=$!
    sleep 0.$(printf %03d $ms)
    kill -9 $(pgrep -f "failcore-net.* $work/audit-crash( |\$)") 2>/dev/null
    wait $maker 2>/dev/null
    kill -9 $(pgrep -f "failcore-net.* $work/audit-crash( |\$)") 2>/dev/null
    check "veth: killed after $ms ms, nothing is left" wait_until 10 host_is_clean
done
check "veth: a network is made" plain_guard_up "$work/policy.yaml" --uplink veth
common_checks veth
check "veth: one table on the host" sh -c "[ \$(ip netns exec $machine nft list tables | grep -c failcore_fcw) = 1 ]"
kill -9 "$(guard_pid)"
check "veth: the table goes with the guard" wait_until 3 sh -c "! ip netns exec $machine nft list tables | grep -q failcore"
check "veth: and the link" wait_until 3 sh -c "! ip -n $machine link | grep -q fcw"
guard_down

# ---- a host whose resolver listens on its loopback alone, as systemd-resolved does
echo 'nameserver 127.0.0.53' >/etc/netns/$machine/resolv.conf
ip netns exec $machine python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.53", 53))
while True:
    q, peer = s.recvfrom(65535)
    up = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); up.settimeout(2); up.sendto(q, (sys.argv[1], 53))
    try: s.sendto(up.recv(65535), peer)
    except TimeoutError: pass' "$world_dns" >/dev/null 2>&1 &
stub=$!
at_exit "kill $stub"
check "stub: a network is made" plain_guard_up "$work/policy.yaml" --uplink veth
check "stub: the host's resolver is the one that is asked" guard_status '.resolver.upstreams == ["127.0.0.53"]'
check "stub: http by name" wait_until 5 in_agent curl -sS -4 -m 5 http://www.example.org/
check_fails "stub: the agent cannot ask it itself" in_agent python3 -c "$probe_script
assert result == 'ok'" tcp 127.0.0.53 53
kill $stub
guard_down
echo "nameserver $world_dns" >/etc/netns/$machine/resolv.conf

# ---- pasta, as an ordinary user with a device node of its own
if ! command -v pasta >/dev/null; then
    echo "the pasta leg is left out: no pasta"
    exit
fi
check_exit "pasta: not for a network that root has made" 125 plain_guard_up "$work/policy.yaml" --uplink pasta
cp "$work/output" "$work/said"
check "pasta: and it says so" grep -q 'no network that root has made' "$work/said"
mkdir -m 755 "$work/bin"
cp "$bin"/failcore* "$work/bin/"
mkdir -m 700 "$work/user"
chown 65533:65533 "$work/user"
as_user()
{
    on_host unshare -m sh -c '
        mount -t tmpfs -o mode=755 none /dev/net && mknod -m 666 /dev/net/tun c 10 200
        exec setpriv --reuid 65533 --regid 65533 --clear-groups env -i PATH=/usr/bin:/bin HOME="$0/user" \
            XDG_RUNTIME_DIR="$0/user" XDG_STATE_HOME="$0/user" "$@"' "$work" "$@"
}
guard_name=pasta$$
guard_audit=$work/user/audit
in_agent()
{
    as_user timeout 20 "$work/bin/failcore-netns" exec "$guard_name" -- "$@" | tee "$work/output.kept"
    return "${PIPESTATUS[0]}"
}
at_exit "as_user $work/bin/failcore-netns delete $guard_name"
# A service manager ignores SIGPIPE for its services, which pastas of 2023 take for a failure of their own.
check "pasta: a network is made" as_user env --ignore-signal=PIPE "$work/bin/failcore-netns" create "$guard_name" --policy "$work/policy.yaml" --audit "$guard_audit"
common_checks pasta
check "pasta: the command is that user" in_agent sh -c '[ "$(id -u)" = 65533 ]'
check_fails "pasta: it owns nothing there" in_agent ip link set lo down
# The same user, but inside: the guard does not take its policy from whom it guards.
cat >"$work/speak.py" <<'PY'
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.settimeout(5)
s.connect(os.environ["XDG_RUNTIME_DIR"] + "/failcore/netns/" + sys.argv[1] + "/control")
print("connected", flush=True)
s.send(sys.argv[2].encode()); assert s.recv(100)
PY
for inside in "" "unshare --user --map-root-user --net"; do
    for word in status join stop; do
        check_fails "pasta: the guard does not hear the agent: $inside $word" in_agent $inside python3 "$work/speak.py" "$guard_name" $word
        check "pasta: who was there" grep -q connected "$work/output.kept"
    done
done
check "pasta: it hears its user" as_user python3 "$work/speak.py" "$guard_name" status
check "pasta: the log is whole" "$bin/failcore" audit verify "$guard_audit"
no_pasta_for()
{
    ! grep -qs "/proc/$1/ns/net" $(grep -ls pasta /proc/[0-9]*/comm | sed 's/comm$/cmdline/')
}
pid=$(as_user "$work/bin/failcore-netns" status --json "$guard_name" | jq .pid)
kill -9 "$pid"
check "pasta: it ends with the guard" wait_until 5 no_pasta_for "$pid"
check "pasta: delete" as_user "$work/bin/failcore-netns" delete "$guard_name"
