#!/bin/bash
# O_TMPFILE: files without a name, and the names they may be given.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"
python3 - "$source" <<'PY' || skip "the file system of $source has no O_TMPFILE"
import os, sys
os.close(os.open(sys.argv[1], os.O_TMPFILE | os.O_RDWR))
PY

policy=$(policy_file tmpfile <<'POLICY'
version: 1
name: tmpfile
filesystem:
  default: allow
  rules:
    - {id: keys, action: deny, paths: ["**/*.pem"]}
    - {id: secret, action: deny, operations: [read, write, create], paths: ["secret/**"]}
    - {id: readonly, action: deny, operations: [write, create, delete], paths: ["ro", "ro/**"]}
    - {id: unwritten, action: deny, operations: [write], paths: ["only-read/**"]}
    - {id: hidden, action: hide, paths: ["work/hidden"]}
POLICY
)
for options in "--profile shared" "--profile agent" "--profile shared --passthrough" "--strict"; do
    rm -rf "$source"
    mkdir -p "$source"/{work/sub,secret,ro,only-read}
    # shellcheck disable=SC2086
    mount_tree --policy "$policy" $options
    check "as natively, and no way to a name that is denied ($options)" \
        python3 "$FAILCORE_SOURCE_DIR/tests/integration/fs_tmpfile.py" "$mount" "$source"
    check "which are not there ($options)" test -z "$(find "$source" -name '*.pem' -o -name hidden -o -name new)"
    unmount_tree
done
check "a file that has no name yet is recorded by its directory" \
    test -n "$(records 'select(.kind=="DECISION" and .call.op=="create" and .call.path=="work/#tmpfile" and .status=="ALLOWED")')"
check "the name that it gets as one that is created" \
    test -n "$(records 'select(.kind=="DECISION" and .call.op=="create" and .call.path2=="work/linked" and .status=="ALLOWED")')"
check "the names that it does not get, with the rule" \
    test -n "$(records 'select(.status=="BLOCKED" and .call.op=="create" and .call.path=="work/#tmpfile" and .call.path2=="ro/new" and .policy.rule=="readonly")')"
check "and where none is made" \
    test -n "$(records 'select(.status=="BLOCKED" and .call.path=="ro/#tmpfile")')"
check "the log is intact" "$bin/failcore" audit verify "$audit"
