#!/usr/bin/env bash
# The main job through every layer at once: one run, its files, its network, its log.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/world.sh"
need_root
world_start

ws=$work/project
log=$work/audit
mkdir -p "$ws"
echo "kept" >"$ws/kept"
echo "secret" >"$ws/.env"

confined()
{
    "$bin/failcore" run --workspace "$ws" --audit "$log" --uplink "netns:$world_ns" "$@"
}
records()
{
    cat "$log"/log/*.jsonl | jq -c "select($1)" | grep -q .
}

# What the last check printed.
said()
{
    cp "$work/output" "$work/said"
    check "$1" grep -qE -- "$2" "$work/said"
}

# safe is fs_sandbox and net_safe: what one grants and the other says nothing of stays granted.
check "safe: a write into the workspace" confined --policy safe -- sh -c 'echo new >made'
check "it arrived" grep -qx new "$ws/made"
check "safe: a public host by name" confined --policy safe -- \
    python3 -c 'import urllib.request as u; print(u.urlopen("http://www.example.org/", timeout=5).read())'
said "it answered" 'world www.example.org'
check_fails "safe: the secret" confined --policy safe -- cat .env
check "is recorded with its rule" wait_until 5 records '.status == "BLOCKED" and .code == "PATH_DENIED" and .policy.rule == "secrets"'

# The same policies named one by one, in either order.
check "both orders are one policy" confined --policy net_safe --policy fs_sandbox -- sh -c 'echo again >made'
check "it arrived too" grep -qx again "$ws/made"

# Without any policy there is nothing but read-only system files.
check_fails "no policy: the workspace" confined -- cat kept
check_fails "no policy: a write" confined -- sh -c 'echo x >>kept'
check_fails "no policy: the network" confined -- \
    python3 -c 'import socket; socket.create_connection(("93.184.216.10", 80), 3)'
check_fails "no policy: a name" confined -- python3 -c 'import socket; socket.getaddrinfo("www.example.org", 80)'
check "no policy: a system program" confined -- sh -c 'test -r /etc/passwd'
check "the file is as it was" grep -qx kept "$ws/kept"

# A bad policy starts nothing.
mkdir "$work/policies"
printf 'version: 1\nname: bad\nfilesystem:\n  rulez: []\n' >"$work/policies/bad.yaml"
check_exit "a bad policy" 65 confined --policy "$work/policies/bad.yaml" -- touch started
said "is named with line and column" 'bad.yaml:4:3'
check_fails "and the command did not begin" test -e "$ws/started"

# One changed byte is named.
check "the log verifies" "$bin/failcore" audit verify "$log"
cp -r "$log" "$work/copy"
file=$(ls "$work/copy"/log/*.jsonl | head -n 1)
chmod u+w "$file"
sed -i '6s/"v":1/"v":2/' "$file"
check_exit "a changed byte" 77 "$bin/failcore" audit verify "$work/copy"
said "its record is named" '(seq|record) 5'
