#!/usr/bin/env bash
# failcore-mount as a service: root mounts and leaves, an ordinary user serves what the service
# manager carried over, says what it does, and dies closed.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
need_root
command -v python3 >/dev/null || skip "no python3"
user=nobody
chmod 755 "$work"
# Where that user can reach them: a checkout may lie in somebody's home.
mkdir "$work/bin"
cp "$bin/failcore-mount" "$bin/failcore-auditd" "$work/bin/"
mount=$work/bin/failcore-mount
mkdir "$work/source" "$work/mnt" "$work/state"
echo text >"$work/source/notes"
echo key >"$work/source/.env"
chown -R "$user": "$work/source" "$work/state"
chmod 700 "$work/state"
cp "$FAILCORE_SOURCE_DIR/policies/fs_sandbox.yaml" "$work/policy.yaml"
export XDG_STATE_HOME=$work/state XDG_RUNTIME_DIR=$work/state

# Its process 1 is ours: that is where the mount is made.
cat >"$work/host.sh" <<'S'
set -u
as_owner() { setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"; }
until_says() { for _ in $(seq 200); do grep -q "$1" "$work/said" && return; sleep 0.05; done; return 1; }
say() { echo "$1: $("${@:2}" >/dev/null 2>"$work/why" && echo yes || cat "$work/why" - <<<no | tr '\n' ' ')"; }
python3 "$FAILCORE_SOURCE_DIR/tests/support/service_manager.py" "$user" \
    "$mount" --prepare --policy "$work/policy.yaml" "$work/source" "$work/mnt" -- \
    "$mount" --stored-session --policy "$work/policy.yaml" "$work/source" "$work/mnt" >"$work/said" 2>"$work/errors" &
until_says '"READY": "1"' || { cat "$work/errors"; exit 1; }
server=$(sed -n 's/.*"MAINPID": \([0-9]*\).*/\1/p' "$work/said")
grep -hE '^(Uid|CapEff|NoNewPrivs|Seccomp):' "/proc/$server/task/"*/status | sort -u
say "reads" as_owner cat "$work/mnt/notes"
say "writes" as_owner sh -c 'echo more >"$1"' sh "$work/mnt/more"
say "secret" as_owner cat "$work/mnt/.env"
say "another" cat "$work/mnt/notes"
until_says '"WATCHDOG": "1"' && echo "lives"
kill -KILL "$server"
wait
say "dead" as_owner cat "$work/mnt/notes"
"$mount" --host-namespace --unmount "$work/mnt" && say "below" as_owner ls "$work/mnt"
# Stopped: unmounted while it serves, and it leaves by itself.
python3 "$FAILCORE_SOURCE_DIR/tests/support/service_manager.py" "$user" \
    "$mount" --prepare --policy "$work/policy.yaml" "$work/source" "$work/mnt" -- \
    "$mount" --stored-session --policy "$work/policy.yaml" "$work/source" "$work/mnt" >"$work/said" 2>>"$work/errors" &
until_says '"READY": "1"' && "$mount" --host-namespace --unmount "$work/mnt"
wait $! && echo "left"
# What was left by a server that died is replaced, though root may not look into it.
"$mount" --prepare --policy "$work/policy.yaml" "$work/source" "$work/mnt" 2>&1
S
export work user mount
unshare --mount --pid --fork --mount-proc --propagation private bash "$work/host.sh" >"$work/told" 2>&1
told() { check "$1" grep -qE "$2" "$work/told"; }
told "every thread is the ordinary user" "^Uid:.*$(id -u "$user").*$(id -u "$user")"
check "and only that" test "$(grep -c ^Uid: "$work/told")" = 1
told "it has no capability" '^CapEff:\s*0+$'
check "in no thread" test "$(grep -c ^CapEff: "$work/told")" = 1
told "its owner reads" '^reads: yes'
told "and writes" '^writes: yes'
check "which is in the source, as the owner's" test "$(stat -c %U "$work/source/more")" = "$user"
told "what the policy refuses is refused" '^secret: .*Permission denied'
told "nobody else gets in, not even root" '^another: .*Permission denied'
told "it says that it lives, after a request to itself" '^lives'
told "killed, the mount is dead and not open" '^dead: .*not connected'
told "what is below shows nothing after it is unmounted" '^below: yes'
told "unmounted, the server leaves" '^left'
told "without a service manager nothing is mounted for nobody" 'does not keep the mount'
check "the store kept no copy" sh -c "grep '\"READY\"' '$work/said' | grep -q '\"store\": \[\]'"
check "the refusal is in its owner's log" sh -c "cat '$work'/state/failcore/audit/log/*.jsonl | jq -se 'any(.[]; .code == \"PATH_DENIED\" and .call.path == \".env\")'"
