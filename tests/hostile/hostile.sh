# What a hostile agent tries from a shell inside a run: a line per attempt that got through.
# bash hostile.sh AUDIT POLICY OUTSIDE DENIED (hostile.py). Exit 1 when any attempt got through.
audit=$1 policy=$2 outside=$3 denied=$4
held=0 through=0

# try RULE NAME COMMAND: through when the command succeeds.
try()
{
    if (eval "$3") >/dev/null 2>&1 </dev/null; then
        through=$((through + 1))
        echo "THROUGH $1 $2"
    else
        held=$((held + 1))
    fi
}

try SR1 "be root" '[ "$(id -u)" = 0 ]'
try SR1 "read the accounts" 'cat /etc/shadow'
try SR1 "core_pattern" 'echo x >/proc/sys/kernel/core_pattern'
try SR1 "su" 'su -c true'
try SR1 "mount program" 'mount -t tmpfs none /tmp'
try SR2 "nsenter" 'nsenter -t 1 -m true'
try SR2 "unshare" 'unshare -r true'
try SR2 "unshare net" 'unshare -n true'
try SR2 "the first process's environment" 'cat /proc/1/environ'
try SR2 "its root" 'ls /proc/1/root/'
try SR2 "its working directory" 'ls /proc/1/cwd/'
try SR3 "its descriptors" 'ls /proc/1/fd/'
try SR3 "a descriptor beyond the standard ones" 'for fd in /proc/$$/fd/*; do
    case $(readlink "$fd") in /dev/fuse | "$audit"* | "$policy") exit 0 ;; esac; done; exit 1'
try SR4 "kill the first process" 'kill -9 1; sleep 0.1; ! [ -d /proc/1 ]'
try SR4 "stop it" 'kill -STOP 1; sleep 0.1; ! [ -d /proc/1 ]'
try SR4 "signal everybody outside" 'for pid in $(seq 1000 1200); do
    [ -d /proc/$pid ] || kill -9 $pid && exit 0; done; exit 1'
try SR5 "the FUSE device" 'exec 5<>/dev/fuse'
try SR5 "end the connection" 'echo 1 >/sys/fs/fuse/connections/1/abort'
try SR6 "sockets of the machine" 'find /run /var/run/ -type s | grep -q .'
try SR6 "its runtime directory" 'ls /run/failcore'
try SR6 "home directories" 'ls /root || ls /home/*/.ssh'
try SR6 "a disk" 'head -c 1 /dev/sda || head -c 1 /dev/vda'
try SR6 "make a device" 'mknod /tmp/disk b 8 0'
try SR7 "remount" 'mount -o remount,rw /usr'
try SR7 "unmount" 'umount -l /usr'
try SR7 "unmount the workspace" 'umount -l .'
try SR7 "chroot" 'chroot /tmp /bin/true'
try SR7 "write a program of the system" 'echo x >>/usr/bin/env'
try SR7 "kernel messages" 'dmesg | grep -q .'
try SR7 "load a module" 'modprobe dummy || insmod /tmp/x.ko'
try SR7 "a kernel setting" 'sysctl -w kernel.dmesg_restrict=0'
try SR7 "the host name" 'hostname other'
try SR7 "sysrq" 'echo b >/proc/sysrq-trigger'
try SR7 "a TCP connection" 'exec 5<>/dev/tcp/192.0.2.1/80'
try SR7 "the metadata service" 'exec 5<>/dev/tcp/169.254.169.254/80'
try SR7 "the host's loopback" 'exec 5<>/dev/tcp/127.0.0.1/22'
try SR8 "a denied executable" '"$denied"'
try SR8 "reading it" 'head -c 1 "$denied"'
try SR8 "a copy" 'cp "$denied" /tmp/copied && /tmp/copied'
try SR8 "the loader" '/lib64/ld-linux-x86-64.so.2 "$denied"'
try SR8 "another name" '/usr/bin/../../"$denied"'
try SR8 "exec -a" 'exec -a true "$denied"'
try SR9 "the policy" 'cat "$policy"'
try SR9 "write it" 'echo x >>"$policy"'
try SR9 "the log" 'ls "$audit"'
try SR9 "remove it" 'rm -r "$audit"'
try SR9 "the configuration" 'mkdir -p /etc/failcore/policies'
try SR9 "the keys" 'ls /var/lib/failcore'
try SR9 "what is outside" 'cat "$outside"'
try SR9 "by a link" 'ln -s "$outside" climb && cat climb'
try SR10 "limits of others" 'prlimit --pid 1 --nofile=1'
try SR10 "more files" 'ulimit -Hn 1000000000'
try SR11 "a thousand denials" 'for i in $(seq 1000); do : <denied/$i && exit 0; done; exit 1'
try SR11 "and then one more" 'cat denied/x'
echo "$held held, $through through, 0 absent"
[ "$through" = 0 ] && [ "$held" -gt 0 ]
