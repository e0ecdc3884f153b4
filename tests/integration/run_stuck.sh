#!/usr/bin/env bash
# failcore kill within a second, however stuck a run is: with a part of it stopped, with callers that no
# signal wakes, with a workspace whose disk answers nobody.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run
user_setup

mark=$((RANDOM % 9000 + 1000)).$$
alive()
{
    pgrep -f "^sleep $mark" >/dev/null
}
# Every process of the run has the word in its arguments; of others only its supervisor, and for a
# moment the one that is about to make its report.
left()
{
    pgrep -a -f "$mark" | grep -v '^[0-9]* [^ ]*/failcore run '
}
child_of()
{
    pgrep -P "$1" -f "^[^ ]*/$2 " | head -1
}
# Some process of the run waits for what no signal ends: state D.
waiting()
{
    ps -e -o stat=,args= | grep -q "^D.* $1-$mark"
}

# operator WORD...: failcore, as who the runs belong to
operator()
{
    "$bin/failcore" "$@"
}
user_operator()
{
    setpriv --reuid "$user_id" --regid "$user_id" --clear-groups env XDG_RUNTIME_DIR="$user_home/run" \
        "$user_bin/failcore" "$@"
}
# stuck NAME OPTION... -- COMMAND: a run called NAME, and its supervisor
starter=("$bin/failcore" run --audit "$audit")
stuck()
{
    name=$1
    shift
    "${starter[@]}" --name "$name" --policy "$allow_all" "$@" >"$work/run.out" 2>"$work/run.err" &
    run=$!
    wait_until 10 alive || failed "$name did not start: $(cat "$work/run.err")"
    supervisor=$(pgrep -o -f "/failcore run .*$mark")
}
# killed WHAT: kills it, and waits for the end of everything
killed()
{
    local began took
    began=$(date +%s%3N)
    check "kill, $1" operator kill "$name"
    took=$(($(date +%s%3N) - began))
    check "$1: within a second ($took ms)" test $took -lt "$(patience 1000)"
    wait $run 2>/dev/null
    check "$1: 137" test $? = 137
    check_fails "$1: nothing of the run is left" left
    operator ps >"$work/listed"
    check_fails "$1: it is not listed any more" grep -q " $name " "$work/listed"
}
busy="sleep $mark & trap '' TERM INT HUP; while :; do ls -R . / >/dev/null; echo x >f; done"

# The supervisor sees a stopped part by itself; whoever of the two is first, it is over at once.
for part in failcore-mount failcore-netguard; do
    stuck $part --uplink none --workspace "$ws" -- sh -c "$busy"
    pid=$(child_of "$supervisor" $part)
    check "$part is there" test -n "$pid"
    kill -STOP "$supervisor" # only the operator's word is left
    kill -STOP "$pid"
    killed "$part stopped, its supervisor as well"
    kill -9 "$pid" 2>/dev/null
done

stuck writer --no-net --workspace "$ws" -- sh -c "$busy"
writer=$(pgrep -f "failcore-auditd.*$audit" | tr '\n' ' ')
check "the log's writer is there" test -n "$writer"
kill -STOP $writer
sleep 0.3
killed "the log's writer stopped"
kill -CONT $writer

# A parent waits for its child's vfork, which is stopped: D.
stuck vfork --no-net --workspace "$ws" -- sh -c "sleep $mark & exec python3 -c '
import ctypes, os, signal
libc = ctypes.CDLL(None)
def stop(number, frame): pass
if libc.vfork() == 0:
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)' vfork-$mark"
check "a process waits in D" wait_until 10 waiting vfork
killed "a vfork that never ends"

# The disk below the workspace stops: the server waits in the kernel, its callers for it, and no
# signal reaches any of them.
disk=$work/disk
mkdir "$disk"
if truncate -s 64M "$work/image" && mkfs.ext4 -q "$work/image" 2>/dev/null &&
    mount -o loop "$work/image" "$disk" 2>/dev/null; then
    at_exit "fsfreeze -u $disk; umount -l $disk"
    for by in root user; do
        mkdir "$disk/$by"
        if [ $by = user ]; then
            chown $user_id:$user_id "$disk/user"
            starter=(as_user "$user_bin/failcore" run)
            operator()
            {
                user_operator "$@"
            }
        fi
        stuck disk --no-net --workspace "$disk/$by" -- sh -c "sleep $mark & trap '' TERM
            i=0; while :; do i=\$((i + 1)); echo \$i >f; done"
        server=$(child_of "$supervisor" failcore-mount)
        check "it writes" wait_until 10 test -s "$disk/$by/f"
        fsfreeze -f "$disk"
        server_waits()
        {
            grep -q '^State:.D' /proc/$server/task/*/status
        }
        check "the server waits for its disk" wait_until 10 server_waits
        killed "a disk that answers nobody, by $by"
        fsfreeze -u "$disk"
        ended()
        {
            ! kill -0 "$server" 2>/dev/null || grep -q '^State:.Z' "/proc/$server/status"
        }
        check "the server ends when its disk does answer" wait_until 10 ended
    done
else
    echo "skipped: a disk that answers nobody needs a loop device and ext4"
fi
