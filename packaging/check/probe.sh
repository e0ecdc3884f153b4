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

later()
{
    for _ in $(seq 300); do
        "$@" && return 0
        sleep 0.1
    done
    return 1
}

for unit in failcore-auditd.service failcore-mount@demo.service failcore-mount-shared@demo.service failcore-netns@agent.service failcore-agent@demo.target; do
    check "$unit does not start by itself" not systemctl --quiet is-active "$unit"
    check "$unit is not enabled" not systemctl --quiet is-enabled "$unit"
done

mkdir -p /srv/demo /mnt/agent
echo text >/srv/demo/notes
echo key >/srv/demo/.env
chown -R failcore: /srv/demo
as_owner() { setpriv --reuid failcore --regid failcore --clear-groups "$@"; }
state=/var/lib/failcore-mount/demo/failcore/audit
status() { systemctl show -P "$1" failcore-mount@demo; }
without_privileges()
{
    grep -qE '^CapEff:\s*0+$' "/proc/$1/status" && grep -qE '^NoNewPrivs:\s*1$' "/proc/$1/status" &&
        grep -qE '^Seccomp:\s*2$' "/proc/$1/status" && [ "$(stat -c %U "/proc/$1")" = failcore ]
}
printf 'SOURCE=/srv/demo\nMOUNTPOINT=/mnt/agent\nPOLICY=fs_sandbox\n' >/etc/failcore/mounts/demo.conf
printf 'policy: [net_safe]\nuplink: none\n' >/etc/failcore/netns/agent.yaml

mkdir -p /run/systemd/system/failcore-mount@demo.service.d
printf '[Service]\nWatchdogSec=4\n' >/run/systemd/system/failcore-mount@demo.service.d/quick.conf
systemctl daemon-reload

check "the log writer starts" systemctl start failcore-auditd
check "the mount starts" systemctl start failcore-mount@demo
check "it serves what is allowed" as_owner grep -qx text /mnt/agent/notes
check "it writes what is allowed" as_owner sh -c 'echo more >/mnt/agent/more && grep -qx more /srv/demo/more'
check "it refuses what is not" not as_owner cat /mnt/agent/.env
check "it is nobody else's" not cat /mnt/agent/notes
check "the server has no privileges" without_privileges "$(status MainPID)"
wanted='serving; requests over'
check "its status says what it does" says status StatusText
check "the store keeps no copy of the mount" test "$(status NFileDescriptorStore)" = 0
wanted=PATH_DENIED
check "the refusal is in the log" says failcore show --blocked --audit "$state"

check "the network starts" systemctl start failcore-netns@agent
check "a command runs in it" failcore-netns exec agent -- true
check "the world is not reached" not failcore-netns exec agent -- \
    timeout 5 bash -c 'exec 3<>/dev/tcp/192.0.2.1/443'

check "the mount is killed" systemctl kill -s KILL failcore-mount@demo
wanted='not connected'
systemctl stop failcore-mount@demo 2>/dev/null
check "what is below does not show through" not as_owner cat /mnt/agent/notes
check "restart recovers" systemctl restart failcore-mount@demo
check "it serves again" soon as_owner grep -qx text /mnt/agent/notes
kill -STOP "$(status MainPID)"
hung() { [ "$(status NRestarts)" -ge 1 ]; }
check "a server that hangs is replaced by the watchdog" later hung
check "and serves" soon as_owner grep -qx text /mnt/agent/notes
check "the mount is stopped" systemctl stop failcore-mount@demo
check "and gone" not grep -q ' /mnt/agent ' /proc/self/mountinfo

check "the guard is killed" systemctl kill -s KILL failcore-netns@agent
check "restart of the network recovers" systemctl restart failcore-netns@agent
check "a command runs in it again" soon failcore-netns exec agent -- true

check "the log is intact" failcore audit verify
check "and that of the mount" failcore audit verify "$state"
[ "$failed" = 0 ] || journalctl --no-pager -o cat -u 'failcore-*' | tail -n 90
[ "$failed" = 0 ] && echo "probe: passed" || echo "probe: failed"
