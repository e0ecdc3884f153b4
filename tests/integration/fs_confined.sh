#!/bin/bash
# What the threads that answer requests have given up.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

# Threads by what they are: the main one, and those that serve.
serving()
{
    local task
    for task in /proc/"$server_pid"/task/*; do
        [ "${task##*/}" = "$server_pid" ] || sed -n "s/^$1:\t*//p" "$task/status"
    done | sort -u
}

capabilities()
{
    serving CapBnd | while read -r set; do
        printf '%d\n' "0x$set"
    done
}

chmod 711 "$work"
chmod 777 "$source"
mount_tree --policy "$allow_all" --profile shared
touch "$mount/x"
check "every serving thread has a filter" test "$(serving Seccomp)" = 2
check "and no new privileges" test "$(serving NoNewPrivs)" = 1
sys_admin=$((1 << 21)) net_admin=$((1 << 12)) sys_ptrace=$((1 << 19)) chown=$((1 << 0))
check "no CAP_SYS_ADMIN without passthrough" test $(($(capabilities) & (sys_admin | net_admin))) = 0
check "CAP_CHOWN in the shared profile" test $(($(capabilities) & chown)) != 0
check "others create as themselves" setpriv --reuid 65534 --regid 65534 --clear-groups sh -c '
    echo x >"$1/theirs" && mkdir "$1/dir" && test "$(stat -c %u:%g "$1/theirs")" = 65534:65534' - "$mount"
check "with their groups" setpriv --reuid 65534 --regid 65534 --groups 4242 sh -c '
    echo x >"$1/grouped" && chgrp 4242 "$1/grouped" && test "$(stat -c %g "$1/grouped")" = 4242' - "$mount"
check "and their umask" sh -c 'umask 027; mkdir "$1/masked" && test "$(stat -c %a "$1/masked")" = 750' - "$mount"
check_fails "and not as others" setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'rm -f "$1/x" && chmod 777 "$1/masked"' - "$mount"
check "who asked is still known" test -n "$(wait_until 5 sh -c "cat '$audit'/log/*.jsonl | grep -q '\"exe\":\"'"; records 'select(.actor.exe != null)' | head -n 1)"
unmount_tree

mount_tree --policy "$allow_all" --profile shared --passthrough
check "data by the kernel" sh -c 'echo data >"$1/data" && grep -q data "$1/data"' - "$mount"
check "CAP_SYS_ADMIN for that alone" test $(($(capabilities) & (sys_admin | net_admin))) = $sys_admin
unmount_tree
said_data=$(grep -c 'data by the kernel' "$work/server.errors")
check "and the server says so" test "$said_data" = 1

# Set-id bits go with a write by somebody else, also when the kernel carries data.
setuid=$(policy_file setuid <<'POLICY'
version: 1
name: setuid
filesystem:
  default: allow
  setuid: true
POLICY
)
for option in "" --passthrough; do
    mount_tree --policy "$setuid" --profile shared $option
    install -m 6777 /bin/true "$mount/raised"
    chmod 6777 "$mount/raised"
    check "the bits are there" test "$(stat -c %a "$source/raised")" = 6777
    check_fails "chown(-1, -1) by another is no way to clear them" setpriv --reuid 65534 --regid 65534 --clear-groups perl -e '
        chown(-1, -1, "$ARGV[0]/raised") or die "$!"' "$mount"
    said "it is refused as natively" "Operation not permitted"
    check "they are still there" test "$(stat -c %a "$source/raised")" = 6777
    check "written by another" setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'echo x >>"$1/raised"' - "$mount"
    check "they are gone ($option)" test "$(stat -c %a "$source/raised")" = 777
    unmount_tree
done

# The agent profile acts as the owner of SOURCE.
chown 1234:1235 "$source"
mount_tree --policy "$allow_all" --profile agent
check "the owner of SOURCE uses it" setpriv --reuid 1234 --regid 1235 --clear-groups sh -c '
    echo x >"$1/mine" && test "$(stat -c %u:%g "$1/mine")" = 1234:1235' - "$mount"
check_fails "nobody else" setpriv --reuid 65534 --regid 65534 --clear-groups ls "$mount"
check "no file capabilities" test $(($(capabilities) & (chown | sys_admin))) = 0
unmount_tree
check "made as the owner" test "$(stat -c %u:%g "$source/mine")" = 1234:1235
