#!/bin/bash
# Symbolic links that would lead whoever follows them on the host out of the workspace are not
# made (SR21); those that everyday tools make are.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

mkdir -p "$source"/a/b "$source"/sub
ln -s /root/elsewhere "$source/there_before"
ln -s ../../a "$source/a/b/deep"
mount_tree --policy fs_sandbox
cd "$mount" || exit 1

for target in /root/.ssh/authorized_keys /home /tmp/x / /.. /usr/../root /etc/../home/x /usrx /proc/self/root \
    /dev/sda .. ../x a/../../x ./../x a/b/../../../x "$work/sourcex" "$mount/../x" "$work"; do
    check_fails "not to $target" ln -s "$target" link
    said "and that is EACCES: $target" 'Permission denied'
done
check_fails "nor further up than the directory is deep" ln -s ../../../x a/b/link
for target in x ./x a/b a/../sub ../sub /usr/bin/python3 /bin/sh /lib/x /lib64/x /sbin/x /etc/ssl/certs /usr //usr///bin \
    /usr/./bin/../lib /dev/null nowhere/at/all "$mount" "$mount/a/b" "$mount/a/../sub"; do
    check "to $target" ln -s "$target" a/ok
    check "and it says so: $target" test "$(readlink a/ok)" = "$target"
    check "and goes: $target" rm a/ok
done
check "up and over" ln -s ../../sub a/b/link

# The same by another name: a link is judged where it comes to lie.
ln -s ../../sub a/b/climb
check_fails "moved up" mv a/b/climb climb
check_fails "exchanged with one further up" python3 - <<'PY'
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
open("plain", "w").close()
raise SystemExit(libc.renameat2(-100, b"plain", -100, b"a/b/climb", 2) != 0)
PY
check_fails "linked further up" ln -P a/b/climb climb
check "it still is where it was" test "$(readlink a/b/climb)" = ../../sub
check "moved beside" mv a/b/climb a/b/climb2
check "one that led outside before may be moved" mv there_before a/there_before
check "and removed" rm a/there_before

# Everyday tools.
check "node_modules/.bin" sh -c 'mkdir -p node_modules/.bin node_modules/tool && echo x >node_modules/tool/cli.js && ln -s ../tool/cli.js node_modules/.bin/tool && grep -q x node_modules/.bin/tool'
if command -v python3 >/dev/null && python3 -c 'import venv' 2>/dev/null; then
    check "python -m venv" python3 -m venv --without-pip .venv
    check "and it runs" .venv/bin/python -c 'import sys; sys.exit(sys.prefix == sys.base_prefix)'
fi
check "tar with links" sh -c 'mkdir t && ln -s ../sub t/up && tar cf - t | (mkdir u && cd u && tar xf -)'
if command -v git >/dev/null; then
    export HOME=$work GIT_CONFIG_NOSYSTEM=1
    git init -q "$work/origin"
    ln -s a/b "$work/origin/inside"
    ln -s /root/.ssh "$work/origin/outside"
    git -C "$work/origin" add .
    git -C "$work/origin" -c user.name=a -c user.email=a@example.org commit -qm one
    git -c safe.directory='*' clone -q --no-local "file://$work/origin" cloned >"$work/output" 2>&1
    check "git checks out a link inside" test "$(readlink cloned/inside)" = a/b
    check_fails "not one that leads outside" test -L cloned/outside
fi
cd /
wait_until 5 sh -c "cat '$audit'/log/*.jsonl | grep -q LINK_ESCAPE"
check "refusals are recorded" test -n "$(records 'select(.code=="LINK_ESCAPE" and .call.path=="link" and .status=="BLOCKED" and .errno=="EACCES")')"
check "so is the rename" test -n "$(records 'select(.code=="LINK_ESCAPE" and .call.path2=="climb" and .status=="BLOCKED")')"
check "nothing refused was made" test -z "$(find "$source" -name link -not -path '*/a/b/*')"
unmount_tree

policy=$(policy_file links_allowed <<'POLICY'
version: 1
name: links-allowed
filesystem: {default: allow, outside_links: allow}
POLICY
)
mount_tree --policy "$policy"
check "a policy can allow them" ln -s /root/x "$mount/free"
