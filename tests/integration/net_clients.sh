#!/usr/bin/env bash
# Programs that agents use, through the guard, with the name check on: git over https and ssh, curl and
# Python over TLS 1.2 and 1.3, HTTP, UDP. First as root, then as an ordinary user whose world is a
# namespace inside a user namespace of their own.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
# As root the network is described by a file, for the sake of its user: ssh wants one with a name.
if [ -z "${USER_LEG:-}${OWN_MOUNTS:-}" ]; then
    unshare --mount true 2>/dev/null || skip "cannot make a mount namespace"
    checks_passed=1
    OWN_MOUNTS=1 exec unshare --mount --propagation private bash "$0" "$@"
fi
for tool in git curl python3; do
    command -v $tool >/dev/null || skip "needs $tool"
done
world_start
chmod 755 "$work" "$world_dir"
world_host git.example.org 93.184.216.20
cat >"$work/policy.yaml" <<YAML
version: 1
name: clients-test
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80, 443]}
    - {id: git, action: allow, hosts: [git.example.org], ports: [8443]}
    - {id: ssh, action: allow, hosts: [git.example.org], ports: [2222], name_check: address-only}
    - {id: echo, action: allow, hosts: [www.example.org], ports: [7], protocols: [udp], name_check: address-only}
  dns: {upstream: [$world_dns]}
YAML
make_network()
{
    local place
    if [ -n "${USER_LEG:-}" ]; then
        guard_up "$work/policy.yaml"
        return
    fi
    place=$(grep -ao '/[a-z/]*/netns/%s.yaml' "$bin/failcore-netns")
    place=${place%/netns/%s.yaml}
    if [ ! -d "$place" ]; then
        mkdir -p "$place"
        at_exit rmdir "$place"
    fi
    mount -t tmpfs none "$place" || return
    at_exit umount "$place"
    mkdir "$place/netns"
    guard_name=clients$$
    guard_audit=$work/audit
    at_exit guard_down
    printf 'policy: [%s]\nuplink: netns:%s\naudit: %s\nuser: nobody\n' "$work/policy.yaml" "$world_ns" "$guard_audit" \
        >"$place/netns/$guard_name.yaml"
    "$bin/failcore-netns" create "$guard_name"
}
check "a network is made" make_network
mkdir -m 1777 "$work/agent"
in_agent touch "$work/agent/owner"
agent_uid=$(stat -c %u "$work/agent/owner")
as_agent()
{
    in_agent env HOME="$work/agent" GIT_SSL_CAINFO="$world_dir/ca.pem" GIT_TERMINAL_PROMPT=0 \
        GIT_SSH_COMMAND="ssh -i $work/agent/key -o UserKnownHostsFile=$work/agent/hosts -o StrictHostKeyChecking=yes -o BatchMode=yes" \
        GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b "$@"
}

# A repository with enough in it that clones take many packets.
repositories=$work/repositories
git init -q --bare "$repositories/project.git"
git -C "$repositories/project.git" config http.receivepack true
git init -q "$work/seed"
head -c 3000000 /dev/urandom >"$work/seed/large"
git -C "$work/seed" add large
git -C "$work/seed" -c user.name=a -c user.email=a@b commit -qm first
git -C "$work/seed" push -q  "$repositories/project.git" HEAD:main
git -C "$repositories/project.git" symbolic-ref HEAD refs/heads/main
ip netns exec "$world_ns" python3 "$FAILCORE_SOURCE_DIR/tests/support/git_https.py" 93.184.216.20 8443 \
    "$world_dir/ca.pem" "$world_dir/key.pem" "$repositories" >"$work/git.log" 2>&1 </dev/null &
at_exit "kill $!"
listens()
{
    world_exec python3 -c "import socket; socket.create_connection(('93.184.216.20', $1), timeout=1)"
}
wait_until 10 listens 8443
check "git clone over https" as_agent git clone -q https://git.example.org:8443/project.git "$work/agent/https"
check "it is all there" cmp "$work/agent/https/large" "$work/seed/large"
check "git push over https" as_agent sh -c "cd $work/agent/https && head -c 2000000 /dev/urandom >more && git add more && git commit -qm more && git push -q"
check "it has arrived" git -C "$repositories/project.git" cat-file -e main:more
check "git fetch over https" as_agent git -C "$work/agent/https" fetch -q
check "its record has the name" records '.call.op == "hello" and .call.sni == "git.example.org" and .call.port == 8443 and .status == "ALLOWED"'
check_fails "git at a name that no rule allows" as_agent git clone -q https://git.example.com:8443/project.git "$work/agent/refused"

# ssh: a server with keys and a home of its own. Within a user namespace it cannot change its groups.
ssh_leg()
{
    if ! command -v dropbear >/dev/null || ! command -v dropbearkey >/dev/null || ! command -v ssh >/dev/null; then
        echo "the ssh leg is left out: no dropbear or no ssh"
        return
    fi
    if [ -n "${USER_LEG:-}" ]; then
        echo "the ssh leg is left out here: dropbear needs setgroups"
        return
    fi
    mkdir -p -m 700 "$work/home/.ssh"
    dropbearkey -t ed25519 -f "$work/host_key" >"$work/host_key.text" 2>&1
    echo "[git.example.org]:2222 $(grep ^ssh-ed25519 "$work/host_key.text")" >"$work/agent/hosts"
    ssh-keygen -q -t ed25519 -N '' -f "$work/agent/key"
    cp "$work/agent/key.pub" "$work/home/.ssh/authorized_keys"
    chown "$agent_uid" "$work/agent/key" "$work/agent/hosts"
    ip netns exec "$world_ns" unshare -m sh -c "
        mount --bind '$work/home' /root && exec dropbear -F -E -s -p 93.184.216.20:2222 -r '$work/host_key' -P '$work/dropbear.pid'" \
        >"$work/dropbear.log" 2>&1 </dev/null &
    at_exit "kill $!"
    wait_until 10 listens 2222
    check "git clone over ssh" as_agent git clone -q "ssh://root@git.example.org:2222$repositories/project.git" "$work/agent/ssh"
    check "it is all there" cmp "$work/agent/ssh/large" "$work/seed/large"
    check "git push over ssh" as_agent sh -c "cd $work/agent/ssh && head -c 2000000 /dev/urandom >third && git add third && git commit -qm third && git push -q"
    check "it has arrived" git -C "$repositories/project.git" cat-file -e main:third
    check "the rule that let it" records '.policy.rule == "ssh" and .call.host == "git.example.org" and .status == "ALLOWED"'
}
ssh_leg

for version in 1.2 1.3; do
    check "curl, TLS $version" in_agent curl -sS -m 5 --tlsv$version --tls-max $version --cacert "$world_dir/ca.pem" https://www.example.org/
    check "Python, TLS $version" in_agent python3 -c '
import socket, ssl, sys
version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[sys.argv[2]]
context = ssl.create_default_context(cafile=sys.argv[1])
context.minimum_version = context.maximum_version = version
with context.wrap_socket(socket.create_connection(("api.example.org", 443), timeout=5), server_hostname="api.example.org") as s:
    assert s.version() == "TLSv" + sys.argv[2], s.version()
    s.sendall(b"GET / HTTP/1.1\r\nHost: api.example.org\r\nConnection: close\r\n\r\n"); assert s.recv(100)' "$world_dir/ca.pem" $version
done
check "Python, urllib" in_agent python3 -c '
import ssl, sys, urllib.request
assert urllib.request.urlopen("https://www.example.org/", timeout=5, context=ssl.create_default_context(cafile=sys.argv[1])).read().startswith(b"world")' "$world_dir/ca.pem"
check "HTTP" in_agent curl -sS -m 5 http://www.example.org/
check "HTTP over IPv6" in_agent curl -sS -6 -m 5 http://www.example.org/
check "UDP where a rule allows it" in_agent python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)
s.sendto(b"x", (socket.gethostbyname("www.example.org"), 7)); assert s.recv(9) == b"x"'
check "TCP elsewhere is refused at once" refused tcp 93.184.216.12 80 ECONNREFUSED
check "UDP elsewhere as well" refused udp 93.184.216.12 7 EHOSTUNREACH
check "the metadata service, too" refused tcp 169.254.169.254 80 ECONNREFUSED
check "with its record" blocked SSRF_BLOCKED 169.254.169.254 'cloud metadata'
check "the log is whole" "$bin/failcore" audit verify "$guard_audit"
guard_down
[ -z "${USER_LEG:-}" ] || exit 0

# ---- all of it again, as an ordinary user
as_ordinary_user net_clients.sh
