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
unmount_tree
rm -rf "$source"; mkdir "$source"

mkdir -p "$source"/{work,secret,ro}
printf 'SECRET\n' >"$source/secret/key"
printf 'old\n' | tee "$source/ro/file" >"$source/work/file"
mount_tree --policy "$policy"
check "100,000 tries against swapped links and directories" python3 "$FAILCORE_SOURCE_DIR/tests/integration/fs_races.py" "$mount" 25000
check "the read-only file is as it was" test "$(cat "$source/ro/file")" = old
unmount_tree
rm -rf "$source" && mkdir "$source"
check "the log is intact" "$bin/failcore" audit verify "$audit"
