#!/bin/bash
# failcore-mount by who is not root: by fusermount3, and in a user namespace of the user's own.
# Nothing of it needs a capability, and a killed server leaves the same closed mount as root's.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"
command -v setpriv >/dev/null || skip "setpriv is missing"

uid=$((200000 + $$ % 100000))
# Where that user can reach them: a checkout may lie in somebody's home.
chmod 755 "$work"
mkdir -m 755 "$work/bin"
cp "$bin/failcore-mount" "$bin/failcore-auditd" "$work/bin/"
audit=$work/home/audit
mkdir -m 700 "$work/home" "$work/home/run" "$audit"
chown -R "$uid:$uid" "$work/home" "$source" "$mount"
policy=$(policy_file ordinary <<'POLICY'
version: 1
name: ordinary
filesystem:
  default: allow
  rules:
    - {id: secret, action: deny, paths: [secret]}
POLICY
)
chown -R "$uid:$uid" "$work/policies"
for name in open secret; do
    echo "$name" >"$source/$name"
done
chown "$uid:$uid" "$source"/*

# Another /dev/fuse, in a mount namespace of this test, for whoever is to open it.
cat >"$work/as_user.sh" <<'S'
set -u
rm -f "$work/fuse"; mknod "$work/fuse" c 10 229; chmod 666 "$work/fuse"; mount --bind "$work/fuse" /dev/fuse
# And a name for the user, which fusermount3 wants.
{ cat /etc/passwd; echo "failcore-test:x:$uid:$uid::$work/home:/bin/sh"; } >"$work/passwd"
mount --bind "$work/passwd" /etc/passwd
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all \
    env HOME="$work/home" XDG_RUNTIME_DIR="$work/home/run" XDG_STATE_HOME="$work/home" FAILCORE_STATE="$work/home/state" bash "$@"
S
cat >"$work/steps.sh" <<'S'
set -u
say() { echo "$1: $("${@:2}" >/dev/null 2>"$work/home/why" && echo yes || tr '\n' ' ' <"$work/home/why")"; }
serve() {
    rm -f "$work/home/ready"
    "$work/bin/failcore-mount" -f --ready-fd 9 --policy "$work/policies/ordinary.yaml" --audit "$audit" --profile agent \
        "$source" "$mount" 9>"$work/home/ready" 2>"$work/home/errors" &
    server=$!
    for _ in $(seq 200); do [ -s "$work/home/ready" ] && break; sleep 0.05; done
    [ "$(cat "$work/home/ready")" = R ] || { cat "$work/home/ready" "$work/home/errors"; exit 1; }
}
unmount() { "$work/bin/failcore-mount" --unmount "$mount"; }
serve
grep " $mount " /proc/self/mountinfo
grep -hE '^(Uid|CapEff|NoNewPrivs|Seccomp):' "/proc/$server/task/"*/status | sort -u
for entry in "/proc/$server/fd/"*; do readlink "$entry"; done | grep -c '^/dev/fuse\|^.*/fuse$' | sed 's/^/devices: /'
say reads cat "$mount/open"
say writes sh -c 'echo more >"$1/more" && cat "$1/more"' - "$mount"
say secret cat "$mount/secret"
say renamed mv "$mount/secret" "$mount/known"
say linked ln "$mount/secret" "$mount/known"
say reloads "$work/bin/failcore-mount" --reload "$mount"
kill -KILL "$server"; wait "$server" 2>/dev/null
say dead cat "$mount/open"
say bare touch "$mount/new"
serve
say again cat "$mount/open"
kill -KILL "$server"; wait "$server" 2>/dev/null
say unmounts unmount
echo "mode: $(stat -c %a "$mount")"
serve
say serves cat "$mount/open"
unmount
wait "$server"; echo "left: $?"
echo "mode after: $(stat -c %a "$mount")"
serve
kill -TERM "$server"
wait "$server"; echo "asked: $?"
grep -c " $mount " /proc/self/mountinfo | sed 's/^/mounts: /'
echo "mode at last: $(stat -c %a "$mount")"
S
told() { check "$way: $1" grep -qE "$2" "$work/told"; }
export work uid source mount audit

steps()
{
    told "it is mounted, without devices and set-id bits" " $mount .*nosuid,nodev.* fuse.failcore "
    told "one holder of the device" '^devices: 1$'
    told "its user reads" '^reads: yes'
    told "and writes" '^writes: yes'
    told "what is denied is denied" '^secret: .*Permission denied'
    told "by another name as well" '^renamed: .*Permission denied'
    told "or by two" '^linked: .*Permission denied'
    told "killed, the mount is dead" '^dead: .*not connected'
    told "and not bare" '^bare: .*not connected'
    told "a new server takes its place" '^again: yes'
    told "a dead one is unmounted" '^unmounts: yes'
    told "and its directory has its mode back" '^mode: 755'
    told "mounted again" '^serves: yes'
    told "unmounted, the server leaves" '^left: 0'
    told "with the mode" '^mode after: 755'
    told "asked to end, it ends" '^asked: 0'
    told "without a mount" '^mounts: 0'
    told "and with the mode" '^mode at last: 755'
    check "$way: nothing was made below" test ! -e "$source/new"
}

if command -v fusermount3 >/dev/null && [ -u "$(command -v fusermount3)" ]; then
    way=fusermount3
    check "$way: ran" unshare --mount --propagation private bash "$work/as_user.sh" "$work/steps.sh"
    cp "$work/output" "$work/told"
    told "no capability" '^CapEff:\s*0+$'
    check "$way: in no thread" test "$(grep -c ^CapEff: "$work/told")" = 1
    told "every thread is the ordinary user" "^Uid:.$uid.$uid.$uid.$uid"
    check "and only that" test "$(grep -c ^Uid: "$work/told")" = 1
    steps
    told "a reload" '^reloads: yes'
    check "$way: the refusal is in the user's log" sh -c "cat '$audit'/log/*.jsonl | jq -se 'any(.[]; .code == \"PATH_DENIED\" and .call.path == \"secret\")'"
    rm -f "$source/more"

    # Without the program: refused, with the mend.
    way="no fusermount3"
    check_fails "$way" unshare --mount --propagation private bash "$work/as_user.sh" -c \
        'PATH=/nowhere exec "$work/bin/failcore-mount" --policy "$work/policies/ordinary.yaml" --audit "$audit" "$source" "$mount"'
    said "$way: says what to do" 'install fuse3'
    check "$way: the directory is as it was" test "$(stat -c %a "$mount")" = 755
else
    echo "skipped: fusermount3 (not installed set-user-id)"
fi

way="own user namespace"
if setpriv --reuid "$uid" --regid "$uid" --clear-groups unshare -Ur true 2>/dev/null; then
    check "$way: ran" unshare --mount --propagation private bash "$work/as_user.sh" -c 'exec unshare --user --map-root-user --mount bash "$work/steps.sh"'
    cp "$work/output" "$work/told"
    steps
else
    echo "skipped: user namespaces are refused"
fi
