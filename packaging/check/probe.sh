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

for unit in failcore-auditd.service failcore-auditd.socket failcore-netguard@agent.service failcore-mount@demo.service failcore-mount-shared@demo.service failcore-netns@agent.service failcore-agent@demo.target; do
    check "$unit does not start by itself" not systemctl --quiet is-active "$unit"
    # static: only its socket, which is in this list, can be enabled.
    wanted='^\(disabled\|static\)$'
    check "$unit is not enabled" says systemctl is-enabled "$unit"
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
# Slow to come back, so that there is time to look at what a dead one leaves.
printf '[Service]\nWatchdogSec=4\nRestartSec=3\n' >/run/systemd/system/failcore-mount@demo.service.d/quick.conf
mkdir -p /run/systemd/system/failcore-netns@agent.service.d
printf '[Service]\nRestartSec=3\n' >/run/systemd/system/failcore-netns@agent.service.d/slow.conf
systemctl daemon-reload

# Before there is a unit for it: root's run starts a writer by itself, whose log goes on below.
check "root's log begins without a unit" sh -c 'cd /srv/demo && failcore run --policy fs_sandbox --no-net -- true'
gone() { ! test -e /var/log/failcore.writer; }
check "and its writer leaves" later gone
check "somebody listens for the log writer" systemctl start failcore-auditd.socket
check "which does not run yet" not systemctl --quiet is-active failcore-auditd.service
check "a run needs it" sh -c 'cd /srv/demo && failcore run --policy fs_sandbox --no-net -- true'
check "so now it runs" systemctl --quiet is-active failcore-auditd.service
writer() { systemctl show -P "$1" failcore-auditd.service; }
check "as its own user" test "$(stat -c %U "/proc/$(writer MainPID)")" = failcore-audit
wanted='writing; [1-9][0-9]* records'
check "its status says what it does" says writer StatusText
check "the log is that user's" test "$(stat -c %U /var/log/failcore/log)" = failcore-audit
check "the log writer is killed" systemctl kill -s KILL failcore-auditd
check "the next run starts another" sh -c 'cd /srv/demo && failcore run --policy fs_sandbox --no-net -- true'
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
guard() { systemctl show -P "$1" "failcore-${2:-netns}@agent"; }
wanted='open; packets judged'
check "its status says what it does" says guard StatusText
check "the guard is nobody" test "$(stat -c %U "/proc/$(guard MainPID)")" = nobody
check "and has one capability" grep -qE '^CapEff:\s*0000000000001000$' "/proc/$(guard MainPID)/status"
check "the world is not reached" not failcore-netns exec agent -- \
    timeout 5 bash -c 'exec 3<>/dev/tcp/192.0.2.1/443'

check "the mount is killed" systemctl kill -s KILL failcore-mount@demo
state_is() { [ "$(status ActiveState)" = "$1" ]; }
check "it is dead, and to be started again" soon state_is activating
wanted='not connected'
check "until then it answers nobody" says as_owner cat /mnt/agent/notes
check "not even a directory" says as_owner ls /mnt/agent
check "it recovers by itself" later as_owner grep -qx text /mnt/agent/notes
check "it is killed again" systemctl kill -s KILL failcore-mount@demo
check "it is dead" soon state_is activating
check "and stopped in that state" systemctl stop failcore-mount@demo
check "what is below does not show through" not as_owner ls /mnt/agent
check "restart recovers" systemctl restart failcore-mount@demo
check "it serves again" soon as_owner grep -qx text /mnt/agent/notes
kill -STOP "$(status MainPID)"
hung() { [ "$(status NRestarts)" -ge 1 ]; }
check "a server that hangs is replaced by the watchdog" later hung
check "and serves" soon as_owner grep -qx text /mnt/agent/notes
check "the mount is stopped" systemctl stop failcore-mount@demo
check "and gone" not grep -q ' /mnt/agent ' /proc/self/mountinfo

mkdir /tmp/killed
mkfifo /tmp/killed/go
failcore-netns exec agent -- sh -c 'read -r _; timeout 5 bash -c "exec 3<>/dev/tcp/192.0.2.1/443" 2>/dev/null && echo open || echo closed' \
    </tmp/killed/go >/tmp/killed/said &
check "the guard is killed" systemctl kill -s KILL failcore-netns@agent
check "it answers nobody" not failcore-netns status agent
echo >/tmp/killed/go
wait
check "what runs in its network reaches nothing" grep -qx closed /tmp/killed/said
check "restart of the network recovers" systemctl restart failcore-netns@agent
check "a command runs in it again" soon failcore-netns exec agent -- true

check "the network is stopped" systemctl stop failcore-netns@agent
check "and gone" not ls /run/failcore/netns/agent

# The guard that never was root, by itself and for a world that pasta carries.
check "the guard without privileges starts" systemctl start failcore-netguard@agent
check "as its own user" test "$(stat -c %U "/proc/$(guard MainPID netguard)")" = failcore-guard
check "with one capability" grep -qE '^CapEff:\s*0000000000001000$' "/proc/$(guard MainPID netguard)/status"
wanted='open; packets judged'
check "its status says what it does" says guard StatusText netguard
check "the store keeps nothing" test "$(guard NFileDescriptorStore netguard)" = 0
check "root's command runs in it" failcore-netns exec agent -- true
check "the world is not reached" not failcore-netns exec agent -- timeout 5 bash -c 'exec 3<>/dev/tcp/192.0.2.1/443'
check "and root asks it" failcore-netns status agent
check "an ordinary user does not" not as_owner failcore-netns status agent
check "it is killed" systemctl kill -s KILL failcore-netguard@agent
check "restart recovers" systemctl restart failcore-netguard@agent
check "a command runs in it again" soon failcore-netns exec agent -- true
check "it is stopped" systemctl stop failcore-netguard@agent
check "and gone" not ls /run/failcore/netns/agent
# One that everybody may open, as distributions have it.
mkdir -p /dev/net
[ -c /dev/net/tun ] || mknod -m 666 /dev/net/tun c 10 200
ip link add world0 type veth peer name world1
ip address add 192.0.2.2/24 dev world0
ip link set world1 up
ip link set world0 up
ip route add default via 192.0.2.1
uplink() { printf 'policy: [net_safe]\nuplink: %s\n' "$1" >/etc/failcore/netns/agent.yaml; }
if env --default-signal=PIPE setpriv --reuid failcore-guard --regid failcore-guard --clear-groups pasta --config-net true 2>/tmp/pasta; then
    uplink pasta
    check "with pasta as its way out" systemctl start failcore-netguard@agent
    check "a command runs in it" failcore-netns exec agent -- true
    check "pasta is that user's" pgrep -u failcore-guard -f '^pasta '
    check "it is stopped" systemctl stop failcore-netguard@agent
    check "pasta goes with it" soon not pgrep -u failcore-guard -f '^pasta '
else
    echo "skipped: pasta as the way out; by itself it says: $(tail -n 1 /tmp/pasta)"
fi
if echo 1 2>/dev/null >/proc/sys/net/ipv4/ip_forward; then
    uplink veth
    check "netns with the host's own way out" systemctl start failcore-netns@agent
    check "a command runs in it" failcore-netns exec agent -- true
    check "there is a link" sh -c 'ip -o link | grep -q fcw'
    check "it is stopped" systemctl stop failcore-netns@agent
    check "the link goes with it" soon not sh -c 'ip -o link | grep -q fcw'
else
    echo "skipped: veth as the way out; this container may not forward"
fi
uplink none

# The units of an ordinary user, in that user's own manager; here nobody logs in who would start it.
useradd --create-home alice
user_id=$(id -u alice)
as_alice() { setpriv --reuid alice --regid alice --init-groups env HOME=/home/alice XDG_RUNTIME_DIR="/run/user/$user_id" "$@"; }
# The host's device is bound in with the host's mode; distributions have 0666.
umount /dev/fuse && rm -f /dev/fuse && mknod -m 666 /dev/fuse c 10 229
install -d -m 700 -o alice "/run/user" "/run/user/$user_id"
chmod 755 /run/user
if systemd-run --quiet --unit alice --property User=alice --property Delegate=yes --property Type=notify \
    --setenv "XDG_RUNTIME_DIR=/run/user/$user_id" /lib/systemd/systemd --user && soon as_alice systemctl --user daemon-reload; then
    check "a user's socket of the log" as_alice systemctl --user start failcore-auditd.socket
    check "that user's run" as_alice sh -c 'mkdir -p ~/w && cd ~/w && failcore run --policy fs_sandbox --no-net -- sh -c "echo made >made"'
    check "goes through it" as_alice systemctl --user --quiet is-active failcore-auditd.service
    check "the user's network starts" as_alice systemctl --user start failcore-netns@mine
    check "a command runs in it" as_alice failcore-netns exec mine -- true
    check "and reaches nothing" not as_alice failcore-netns exec mine -- timeout 5 bash -c 'exec 3<>/dev/tcp/192.0.2.1/443'
    check "it is killed" as_alice systemctl --user kill -s KILL failcore-netns@mine
    check "and recovers" later as_alice failcore-netns status mine
    check "it is stopped" as_alice systemctl --user stop failcore-netns@mine
    if command -v fusermount3 >/dev/null; then
        as_alice sh -c 'mkdir -p ~/.config/failcore/mounts ~/mnt && printf "SOURCE=%s\nMOUNTPOINT=%s\n" ~/w ~/mnt >~/.config/failcore/mounts/mine.conf'
        check "the user's mount starts" as_alice systemctl --user start failcore-mount@mine
        check "and serves" as_alice grep -qx made /home/alice/mnt/made
        check "it is stopped" as_alice systemctl --user stop failcore-mount@mine
    else
        echo "skipped: the mount of a user: fusermount3 is not here"
    fi
    systemctl stop alice
else
    echo "skipped: the units of users: a user's service manager does not start here"
fi

# All that one agent has.
cp /etc/failcore/netns/agent.yaml /etc/failcore/netns/demo.yaml
check "an agent's target starts" systemctl start failcore-agent@demo.target
check "its mount with it" systemctl --quiet is-active failcore-mount@demo
check "and its network" systemctl --quiet is-active failcore-netns@demo
check "the target is stopped" systemctl stop failcore-agent@demo.target
check "its mount with it" soon not systemctl --quiet is-active failcore-mount@demo
check "and its network" soon not systemctl --quiet is-active failcore-netns@demo

check "the log is intact" failcore audit verify
check "and that of the mount" failcore audit verify "$state"
[ "$failed" = 0 ] || journalctl --no-pager -o cat -u 'failcore-*' | tail -n 90
[ "$failed" = 0 ] && echo "probe: passed" || echo "probe: failed"
