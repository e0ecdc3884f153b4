#!/bin/sh
# Runs inside a booted container with the package installed: units start, deny, are killed, stay
# closed, and recover. Prints one line a check; the last line is "probe: passed" or "probe: failed".
failed=0
check()
{
    name=$1
    shift
    if "$@" >/tmp/probe.out 2>&1; then
        echo "ok: $name"
    else
        echo "FAILED: $name"
        sed 's/^/    /' /tmp/probe.out | tail -n 12
        failed=1
    fi
}
not() { ! "$@"; }
says() { "$@" 2>&1 | grep -q "$wanted"; }
soon()
{
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        "$@" && return 0
        sleep 0.1
    done
    return 1
}

for unit in failcore-auditd.service failcore-mount@demo.service failcore-netns@agent.service; do
    check "$unit does not start by itself" not systemctl --quiet is-active "$unit"
    check "$unit is not enabled" not systemctl --quiet is-enabled "$unit"
done

mkdir -p /srv/demo /mnt/agent
echo text >/srv/demo/notes
echo key >/srv/demo/.env
printf 'SOURCE=/srv/demo\nMOUNTPOINT=/mnt/agent\nPOLICY=fs_sandbox\n' >/etc/failcore/mounts/demo.conf
printf 'POLICY=net_safe\nOPTIONS=--uplink none\n' >/etc/failcore/netns/agent.conf

check "the log writer starts" systemctl start failcore-auditd
check "the mount starts" systemctl start failcore-mount@demo
check "it serves what is allowed" grep -qx text /mnt/agent/notes
check "it refuses what is not" not cat /mnt/agent/.env
wanted=PATH_DENIED
check "the refusal is in the log" says failcore show --blocked

check "the network starts" systemctl start failcore-netns@agent
check "a command runs in it" failcore-netns exec agent -- true
check "the world is not reached" not failcore-netns exec agent -- \
    timeout 5 bash -c 'exec 3<>/dev/tcp/192.0.2.1/443'

check "the mount is killed" systemctl kill -s KILL failcore-mount@demo
wanted='not connected'
systemctl stop failcore-mount@demo 2>/dev/null
check "what is below does not show through" not cat /mnt/agent/notes
check "restart recovers" systemctl restart failcore-mount@demo
check "it serves again" soon grep -qx text /mnt/agent/notes

check "the guard is killed" systemctl kill -s KILL failcore-netns@agent
check "restart of the network recovers" systemctl restart failcore-netns@agent
check "a command runs in it again" soon failcore-netns exec agent -- true

check "the log is intact" failcore audit verify
[ "$failed" = 0 ] && echo "probe: passed" || echo "probe: failed"
