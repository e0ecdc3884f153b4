#!/usr/bin/env bash
# A network that a file describes: its name is enough. And what its guard says of it.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
if [ -z "${OWN_MOUNTS:-}" ]; then
    unshare --mount true 2>/dev/null || skip "cannot make a mount namespace"
    checks_passed=1
    OWN_MOUNTS=1 exec unshare --mount --propagation private bash "$0" "$@"
fi
place=$(grep -ao '/[a-z/]*/netns/%s.yaml' "$bin/failcore-netns")
place=${place%/netns/%s.yaml}
if [ ! -d "$place" ]; then
    mkdir -p "$place"
    at_exit rmdir "$place"
fi
mount -t tmpfs none "$place" || skip "cannot mount a tmpfs"
at_exit umount "$place"
mkdir "$place/netns"
chmod 755 "$work"
world_start
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: from-file
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80], name_check: address-only}
    - {id: echo, action: allow, hosts: [www.example.org], ports: [7777], name_check: address-only}
YAML
guard_name=file$$
guard_audit=$work/audit
at_exit guard_down
cat >"$place/netns/$guard_name.yaml" <<YAML
# All that there is to say.
policy: [$work/policy.yaml]
uplink: netns:$world_ns
audit: $guard_audit
user: nobody
YAML
check "exec with only the file" in_agent curl -sS -4 -m 5 http://www.example.org/
check "and it was that world" world_saw '^http www.example.org 93.184.216.10:80'
check "its policy holds" refused tcp 93.184.216.10 8080 ECONNREFUSED
check "its records are where the file says" blocked PORT_DENIED 93.184.216.10
check "the command is the file's user" test "$(in_agent id -u)" = "$(id -u nobody)"
check "a reload reads its policies again" "$bin/failcore-netns" reload "$guard_name"
check "delete" "$bin/failcore-netns" delete "$guard_name"
check "create with only the file" "$bin/failcore-netns" create "$guard_name"
check "a name" in_agent getent ahostsv4 www.example.org
check_fails "a refused name" in_agent getent ahostsv4 www.example.com

# What the guard says of itself.
in_agent python3 -c '
import socket, sys
s = socket.create_connection(("www.example.org", 7777), timeout=3)
s.sendall(b"x" * 1000); s.recv(4000)
print("up", flush=True); sys.stdin.readline()' >"$work/flow" < <(wait_until 30 test -e "$work/go") &
wait_until 10 grep -q up "$work/flow"
live='.flows.live[] | select(.host == "www.example.org" and .port == 7777)'
check "a live flow with its name" guard_status "$live | .protocol == \"tcp\" and .state == \"released\""
check "and its bytes" guard_status "$live | .bytes_out > 1000 and .bytes_in > 1000"
check "names asked and refused" guard_status '.resolver.asked > 1 and .resolver.refused > 0 and .resolver.answered > 0'
check "the resolvers that are asked" guard_status ".resolver.upstreams == [\"$world_dns\"]"
check "counters of the kernel" guard_status '.counters | has("spoofed") and has("asked")'
check "packets" guard_status '.packets.judged > 0'
human=$("$bin/failcore-netns" status "$guard_name")
check "for people" grep -q "^$guard_name: open" <<<"$human"
check_fails "which is not JSON" jq . <<<"$human"
check "the flow" grep -Eq 'tcp [0-9]+ -> 93.184.216.10 port 7777 www.example.org, released' <<<"$human"
check "the resolvers" grep -q "resolvers asked: $world_dns" <<<"$human"
check "the counters" grep -q '^kernel: .*asked [1-9]' <<<"$human"
touch "$work/go"
wait_flow_gone()
{
    ! guard_status "$live | true" >/dev/null
}
check "a flow that has ended is gone" wait_until 10 wait_flow_gone
"$bin/failcore-netns" delete "$guard_name"

# What a file may not say. The command line goes first.
says()
{
    local text=$1 name=bad$$
    printf '%s\n' "$text" >"$place/netns/$name.yaml"
    at_exit "$bin/failcore-netns delete $name 2>/dev/null"
    "$bin/failcore-netns" create "$name" "${@:2}" 2>"$work/said"
}
check_exit "an unknown key" 65 says 'uplnk: veth'
check "where it is" grep -q 'netns/bad.*yaml:1:1' "$work/said"
check_exit "a key twice" 65 says $'uplink: none\nuplink: veth'
check_exit "a list where a word belongs" 65 says 'uplink: [none]'
check_exit "a relative path" 65 says 'policy: [./mine.yaml]'
check_exit "a relative audit directory" 65 says 'audit: log'
check_exit "no map" 65 says 'none'
check_exit "no YAML" 65 says 'policy: ['
printf 'uplink: none\n' >"$place/netns/open$$.yaml"
chmod 666 "$place/netns/open$$.yaml"
check_exit "a file that others may write" 65 "$bin/failcore-netns" create open$$
check "the command line goes before the file" says $'uplink: netns:nowhere\naudit: /nowhere' --uplink none --audit "$work/other"
printf 'uplink: none\nuser: root\naudit: %s\n' "$work/other" >"$place/netns/root$$.yaml"
at_exit "$bin/failcore-netns delete root$$ 2>/dev/null"
check_exit "root as the user" 125 "$bin/failcore-netns" exec root$$ -- true
