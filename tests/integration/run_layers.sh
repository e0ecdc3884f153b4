#!/usr/bin/env bash
# Each layer switched off in turn: what it alone was for gets through, everything else is held.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
. "$(dirname "$0")/../support/hostile_host.sh"
need_root
need_run
hooks=$bin/failcore-test-hooks
hostile=$bin/hostile
[ -x "$hooks" ] && [ -x "$hostile" ] || skip "needs the program with test hooks and the battery"
check "the machine has something to find" host_attractions
table=$FAILCORE_SOURCE_DIR/tests/hostile/without.expect

for layer in $(sed -n 's/^\([a-z-]*\) |.*/\1/p' "$table" | sort -u); do
    FAILCORE_TEST_WITHOUT=$layer "$hooks" run --no-net --policy "$allow_all" --workspace "$ws" \
        --audit "$audit" -- sh -c 'cat >/tmp/h; chmod +x /tmp/h; exec /tmp/h' \
        <"$hostile" >"$work/found" 2>"$work/err"
    check "without $layer the battery ran" grep -q '^[0-9]* held, ' "$work/found"
    sed -n 's/^THROUGH \(.*[^ ]\) *$/\1/p' "$work/found" | sort >"$work/through"
    sed -n "s/^$layer | *\(.*\)/\1/p" "$table" | sort >"$work/listed"
    comm -23 "$work/through" "$work/listed" >"$work/unexpected"
    cp "$work/unexpected" "$work/shown"
    check "without $layer nothing else gets through: $(head -3 "$work/shown" | tr '\n' ';')" \
        test ! -s "$work/unexpected"
    case $layer in
    landlock | read-only | net-namespace | hidden-first-process | closed-descriptors) ;;
    *) check "and the switch works" test -s "$work/through" ;;
    esac
done

# What the product is built from knows no switch.
check_fails "failcore itself has no hook" grep -q FAILCORE_TEST_WITHOUT "$bin/failcore"

# The two that nothing depends on alone hold by themselves, where another one is away.
off()
{
    FAILCORE_TEST_WITHOUT=$1 "$hooks" run --no-net --policy "$policies/open.yaml" --workspace "$ws" \
        --audit "$audit" -- sh -c "$2"
}
# Not below /tmp, which Landlock lets a run write.
free=$(mktemp -d /srv/failcore-test.XXXXXX) || skip "needs a writable /srv"
at_exit "rm -rf $free"
chmod 0777 "$free"
printf 'version: 1\nname: open\nfilesystem:\n  rules: [{id: all, action: allow, paths: ["**"]}]\nsandbox: {read_only: ["%s"]}\n' \
    "$free" >"$policies/open.yaml"
check_fails "a tree that anybody may write: held by Landlock where the mount is writable" \
    off read-only "touch $free/x"
check_fails "and by the mount where Landlock is away" off landlock "touch $free/x"
check "the switch of the network namespace works" test "$(off net-namespace 'readlink /proc/self/ns/net')" = \
    "$(readlink /proc/self/ns/net)"
call="python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect(chr(0) + \"failcore-hostile-host\")'"
check_fails "without it the machine's abstract sockets are held by Landlock's scope" off net-namespace "$call"
check "and by nothing else" off net-namespace,landlock "$call"
check_fails "as they are by the namespace without the scope" off landlock "$call"

# Nothing of it starts without no_new_privs: Landlock and the filter would not be obeyed.
check_exit "without no_new_privs there is no run" 125 off no-new-privileges 'touch started'
check_fails "none" test -e "$ws/started"

# Limits: without a control group each process has its own.
printf 'version: 1\nname: limited\nextends: [./open.yaml]\nlimits: {memory: 256MiB, processes: 20}\n' \
    >"$policies/limited.yaml"
limited()
{
    FAILCORE_TEST_WITHOUT=cgroup "$hooks" run --no-net --policy "$policies/limited.yaml" --workspace "$ws" \
        --audit "$audit" "$@"
}
check_exit "a memory bomb without a control group" 1 limited -- python3 -c 'b = bytearray(400 << 20)'
check "a fork bomb without one" test "$(limited -- bash -c 'for i in $(seq 100); do sleep 1 & done 2>/dev/null
    jobs -p | wc -l' 2>/dev/null)" -le 20
check "START says by which means" test "$(records '.kind == "START"' | tail -1 | jq -c .call.limits)" = \
    '{"memory":"rlimit","processes":"rlimit"}'
check_exit "which --strict does not accept" 65 limited --strict -- true
