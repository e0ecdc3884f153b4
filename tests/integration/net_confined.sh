#!/usr/bin/env bash
# What the guard's processes have given up once the guard is open: identity, capabilities over anything
# but the guard's own namespace, system calls, files.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
world_start
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: confined
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80], name_check: address-only}
YAML
check "a network is made" guard_up "$work/policy.yaml"
agent_root_up
daemon=$(guard_pid)
resolver='' asker=''
for process in $(cat "/proc/$daemon/task/$daemon/children"); do
    case $(cat "/proc/$process/comm") in
    failcore-dns) resolver=$process ;;
    failcore-ask) asker=$process ;;
    esac
done
check "the resolver is there" test -n "$resolver"
check "the asker is there" test -n "$asker"
status_of()
{
    sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

net_admin=0000000000001000 none=0000000000000000
for process in "$daemon" "$resolver" "$asker"; do
    name=$(cat "/proc/$process/comm")
    check "$name: a list of system calls" test "$(status_of "$process" Seccomp)" = 2
    check "$name: no new privileges" test "$(status_of "$process" NoNewPrivs)" = 1
    check "$name: nobody" test "$(status_of "$process" Uid | tr '\t' ' ')" = '65534 65534 65534 65534'
    check "$name: nobody's group" test "$(status_of "$process" Gid | tr '\t' ' ')" = '65534 65534 65534 65534'
    check "$name: no other group" test -z "$(status_of "$process" Groups)"
    check "$name: nothing inheritable" test "$(status_of "$process" CapInh)" = $none
    check "$name: nothing ambient" test "$(status_of "$process" CapAmb)" = $none
    [ "$process" = "$daemon" ] || check "$name: no capability, and no way to any" test "$(status_of "$process" CapPrm) $(status_of "$process" CapEff) $(status_of "$process" CapBnd)" = "$none $none $none"
    check "$name: no file or directory is open" test -z "$(find "/proc/$process/fd" -mindepth 1 -printf '%l\n' | grep -v -e '^socket:' -e '^anon_inode:' -e '^pipe:' -e '^/dev/null$' -e '^/memfd:' -e '^net:' -e '^user:' -e '^/proc$' -e '^/dev/shm/' -e '(deleted)$')"
done
check "the daemon: one capability" test "$(status_of "$daemon" CapPrm) $(status_of "$daemon" CapEff) $(status_of "$daemon" CapBnd)" = "$net_admin $net_admin $net_admin"
check_fails "the daemon: not over the machine" test "$(readlink "/proc/$daemon/ns/user")" = "$(readlink /proc/1/ns/user)"

# Every capability that the daemon's user namespace could give: what is it good for?
as_guard()
{
    local net=$1
    shift
    nsenter --user="/proc/$daemon/ns/user" --net="/proc/$net/ns/net" "$@"
}
at_guard()
{
    nsenter --user="/proc/$daemon/ns/user" --net="/proc/$daemon/ns/net" "$@"
}
check "over the guard's own network: all" at_guard nft list table inet guard
check_fails "over the machine's network: nothing" as_guard 1 ip link add confined$$ type veth peer name confinep$$
check_fails "over the agent's network: nothing" as_guard "$agent_process" ip link set lo down
check_fails "over the world's: nothing" nsenter --user="/proc/$daemon/ns/user" --net="/run/netns/$world_ns" ip link set lo down
check_fails "over the machine's host name: nothing" nsenter --user="/proc/$daemon/ns/user" hostname "$(hostname)"

# And all of it still works from there: names, flows, the status, a reload, records.
check "names and flows" in_agent curl -sS -4 -m 5 http://www.example.org/
check "refusals" refused tcp 10.0.0.1 80 ECONNREFUSED
check "the status" guard_status '.packets.judged > 0'
check "a reload" "$bin/failcore-netns" reload "$guard_name"
check "names and flows after it" in_agent curl -sS -4 -m 5 http://api.example.org/
check "records" records '.call.op == "connect" and .status == "ALLOWED"'
check_exit "others may not ask" 125 setpriv --reuid 65533 --clear-groups "$bin/failcore-netns" status "$guard_name"
check "delete" "$bin/failcore-netns" delete "$guard_name"
check "all three are gone" wait_until 5 test ! -e "/proc/$daemon" -a ! -e "/proc/$resolver" -a ! -e "/proc/$asker"
