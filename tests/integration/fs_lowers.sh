#!/bin/bash
# The same work over each kind of file system, over one that is read-only and over one that is full.
# A kind that the kernel or the machine lacks is named.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

lower=$work/lower
mkdir "$lower"
at_exit "umount -l '$lower'"

# KIND: what is mounted at $lower; says why it is not.
lower_mount()
{
    case $1 in
        tmpfs)
            mount -t tmpfs -o size=64m tmpfs "$lower"
            ;;
        overlay)
            mkdir -p "$work/overlay"
            mount -t tmpfs tmpfs "$work/overlay" && at_exit "umount -l '$work/overlay'"
            mkdir "$work"/overlay/{below,above,scratch,below/old}
            echo old >"$work/overlay/below/old/file"
            mount -t overlay -o "lowerdir=$work/overlay/below,upperdir=$work/overlay/above,workdir=$work/overlay/scratch" \
                overlay "$lower"
            ;;
        *)
            truncate -s 512M "$work/$1.image"
            case $1 in
                ext4) mkfs.ext4 -q -F "$work/$1.image" ;;
                *) "mkfs.$1" -q "$work/$1.image" >/dev/null ;;
            esac && mount -o loop "$work/$1.image" "$lower"
            ;;
    esac
}

lacks()
{
    case $1 in tmpfs | overlay) ;; *) command -v "mkfs.$1" >/dev/null || echo "mkfs.$1 is missing" ;; esac
    grep -qw "$1" /proc/filesystems || echo "this kernel has no $1"
}

kinds=0
for kind in ext4 xfs btrfs tmpfs overlay; do
    missing=$(lacks "$kind" | head -n 1)
    if [ -n "$missing" ]; then
        echo "not done over $kind: $missing"
        continue
    fi
    if ! lower_mount "$kind" 2>"$work/output"; then
        echo "not done over $kind: $(tail -n 1 "$work/output")"
        continue
    fi
    kinds=$((kinds + 1))
    for options in "" --passthrough; do
        rm -rf "$lower/tree"
        mkdir "$lower/tree"
        source=$lower/tree
        # shellcheck disable=SC2086
        mount_tree --policy "$allow_all" --profile shared $options
        check "over $kind $options" python3 "$FAILCORE_SOURCE_DIR/tests/integration/fs_lower_work.py" "$mount" "$source"
        echo 1 >"$source/under"
        check "over $kind: what is changed underneath" grep -q 1 "$mount/under"
        echo 2 >"$source/under"
        check "over $kind: is seen within a second" wait_until 2 grep -q 2 "$mount/under"
        unmount_tree
    done
    if [ "$kind" = overlay ]; then
        source=$lower
        mount_tree --policy "$allow_all" --profile shared
        check "over overlay: a file of the layer below is changed in the one above" sh -c '
            echo new >>"$1/old/file" && grep -q new "$1/old/file" && ! grep -q new "$2/below/old/file"' - "$mount" "$work/overlay"
        unmount_tree
    fi
    umount "$lower"
done
check "some kind was there" test "$kinds" -gt 0

# Read-only below: everything can be read, nothing changed, and the answer says why.
mount -t tmpfs -o size=8m tmpfs "$lower"
echo kept >"$lower/file"
mount -o remount,ro "$lower"
source=$lower
mount_tree --policy "$allow_all"
check "a read-only tree is read" grep -q kept "$mount/file"
for try in "touch $mount/new" "mkdir $mount/d" "rm $mount/file" "mv $mount/file $mount/x" "chmod 600 $mount/file" \
    "ln $mount/file $mount/y" "ln -s file $mount/z" "truncate -s 0 $mount/file"; do
    # shellcheck disable=SC2086
    check_fails "a read-only tree: $try" $try
    said "a read-only tree: says so: $try" 'Read-only file system'
done
unmount_tree
umount "$lower"

# A full disk: ENOSPC, and what was there is whole.
mount -t tmpfs -o size=1m tmpfs "$lower"
echo kept >"$lower/file"
for options in "" --passthrough; do
    # shellcheck disable=SC2086
    mount_tree --policy "$allow_all" $options
    check_fails "a full disk ($options)" dd if=/dev/zero of="$mount/big" bs=64k count=64
    said "a full disk says so ($options)" 'No space left on device'
    check "what was there is whole ($options)" grep -q kept "$mount/file"
    check "room is made ($options)" rm "$mount/big"
    check "and used ($options)" sh -c 'echo again >"$1/again" && grep -q again "$1/again"' - "$mount"
    unmount_tree
done
umount "$lower"
