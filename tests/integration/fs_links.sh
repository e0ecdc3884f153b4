#!/bin/bash
# Names of one file that the host takes away and makes while the tree is mounted. The number of links
# stays, and still what a name denies is denied by every other.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

policy=$(policy_file links <<'POLICY'
version: 1
name: links
filesystem:
  default: allow
  rules:
    - {id: secret, action: deny, paths: [secret, "secret/**"]}
    - {id: hooks, action: deny, operations: [write, metadata], paths: ["hooks/**"]}
POLICY
)
uniform=$(policy_file uniform <<'POLICY'
version: 1
name: uniform
filesystem:
  default: allow
  outside_links: refuse
POLICY
)
store=$work/store
mkdir "$source/secret" "$source/hooks" "$source/work" "$store"

count=0

# A file with two names that both may be used, and are known.
fresh()
{
    count=$((count + 1)) # other names each time: what the kernel remembers of the last says nothing
    a=a$count b=b$count
    rm -rf "$source"/*/* "$store"/*
    echo old >"$source/work/$a"
    ln "$source/work/$a" "$source/work/$b"
    check "two names, read" cat "$mount/work/$a" "$mount/work/$b"
    check "and written" sh -c 'echo more >>"$1/$2"' - "$mount" "work/$b"
}

for option in "" --strict --passthrough; do
    mount_tree --policy "$policy" --profile shared $option
    fresh
    rm "$source/work/$b"
    ln "$source/work/$a" "$source/secret/k"
    check_fails "one becomes a denied name: not read ($option)" cat "$mount/work/$a"
    check_fails "not written" sh -c 'echo bad >>"$1/$2"' - "$mount" "work/$a"

    fresh
    rm "$source/work/$b"
    ln "$source/work/$a" "$source/hooks/h"
    check "one becomes a name that is not written: read" cat "$mount/work/$a"
    check_fails "not written" sh -c 'echo bad >>"$1/$2"' - "$mount" "work/$a"
    check_fails "not cut" truncate -s 0 "$mount/work/$a"
    check_fails "no other mode" chmod 777 "$mount/work/$a"
    check_fails "no other times" touch -d 2001-01-01 "$mount/work/$a"
    check "the file is as it was" test "$(cat "$source/hooks/h")" = "$(printf 'old\nmore')"

    fresh
    mv "$source/work/$b" "$source/secret/moved"
    check_fails "one is moved to a denied name: not read" cat "$mount/work/$a"

    fresh
    ln "$source/work/$a" "$store/f"
    check_fails "a link outside: not written" sh -c 'echo bad >>"$1/$2"' - "$mount" "work/$a"
    check "read" cat "$mount/work/$a"
    mv "$store/f" "$source/secret/f"
    check_fails "which is moved to a denied name: not read" cat "$mount/work/$a"

    fresh
    rm "$source/work/$b"
    ln "$source/work/$a" "$store/f"
    check_fails "one goes, one outside comes: not written" sh -c 'echo bad >>"$1/$2"' - "$mount" "work/$a"
    check "nothing was" sh -c '! grep -q bad "$1/f"' - "$store"
    mv "$store/f" "$source/work/$b.c"
    check "which becomes a name like the other: read" cat "$mount/work/$b.c"
    check "and written" sh -c 'echo good >>"$1/$2"' - "$mount" "work/$a"

    fresh
    rm -r "$source/work/$b"
    mkdir "$source/work/dir"
    ln "$source/work/$a" "$source/work/dir/b"
    check "one goes with the same rules: written" sh -c 'echo good >>"$1/$2"' - "$mount" "work/$a"
    rm -r "$source/work/dir"
    unmount_tree
done

mount_tree --policy "$uniform" --profile agent
fresh
rm "$source/work/$b"
ln "$source/work/$a" "$store/f"
check_fails "rules that are the same everywhere: the outside is not written" sh -c 'echo bad >>"$1/$2"' - "$mount" "work/$a"
check "nothing was" sh -c '! grep -q bad "$1/f"' - "$store"
unmount_tree
