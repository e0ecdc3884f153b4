#!/usr/bin/env bash
# What the process and sandbox sections of a policy do to a run.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run
user_setup

# ruled TEXT CMD...: a run whose policy has TEXT beside the whole workspace
ruled()
{
    printf 'version: 1\nname: ruled\nfilesystem:\n  rules:\n    - {id: all, action: allow, paths: ["**"]}\n%s\n' \
        "$1" >"$policies/ruled.yaml"
    shift
    "$bin/failcore" run --no-net --policy "$policies/ruled.yaml" --workspace "$ws" \
        --audit "$audit" "$@"
}

deny='process:
  rules:
    - {id: no-perl, action: deny, executables: ["/usr/bin/perl"], message: no perl here}'
check_exit "a denied command is not started" 126 ruled "$deny" -- perl -e 1
check "the record says by which rule" test "$(records '.code == "EXEC_DENIED"' | tail -1 |
    jq -r '"\(.status) \(.policy.rule) \(.call.path)"')" = "BLOCKED no-perl /usr/bin/perl"
check_exit "nor from inside" 126 ruled "$deny" -- sh -c '/usr/bin/perl -e 1'
check_fails "nor by its loader" ruled "$deny" -- /lib64/ld-linux-x86-64.so.2 /usr/bin/perl -e 1
check_fails "nor as a copy: it cannot be read" ruled "$deny" -- cp /usr/bin/perl /tmp/p
check_fails "nor by its other name" ruled "$deny" -- sh -c '/usr/bin/perl5* -e 1'
check_fails "nor through a link" ruled "$deny" -- sh -c 'ln -s /usr/bin/perl x; ./x -e 1'
check "others run" ruled "$deny" -- sh -c 'sed --version >/dev/null'

check_exit "a denied /bin/sh is every name of that shell" 126 ruled 'process:
  rules: [{id: no-shell, action: deny, executables: ["/bin/sh"]}]' -- /usr/bin/dash -c true
# Found by a name that no rule says, in a directory that nobody thinks of.
mkdir -p /usr/local/lib/failcore-test.$$
ln "$(readlink -f /usr/bin/env)" /usr/local/lib/failcore-test.$$/other
check_exit "another name of a denied file, anywhere in the system, is denied" 126 ruled 'process:
  rules: [{id: no-env, action: deny, executables: ["/usr/bin/env"]}]' -- /usr/local/lib/failcore-test.$$/other true
check_fails "nor can it be read" ruled 'process:
  rules: [{id: no-env, action: deny, executables: ["/usr/bin/env"]}]' -- cat /usr/local/lib/failcore-test.$$/other
rm -r /usr/local/lib/failcore-test.$$

list='process:
  default: deny
  rules:
    - {id: tools, action: allow, executables: ["/bin/sh", "/usr/bin/cat", "/usr/bin/cp", "/usr/bin/chmod"]}'
check "an allow-list: what is on it runs" ruled "$list" -- sh -c 'echo x >f; cat f'
check_exit "what is not does not" 126 ruled "$list" -- ls
check_fails "nor from inside" ruled "$list" -- sh -c '/usr/bin/ls'
check_fails "nor a copy of something allowed" ruled "$list" -- sh -c \
    'cp /usr/bin/cat /tmp/c && chmod +x /tmp/c && /tmp/c /etc/passwd'
check_fails "nor what lies in the workspace" ruled "$list" -- sh -c \
    'cp /usr/bin/cat c && chmod +x c && ./c /etc/passwd'
check_fails "nor that by the loader" ruled "$list" -- sh -c \
    'cp /usr/bin/cat c; exec /lib64/ld-linux-x86-64.so.2 ./c /etc/passwd'

export FOO=bar
check "sandbox.env passes what it names" ruled 'sandbox: {env: [FOO]}' -- sh -c '[ "$FOO" = bar ]'
check "and nothing else" ruled 'sandbox: {env: [OTHER]}' -- sh -c '[ -z "$FOO" ]'
mkdir -p "$work/tool/bin" "$work/data" "$work/hole"
printf '#!/bin/sh\necho tool\n' >"$work/tool/bin/tool"
chmod -R a+rX "$work/tool" "$work/tool/bin/tool"
chmod +x "$work/tool/bin/tool"
chmod 0777 "$work/data"
check "read_only: is there" test "$(ruled "sandbox: {read_only: [\"$work/tool\"]}" -- \
    "$work/tool/bin/tool")" = tool
check_fails "and cannot be written" ruled "sandbox: {read_only: [\"$work/data\"]}" -- \
    touch "$work/data/x"
check "read_write: can" ruled "sandbox: {read_write: [\"$work/data\"]}" -- touch "$work/data/x"
check "really" test -e "$work/data/x"
mkfifo "$work/hole/fifo"
check_exit "a tree with a FIFO is refused" 125 ruled "sandbox: {read_only: [\"$work/hole\"]}" -- true
check_exit "the policies' own directory is refused" 125 ruled \
    "sandbox: {read_write: [\"$policies\"]}" -- true
check_exit "the audit directory as well, even to read" 125 ruled \
    "sandbox: {read_only: [\"$audit\"]}" -- true
# Swapped behind the checks: another directory than the one that was looked at is never bound.
mkdir -p "$work/swap/good" "$work/swap/bad"
echo good >"$work/swap/good/which"
echo bad >"$work/swap/bad/which"
mkfifo "$work/swap/bad/fifo"
chmod -R a+rX "$work/swap"
python3 -c '
import ctypes, sys, time
libc = ctypes.CDLL(None)
while True:
    for _ in range(2):
        libc.renameat2(-100, sys.argv[1].encode(), -100, sys.argv[2].encode(), 2)
        time.sleep(0.004)' "$work/swap/good" "$work/swap/bad" &
swapper=$!
at_exit "kill $swapper"
: >"$work/seen"
for i in $(seq 12); do
    ruled "sandbox: {read_only: [\"$work/swap/good\"]}" -- cat "$work/swap/good/which" \
        >>"$work/seen" 2>/dev/null
done
kill $swapper
check_fails "a tree that is swapped after it was checked" grep -q bad "$work/seen"
check_exit "what is not there is refused" 125 ruled 'sandbox: {read_only: ["/no/such"]}' -- true
cpu=/sys/devices/system/cpu
check "nothing of /sys is there" test -z "$(ruled '' -- sh -c 'ls /sys; cat /sys/devices/system/cpu/online' 2>/dev/null)"
if [ -r $cpu/online ]; then
    check "but what a policy asks for" test "$(ruled "sandbox: {read_only: [\"$cpu\"]}" -- cat $cpu/online)" = \
        "$(cat $cpu/online)"
    check_fails "to read, and nothing beside it" ruled "sandbox: {read_only: [\"$cpu\"]}" -- sh -c \
        "echo 0 >$cpu/cpu1/online || ls /sys/kernel"
    check_exit "not to write" 125 ruled "sandbox: {read_write: [\"$cpu\"]}" -- true
    check_exit "not all of it" 125 ruled 'sandbox: {read_only: ["/sys"]}' -- true
    check_exit "nor something else by its name" 65 ruled 'sandbox: {read_only: ["/sys/../etc"]}' -- true
fi
check_exit "the machine's /proc is refused" 125 ruled 'sandbox: {read_only: ["/proc"]}' -- true

python3 -c '
import socket, sys, os
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o777); s.listen()
while True: c, _ = s.accept(); c.sendall(b"agent"); c.close()' "$work/agent.sock" &
at_exit "kill $!"
wait_until 5 test -S "$work/agent.sock"
ask="import socket; s = socket.socket(socket.AF_UNIX); s.connect('$work/agent.sock'); print(s.recv(9))"
check_fails "a host socket is not there by itself" ruled '' -- python3 -c "$ask"
check "one that a rule names is" ruled "sandbox: {sockets: [\"$work/agent.sock\"]}" -- \
    /usr/bin/python3 -c "$ask"
check_exit "only a socket" 125 ruled "sandbox: {sockets: [\"$work/data/x\"]}" -- true

# nested: an agent may sandbox its own children; the outer walls hold.
nested='sandbox: {nested: true}'
check_fails "no namespaces without nested" ruled '' -- unshare -Ur true
check "user and mount namespaces with it" ruled "$nested" -- unshare -Urm sh -c \
    'mount -t tmpfs x /tmp && touch /tmp/y'
check "a /proc of its own" ruled "$nested" -- unshare -Urmpf --mount-proc true
check_fails "even as root in there: nothing of the machine" ruled "$nested" -- unshare -Urm sh -c \
    'umount -l /usr || mount -o remount,rw /usr || mount --bind /tmp /etc && touch /usr/x'
check_fails "nor of the run's network" ruled "$nested" -- unshare -Ur ip link set lo down
check_fails "nor its first process" ruled "$nested" -- unshare -Ur sh -c 'kill -9 1; cat /proc/1/environ'
if command -v bwrap >/dev/null; then
    check "bubblewrap inside" ruled "$nested" -- bwrap --ro-bind / / --proc /proc --dev /dev \
        --unshare-all true
fi
