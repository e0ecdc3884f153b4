#!/usr/bin/env bash
# What `cmake --install` puts down works as it lies: the programs find each other and the policies.
. "${FAILCORE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/integration.sh"
need_root

prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$FAILCORE_BUILD_DIR/CMakeCache.txt")
[ "$prefix" = /usr/local ] || skip "a build whose prefix is /usr/local"
check "it installs" env DESTDIR="$work/tree" cmake --install "$FAILCORE_BUILD_DIR"
tree=$work/tree$prefix

for file in bin/failcore bin/failcore-mount bin/failcore-netns libexec/failcore/failcore-auditd \
    libexec/failcore/failcore-netguard share/failcore/policies/safe.yaml share/failcore/apparmor/failcore \
    share/bash-completion/completions/failcore share/fish/vendor_completions.d/failcore.fish \
    share/zsh/site-functions/_failcore lib/systemd/system/failcore-mount@.service; do
    check "$file" test -f "$tree/$file"
done
check "every shipped policy" diff <(cd "$FAILCORE_SOURCE_DIR/policies" && find . -name '*.yaml' -o -name '*.expect' | sort) \
    <(cd "$tree/share/failcore/policies" && find . -type f | sort)
check_fails "nothing can be written by others" grep . <(find "$work/tree" -perm /022 ! -type l)
check_fails "nothing is set-user-id" grep . <(find "$work/tree" -perm /6000)

# The tree takes the place of /usr/local for the following commands only.
mkdir -p "$work/w"
echo key >"$work/w/.env"
echo text >"$work/w/notes"
installed()
{
    # shellcheck disable=SC2016 # for the shell inside
    unshare --mount --propagation private sh -c 'mount --bind "$1" "$2" && cd "$3" && shift 3 && exec "$@"' \
        sh "$tree" "$prefix" "$work/w" env HOME="$work" XDG_CONFIG_HOME="$work/config" "$@"
}
check "policies are found" installed "$prefix/bin/failcore" policy check safe
check "with their decision tables" grep -Eq '^safe: [1-9][0-9]+ cases, 0 failed$' <(installed "$prefix/bin/failcore" policy test safe)
check "the schema is the one that the loader prints" diff "$tree/share/failcore/schema/failcore-policy-1.schema.json" \
    <(installed "$prefix/bin/failcore" policy schema)
check "the programs are found" installed "$prefix/bin/failcore" run --policy fs_sandbox --no-net \
    --audit "$work/audit" -- sh -c 'cat notes && echo more >notes && ! cat .env'
check "it was written through the mount" grep -qx more "$work/w/notes"
check "the refusal is in the log" grep -q PATH_DENIED <(installed "$prefix/bin/failcore" show --blocked --audit "$work/audit")
check "the log is intact" installed "$prefix/bin/failcore" audit verify "$work/audit"
check "the network's programs are found" installed "$prefix/bin/failcore-netns" list
check "completions are answered" test "$(installed "$prefix/bin/failcore" completion --answer -- failcore-mount --prof)" != ""

# Units: what systemd says of them, and how exposed they are.
command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed (the rest passed)"
verify_units()
{
    local unit name
    mkdir -p "$work/$1"
    shopt -s nullglob
    for unit in "$tree/lib/systemd/$1"/*.{service,socket,target}; do
        name=$(basename "$unit")
        cp "$unit" "$work/$1/${name/@./@i.}"
        # Without --user a user unit is looked at as a system one, which finds the same mistakes.
        installed systemd-analyze verify --man=no "$work/$1/${name/@./@i.}" 2>&1
    done
}
check "systemd has nothing to say" diff /dev/null <(verify_units system)
check "nor of users' units" diff /dev/null <(verify_units user)
exposure()
{
    systemd-analyze security --offline=true "$work/system/$1" 2>&1 | sed -n 's/.*exposure level for [^ ]*: \([0-9.]*\) .*/\1/p'
}
at_most()
{
    check "$1 is exposed at most $2, not $(exposure "$1")" awk -v is="$(exposure "$1")" -v most="$2" \
        'BEGIN { exit !(is != "" && is + 0 <= most + 0) }'
}
at_most failcore-auditd.service 1.0
at_most failcore-mount@i.service 1.5
at_most failcore-netguard@i.service 2.0
# These two mount or reach into the host's network themselves; the bars keep what there is.
at_most failcore-netns@i.service 3.6
at_most failcore-mount-shared@i.service 5.3
