#!/usr/bin/env bash
# failcore doctor tells what is there, and what to do about what is not.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run
user_setup

before=$(ls -d /tmp/failcore-doctor.* 2>/dev/null)
"$bin/failcore" doctor >"$work/text"
check "root finds everything that a run needs" test $? = 0
check "each line has a state" test "$(grep -c -E '^(ok|weak|MISSING) ' "$work/text")" -ge 12
check "a run was tried" grep -q '^ok *run *works' "$work/text"
check "a guard was tried, and how packets come to it" \
    grep -q '^ok *guard *works; packets are queued by ' "$work/text"
# Each thing that a run can want of a machine, by the name that scripts ask for.
check "every part has its line" bash -c '"$1" doctor --json | jq -e "[.probes[].name] -
    [\"apparmor\", \"selinux\"] == [\"kernel\", \"user-namespaces\", \"network-namespaces\", \"fuse\",
    \"fuse-transport\", \"fuse-passthrough\", \"landlock\", \"seccomp\", \"cgroup\", \"pasta\", \"run\",
    \"guard\", \"nested\"]"' sh "$bin/failcore"
check "a kernel without network namespaces left is told" bash -c '
    unshare --user --map-root-user sh -c "echo 0 >/proc/sys/user/max_net_namespaces && exec \"\$0\" doctor --json" "$1" |
    jq -e ".probes[] | select(.name == \"network-namespaces\") | .state == \"missing\" and .mend != \"\""' \
    sh "$bin/failcore"
check "what is weak or missing has its mend" bash -c '"$1" doctor --json | jq -e "all(.probes[];
    .state == \"ok\" or .mend != \"\")"' sh "$bin/failcore"
check "a nested sandbox was tried" grep -q '^ok *nested *works' "$work/text"
check "AppArmor and SELinux are looked at" test "$(grep -c -E '^(ok|weak) +(apparmor|selinux) ' "$work/text")" = 2
check "as JSON" bash -c '"$1" doctor --json | jq -e "(.probes | length) >= 12 and .missing == 0 and
    all(.probes[]; .name and .state and .found and .means)"' sh "$bin/failcore"
left_behind()
{
    comm -13 <(sort <<<"$before") <(ls -d /tmp/failcore-doctor.* 2>/dev/null | sort) | grep -q .
}
check "nothing is left behind" wait_until 5 bash -c "$(declare -f left_behind); before='$before'; ! left_behind"

check "an ordinary user with a device: a run works" bash -c '"$@" | grep -q "^ok *run *works"' sh \
    env -i PATH="$PATH" FAILCORE_SOURCE_DIR="$FAILCORE_SOURCE_DIR" bash -c "$(declare -f as_user)
    user_id=$user_id user_home=$user_home; as_user $user_bin/failcore doctor"
# Without one, it is said with the mend.
chmod 0600 /dev/fuse
setpriv --reuid "$user_id" --regid "$user_id" --clear-groups env HOME="$user_home" \
    "$user_bin/failcore" doctor >"$work/text"
check "something missing: exit 77" test $? = 77
check "an ordinary user's weak lines, too" bash -c '"$@" | jq -e "all(.probes[]; .state == \"ok\" or
    .mend != \"\")"' sh setpriv --reuid "$user_id" --regid "$user_id" --clear-groups env \
    HOME="$user_home" "$user_bin/failcore" doctor --json
check "named" grep -q '^MISSING *fuse ' "$work/text"
check "with its mend" grep -q 'try: chmod 666 /dev/fuse' "$work/text"
check "which is that of each run that was tried" test "$(grep -c 'try: chmod 666 /dev/fuse' "$work/text")" = 4
