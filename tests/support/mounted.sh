# Sourced after integration.sh by tests of failcore-mount.
#
# Gives: $source and $mount (directories), $audit (the log), mount_tree OPTIONS... (serves $source
# at $mount; ends with the test), unmount_tree, policy_file NAME (from standard input, prints its
# path), server_pid, records JQ_FILTER (over all records of $audit),
# said NAME PATTERN (of what the command before printed), not_connected (what the mount answers).
need_root
command -v jq >/dev/null || skip "jq is missing"
[ -c /dev/fuse ] || skip "/dev/fuse is missing"

source=$work/source
mount=$work/mount
audit=$work/audit
mkdir -p "$source" "$mount" "$audit" "$work/policies"

policy_file()
{
    cat >"$work/policies/$1.yaml"
    echo "$work/policies/$1.yaml"
}

allow_all=$(policy_file allow_all <<'POLICY'
version: 1
name: allow-all
filesystem:
  default: allow
POLICY
)

# In front and in the background of this shell, so that its process is a child of the test's own.
mount_tree()
{
    "$bin/failcore-mount" -f --ready-fd 9 --audit "$audit" "$@" "$source" "$mount" \
        9>"$work/ready" 2>"$work/server.errors" &
    server_pid=$!
    wait_until 10 test -s "$work/ready"
    if [ "$(cat "$work/ready")" != R ]; then
        echo "the mount did not come up:"
        cat "$work/ready" "$work/server.errors"
        exit 1
    fi
}

unmount_tree()
{
    kill -TERM "$server_pid"
    wait "$server_pid" 2>/dev/null
    rm -f "$work/ready"
}

# The command before said this.
said()
{
    cp "$work/output" "$work/said"
    if grep -q -- "$2" "$work/said"; then passed; else failed "$1 (not said: $2)"; fi
}

# The kernel lets go of the device when it has taken the server's memory down: who asks meanwhile is
# told that the connection was aborted, which is a refusal as well.
not_connected()
{
    cat "$mount/f" 2>&1 | grep -q 'not connected'
}

records()
{
    cat "$audit"/log/*.jsonl | jq -c "$1"
}

end_mounts()
{
    if grep -q " $mount " /proc/self/mountinfo; then
        umount -l "$mount"
    fi
    # The log writer that our first mount started ends with its directory's socket.
    if [ -n "${server_pid:-}" ]; then
        kill "$server_pid"
        wait "$server_pid"
    fi
}
at_exit end_mounts
