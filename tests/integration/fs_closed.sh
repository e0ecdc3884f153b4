#!/bin/bash
# What goes wrong leaves the mount closed: a bad policy, a killed server, a log that cannot be
# written, directories that lie inside one another.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

not_mounted()
{
    ! grep -q " $mount " /proc/self/mountinfo
}

server_of_mount()
{
    pgrep -f "failcore-mount.*$audit $source $mount"
}

no_server()
{
    ! server_of_mount
}

bad=$(policy_file bad <<'POLICY'
version: 1
name: bad
filesystem:
  defualt: allow
POLICY
)
check_exit "a bad policy" 65 "$bin/failcore-mount" --policy "$bad" --audit "$audit" "$source" "$mount"
said "is named with its line and column" 'bad.yaml:4:3'
check "and nothing is mounted" not_mounted
check_exit "a missing policy" 65 "$bin/failcore-mount" --policy "$work/none.yaml" --audit "$audit" "$source" "$mount"
check_exit "a wrong option" 2 "$bin/failcore-mount" --polciy x "$source" "$mount"
check_exit "a missing word" 2 "$bin/failcore-mount" "$source"
check_exit "a missing source" 125 "$bin/failcore-mount" --policy "$allow_all" --audit "$audit" "$work/none" "$mount"
check "still nothing is mounted" not_mounted

mkdir -p "$source/in/audit" "$source/pol" "$source/mnt"
cp "$allow_all" "$source/pol/p.yaml"
check_exit "an audit directory inside the source" 2 "$bin/failcore-mount" --policy "$allow_all" --audit "$source/in/audit" "$source" "$mount"
check "in which nothing was written" test "$(stat -c %a "$source/in/audit") $(find "$source/in" | wc -l)" = "755 2"
check_exit "one that would have to be made there" 2 "$bin/failcore-mount" --policy "$allow_all" --audit "$source/in/new/audit" "$source" "$mount"
check "and was not" test ! -e "$source/in/new"
check_exit "a source inside the audit directory" 2 "$bin/failcore-mount" --policy "$allow_all" --audit "$source/in" "$source/in/audit" "$mount"
check_exit "a policy inside the source" 2 "$bin/failcore-mount" --policy "$source/pol/p.yaml" --audit "$audit" "$source" "$mount"
check_exit "a mountpoint inside the source" 2 "$bin/failcore-mount" --policy "$allow_all" --audit "$audit" "$source" "$source/mnt"
check_exit "a source inside the mountpoint" 2 "$bin/failcore-mount" --policy "$allow_all" --audit "$audit" "$source/in" "$source"
check "the mountpoint is as it was" test "$(stat -c %a "$mount") $(stat -c %a "$source")" = "755 755"

echo secret >"$source/f"
mount_tree --policy "$allow_all"
check "served" cat "$mount/f"
check "the directory below is shut" sh -c '
    unshare -m sh -c "umount -l $1 && test \$(stat -c %a $1) = 0"' - "$mount"
exec 8<"$mount/f"
kill -9 "$server_pid"
wait "$server_pid" 2>/dev/null
check_fails "a killed server" cat "$mount/f"
check "answers ENOTCONN" wait_until 5 not_connected
check_fails "also for what was open" cat <&8
exec 8<&-
check_fails "and there is no bare directory" touch "$mount/new"
check "nothing was made below" test ! -e "$source/new"
rm -f "$work/ready"
mount_tree --policy "$allow_all"
check "a new server takes the place of a dead one" grep -q secret "$mount/f"
unmount_tree
check "and gives the directory its mode back" test "$(stat -c %a "$mount")" = 755

# The session ends though nobody asked for it: the mount stays where it is, and closed.
mkdir "$work/connections"
if mount -t fusectl connections "$work/connections" 2>/dev/null; then
    at_exit "umount '$work/connections'"
    mount_tree --policy "$allow_all"
    minor=$(python3 -c 'import os, sys; print(os.minor(os.stat(sys.argv[1]).st_dev))' "$mount")
    echo 1 >"$work/connections/$minor/abort"
    check_exit "a server whose session was ended" 125 wait "$server_pid"
    check_fails "leaves a mount" cat "$mount/f"
    said "that answers ENOTCONN" 'not connected'
    check_fails "and no bare directory" touch "$mount/new"
    check "whose mend it names" grep -q "try: failcore-mount --unmount $mount" "$work/server.errors"
    check "which works" "$bin/failcore-mount" --unmount "$mount"
    rm -f "$work/ready"
    check "and gives the directory its mode back" test "$(stat -c %a "$mount")" = 755
else
    echo "skipped: a session that ends by itself (no fusectl)"
fi

# Background: returns when the mount serves.
check "in the background" "$bin/failcore-mount" --policy "$allow_all" --audit "$audit" "$source" "$mount"
check "it serves at once" grep -q secret "$mount/f"
check "--unmount" "$bin/failcore-mount" --unmount "$mount"
check "is unmounted" not_mounted
check "with its mode" test "$(stat -c %a "$mount")" = 755
check "and its server goes" wait_until 10 no_server

# A server that comes to its end late, when another one serves there already, leaves that one alone:
# its last words take it two seconds.
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    strace -qq -o /dev/null -P "$work/late.errors" -e trace=write -e inject=write:delay_exit=2000000 \
        "$bin/failcore-mount" -f --ready-fd 9 --policy "$allow_all" --audit "$audit" "$source" "$mount" \
        9>"$work/ready" 2>"$work/late.errors" &
    late=$!
    at_exit "kill -9 $late"
    check "a slow server" wait_until 20 grep -q R "$work/ready"
    rm -f "$work/ready"
    check "--unmount" "$bin/failcore-mount" --unmount "$mount"
    # A namespace that was made meanwhile holds the mount until it goes.
    check "its last words" wait_until 60 grep -q 'requests:' "$work/late.errors"
    mount_tree --policy "$allow_all"
    check "it ends while another one serves" kill -0 "$late"
    wait "$late"
    check "which goes on serving" grep -q secret "$mount/f"
    check "and can be asked" "$bin/failcore-mount" --reload "$mount"
    check "the directory below is shut still" sh -c '
        unshare -m sh -c "umount -l $1 && test \$(stat -c %a $1) = 0"' - "$mount"
    unmount_tree
    check "until it is unmounted" test "$(stat -c %a "$mount")" = 755
else
    echo "skipped: a server that ends late (no strace)"
fi

# The log writer dies: another takes its place, and what is done meanwhile is recorded.
mount_tree --policy "$allow_all"
check "recorded" touch "$mount/before"
writer=$(fuser "$audit"/log/*.jsonl 2>/dev/null | tr -s ' ' '\n' | grep -v '^$' | head -n 1)
check "the log has a writer" test -n "$writer"
kill -9 "$writer"
if mkdir "$mount/between" 2>/dev/null; then
    check "what is done without a writer is in the log" wait_until 10 grep -q '"path":"between"' "$audit"/log/*.jsonl
else
    check "what is refused without a writer is not done" test ! -e "$source/between"
fi

# All of it dies: what cannot be recorded is refused, and nothing is done.
for pid in $(pgrep -f "failcore-auditd.*$audit"); do
    kill -9 "$pid"
done
wait_until 5 sh -c "! ls '$mount'"
check_fails "without a log nothing is done" mkdir "$mount/after"
said "and that is EIO" 'Input/output error'
check "really nothing" test ! -e "$source/after"
unmount_tree

# The log's disk is full: then nothing is done any more.
mkdir "$work/small"
mount -t tmpfs -o size=16m tmpfs "$work/small"
at_exit "umount -l '$work/small'"
audit=$work/small
mount_tree --policy "$allow_all"
dd if=/dev/zero of="$work/small/filler" bs=64k 2>/dev/null
refused=no
for i in $(seq 1 20000); do
    if ! mkdir "$mount/e$i" 2>"$work/output"; then
        refused=$i
        break
    fi
done
said "with a full log operations are refused (after $refused)" 'Input/output error'
check "and not done" test ! -e "$source/e$refused"
