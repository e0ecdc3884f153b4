#!/bin/bash
# Where a file system that serves another one from user space goes wrong: the mount answers as the
# directory below, with the data carried by the server and by the kernel.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"
command -v git >/dev/null || skip "git is missing"
touch "$work/flags"
chattr +a "$work/flags" 2>/dev/null || skip "no append-only files here"
chattr -a "$work/flags"
at_exit "chattr -R -a -i '$source'"

policy=$(policy_file set_id <<'POLICY'
version: 1
name: set-id
filesystem:
  default: allow
  setuid: true
POLICY
)
chmod 755 "$work" "$source" "$mount"
export HOME=$work GIT_CONFIG_GLOBAL=/dev/null
for options in "" --passthrough; do
    rm -rf "$source"
    mkdir "$source"
    # shellcheck disable=SC2086
    mount_tree --policy "$policy" --profile shared $options
    check "as below ($options)" python3 "$FAILCORE_SOURCE_DIR/tests/integration/fs_pitfalls.py" "$mount" "$source"
    # Somebody in a process number space of their own is recorded as who they are outside of it.
    check "a caller in another pid namespace ($options)" \
        unshare --pid --fork sh -c 'echo x >"$1"' - "$mount/from-a-namespace"
    unmount_tree
    check "is recorded with a number and a name ($options)" test "$(records '
        select(.call.path=="from-a-namespace" and .kind=="DECISION") | .actor.pid > 1 and .actor.comm == "sh"' | tail -n 1)" = true
done
check "the log is intact" "$bin/failcore" audit verify "$audit"
