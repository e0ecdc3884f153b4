#!/bin/bash
# Attacks that succeed on a bare directory and are refused by the mount.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"
command -v python3 >/dev/null || skip "python3 is missing"

attacks=$FAILCORE_SOURCE_DIR/tests/integration/fs_attacks.py
policy=$(policy_file attacks <<'POLICY'
version: 1
name: attacks
filesystem:
  default: allow
  rules:
    - {id: secret, action: deny, paths: ["secret", "secret/**"]}
    - {id: keys, action: deny, paths: ["{work,plain}/**/*.pem"]}
    - {id: readonly, action: deny, operations: [write, create, delete, rename, link, metadata], paths: ["ro", "ro/**"]}
    - {id: locks, action: deny, operations: [write, create, delete], paths: ["locks/*.lock"]}
    - {id: hidden, action: hide, paths: ["work/hidden", "work/hidden/**"]}
POLICY
)
mkdir -p "$work/bare" "$work/outside"
check "each attack works on a bare directory" python3 "$attacks" bare "$work/bare" "$work/bare" "$work/outside"
mount_tree --policy "$policy" --strict
check "and none through the mount (nothing cached)" python3 "$attacks" mount "$mount" "$source" "$work/outside"
said "they are at least 80" '^[1-9][0-9][0-9] attacks, 0 not'
unmount_tree
for code in PATH_DENIED PATH_HIDDEN LINK_ESCAPE RENAME_ESCAPE; do
    check "some were refused with $code, and recorded so" \
        test "$(records "select(.status==\"BLOCKED\" and .code==\"$code\")" | wc -l)" -gt 0
done

# $1: an empty directory
fill()
{
    mkdir -p "$1"/{work,secret,ro}
    printf 'SECRET\n' | tee "$1"/work/{a,b}.pem >"$1/secret/key"
    printf 'old\n' | tee "$1/ro/file" >"$1/work/file"
}
races=$FAILCORE_SOURCE_DIR/tests/integration/fs_races.py
rm -rf "$source" "$work/bare"
fill "$work/bare"
check "each race is won on a bare directory" python3 "$races" bare "$work/bare" 1
fill "$source"
mount_tree --policy "$policy"
check "and none through the mount" python3 "$races" mount "$mount" 20000
said "in 100,000 tries" '^1[0-9][0-9][0-9][0-9][0-9] tries of 5 races, 0 not'
check "the read-only file is as it was" test "$(cat "$source/ro/file")" = old
unmount_tree
check "the log is intact" "$bin/failcore" audit verify "$audit"
