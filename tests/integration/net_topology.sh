#!/usr/bin/env bash
# Networks are made once, deleted whole, and survive being killed half way: at any moment of their making the guard
# and its maker are killed, nothing is left, and the next try succeeds. Uplinks into a named namespace and none; as
# root, and as an ordinary user whose world is a namespace of their own.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
world_start
chmod 755 "$work"
cat >"$work/policy.yaml" <<YAML
version: 1
name: topology-test
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80], name_check: address-only}
  dns: {upstream: [$world_dns]}
YAML
guard_name=topology$$
guard_audit=$work/audit
at_exit guard_down
create()
{
    timeout 30 "$bin/failcore-netns" create "$guard_name" --policy "$work/policy.yaml" --audit "$guard_audit" --uplink "$1"
}
of_it()
{
    pgrep -f "failcore-net.* $guard_audit( |\$)"
}
nothing_of_it()
{
    ! of_it && ! ip -n "$world_ns" -o link show | grep -v ' lo:' | grep -q .
}
reaches()
{
    in_agent curl -sS -4 -m 5 http://www.example.org/
}

for uplink in "netns:$world_ns" none "netns:/run/netns/$world_ns"; do
    killed=0
    for ms in 4 10 20 40 70 110 180; do
        [ "$uplink" != "netns:/run/netns/$world_ns" ] || break # the same but for its name
        create "$uplink" >/dev/null 2>&1 &
        maker=$!
        sleep 0.$(printf %03d $ms)
        kill -9 $(of_it) 2>/dev/null && killed=$((killed + 1))
        wait $maker 2>/dev/null
        kill -9 $(of_it) 2>/dev/null # who came too early
        wait_until 10 nothing_of_it || failed "$uplink: killed after $ms ms, something is left"
    done
    [ "$ms" = 4 ] || check "$uplink: some were killed" test $killed -ge 4
    check "$uplink: a network is made after all that" create "$uplink"
    pid=$(guard_pid)
    check "$uplink: made again, it is the same" create "$uplink"
    check "$uplink: the same guard" guard_status ".pid == $pid"
    check "$uplink: it is listed" sh -c "'$bin/failcore-netns' list | grep -qx '$guard_name open'"
    if [ "$uplink" = none ]; then
        check_fails "none: no name" in_agent getent hosts www.example.org
        check "none: no connection, at once" refused tcp 93.184.216.10 80 ECONNREFUSED
        check "none: no datagram, at once" refused udp 93.184.216.10 80 EHOSTUNREACH
        check "none: not even where nobody listens" refused tcp 10.77.0.1 80 ECONNREFUSED
    else
        check "$uplink: it reaches" reaches
    fi
    check "$uplink: delete" "$bin/failcore-netns" delete "$guard_name"
    check "$uplink: nothing is left" wait_until 10 nothing_of_it
    check_exit "$uplink: deleted once" 125 "$bin/failcore-netns" delete "$guard_name"
    check_fails "$uplink: nor listed" sh -c "'$bin/failcore-netns' list | grep -q '^$guard_name '"
done

# Two that make the same network at once are one.
create "netns:$world_ns" >/dev/null 2>&1 &
first=$!
check "a second maker at the same time" create "netns:$world_ns"
check "the first" wait $first
check "one guard" test "$(of_it | wc -l)" -le 4
check "which works" reaches
check "delete" "$bin/failcore-netns" delete "$guard_name"

# Where the world is not, or is no namespace.
for uplink in netns:no-such-$$ netns:/etc/passwd netns:/proc/self/ns/user; do
    check_exit "$uplink" 125 create $uplink
    check "$uplink: nothing is left" wait_until 10 nothing_of_it
done
for uplink in nowhere netns: veth:x ''; do
    check_fails "the uplink '$uplink'" create "$uplink"
done
check "the log is whole" "$bin/failcore" audit verify "$guard_audit"
[ -z "${USER_LEG:-}" ] || exit 0
as_ordinary_user net_topology.sh
