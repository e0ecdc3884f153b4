#!/bin/bash
# A server that is stopped (SIGSTOP) while somebody waits for it: a bounded wait, then ENOTCONN, and
# never the directory below.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

watch_of()
{
    cat "/proc/$1/task/$1/children" | tr ' ' '\n' | while read -r child; do
        [ "$(cat "/proc/$child/comm")" != failcore-watch ] || echo "$child"
    done
}

gone()
{
    ! kill -0 "$1" 2>/dev/null
}

asleep()
{
    grep -qE '^State:.*[DS] ' "/proc/$1/status" && [ "$(cat "/proc/$1/comm")" = cat ]
}

echo secret >"$source/f"
echo other >"$source/g"
mount_tree --policy "$allow_all"
watch=$(watch_of "$server_pid")
check "somebody watches over a mount that stands alone" test -n "$watch"
check "without /dev/fuse" sh -c '! ls -l "/proc/$1/fd" | grep -q fuse' - "$watch"
check "with three descriptors" test "$(ls "/proc/$watch/fd" | wc -l)" = 3
check "without a capability" grep -qE '^CapPrm:\s*0+$' "/proc/$watch/status"
check "or a way to one" grep -qE '^NoNewPrivs:\s*1$' "/proc/$watch/status"
check "with a filter" grep -qE '^Seccomp:\s*2$' "/proc/$watch/status"
check "out of reach of the terminal's job control" test "$(ps -o sid= -p "$watch")" -eq "$watch"

# For a moment: whoever waits gets an answer, and nothing has ended.
check "read once" cat "$mount/f"
kill -STOP "$server_pid"
cat "$mount/g" >"$work/waiting" 2>&1 &
caller=$!
wait_until 5 asleep "$caller"
sleep 2
kill -CONT "$server_pid"
check "stopped for a moment: the caller waits" wait "$caller"
check "for its answer" grep -q other "$work/waiting"

kill -STOP "$server_pid"
began=$SECONDS
cat "$mount/none" >"$work/waiting" 2>&1 &
caller=$!
check "stopped for long: the caller has an end of its waiting" wait_until 30 gone "$caller"
took=$((SECONDS - began))
gone "$caller" || kill -KILL "$server_pid"
# Ten looks, one a second: those of the moment before count when none fell in between.
check "soon after the stated ten seconds ($took)" test "$took" -ge 5 -a "$took" -le 20
check_fails "it got an error" wait "$caller"
check_exit "the server was killed" 137 wait "$server_pid"
check_fails "the mount" cat "$mount/f"
check "answers ENOTCONN" wait_until 5 not_connected
check_fails "and is no bare directory" touch "$mount/new"
check "nothing was made below" test ! -e "$source/new"
check "which is shut" unshare -m sh -c 'umount -l "$1" && test "$(stat -c %a "$1")" = 0' - "$mount"
check "it is said why" grep -q "stopped for 10 seconds, and ended: $mount is closed" "$work/server.errors"
check "with the mend" grep -q "try: failcore-mount --unmount $mount" "$work/server.errors"
check "the one that watched has left" wait_until 5 gone "$watch"

rm -f "$work/ready"
mount_tree --policy "$allow_all"
check "a new server takes its place" grep -q secret "$mount/f"
watch=$(watch_of "$server_pid")
kill -KILL "$watch"
check_exit "a server that nobody watches" 125 wait "$server_pid"
check_fails "leaves" cat "$mount/f"
check "and the mount closed" wait_until 5 not_connected
check "it is said why" grep -q 'the process that watches over the server has ended' "$work/server.errors"

rm -f "$work/ready"
mkfifo "$work/supervisor"
exec 8<>"$work/supervisor"
mount_tree --policy "$allow_all" --supervisor-fd 8
check "under a supervisor it is the one who watches" test -z "$(watch_of "$server_pid")"
unmount_tree
exec 8<&-
check "the directory has its mode back" test "$(stat -c %a "$mount")" = 755
