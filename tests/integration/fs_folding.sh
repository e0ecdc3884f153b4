#!/bin/bash
# Where two spellings are one name, rules that deny or hide would bind one of them only: such a
# tree is not served with them (SR16).
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

deny=$(policy_file deny <<'POLICY'
version: 1
name: deny
filesystem:
  default: allow
  rules:
    - {id: secret, action: deny, paths: [secret]}
POLICY
)
hide=$(policy_file hide <<'POLICY'
version: 1
name: hide
filesystem:
  default: allow
  rules:
    - {id: secret, action: hide, paths: [secret]}
POLICY
)
not_mounted()
{
    ! grep -q " $mount " /proc/self/mountinfo
}

refused()
{
    for policy in "$deny" "$hide"; do
        check_exit "$1: refused with $(basename "$policy")" 65 "$bin/failcore-mount" --policy "$policy" --audit "$audit" "$source" "$mount"
        said "$1: what" "^.*$source takes two spellings for one name"
        check "$1: what needed it" grep -q 'deny or hide' "$work/said"
        check "$1: what to do" grep -q 'another file system' "$work/said"
        check "$1: nothing is mounted" not_mounted
    done
    mount_tree --policy "$allow_all"
    check "$1: without such rules it is served" ls "$mount"
    cp "$deny" "$work/policies/allow_all.yaml"
    check_fails "$1: and no reload brings them" "$bin/failcore-mount" --reload "$mount"
    said "$1: which says so" 'two spellings for one name'
    unmount_tree
    printf 'version: 1\nname: allow-all\nfilesystem:\n  default: allow\n' >"$allow_all"
}

"$bin/folding_fs" -f "$source" &
folding=$!
at_exit "umount -l '$source'; kill $folding; wait $folding"
wait_until 10 mountpoint -q "$source"
check "it folds" test -f "$source/SECRET"
refused "a file system that folds"
umount -l "$source"

kinds=0
for kind in vfat exfat ntfs3 hfsplus; do
    if grep -qw "$kind" /proc/filesystems && command -v "mkfs.$kind" >/dev/null; then
        truncate -s 64M "$work/$kind.image"
        "mkfs.$kind" "$work/$kind.image" >/dev/null && mount -o loop "$work/$kind.image" "$source" || continue
        refused "$kind"
        umount -l "$source"
        kinds=$((kinds + 1))
    fi
done
if [ -e /sys/fs/ext4/features/casefold ]; then
    truncate -s 64M "$work/ext4.image"
    mkfs.ext4 -q -O casefold "$work/ext4.image"
    mount -o loop "$work/ext4.image" "$source"
    rmdir "$source/lost+found"
    chattr +F "$source"
    refused "ext4 with chattr +F"
    umount -l "$source"
    kinds=$((kinds + 1))
fi
[ "$kinds" != 0 ] || echo "skipped: this kernel has no vfat, exfat, ntfs3, hfsplus nor ext4 casefold; a FUSE one was tried"

# Two names that differ in case alone, here as everywhere.
echo 1 >"$source/secret"
echo 2 >"$source/SECRET"
mount_tree --policy "$deny"
check "elsewhere spellings are names of their own" test "$(cat "$mount/SECRET")" = 2
check_fails "and the rule holds" cat "$mount/secret"
unmount_tree

# No file attribute, range or key of the backing file system is in reach of an ioctl.
mount_tree --policy "$allow_all"
check "ioctl through the mount" python3 - "$mount" <<'PY'
import array, errno, fcntl, os, struct, sys
os.chdir(sys.argv[1])
open("a", "w").write("x" * 4096)
open("b", "w").write("y" * 4096)
a, b, d = os.open("a", os.O_RDWR), os.open("b", os.O_RDWR), os.open(".", os.O_RDONLY)
calls = {
    "FS_IOC_SETFLAGS": (0x40086602, struct.pack("l", 0x40)),
    "FS_IOC_SETFLAGS casefold": (0x40086602, struct.pack("l", 0x40000000)),
    "FS_IOC_FSSETXATTR": (0x401c5820, bytes(28)),
    "FICLONE": (0x40049409, a),
    "FICLONERANGE": (0x4020940d, struct.pack("qQQQ", a, 0, 4096, 0)),
    "FIDEDUPERANGE": (0xc0189436, struct.pack("QQHHI", 0, 4096, 0, 0, 0)),
    "FS_IOC_SET_ENCRYPTION_POLICY": (0x800c6613, bytes(12)),
    "FS_IOC_ADD_ENCRYPTION_KEY": (0xc0506617, bytes(80)),
    "FS_IOC_REMOVE_ENCRYPTION_KEY": (0xc0406618, bytes(64)),
    "FS_IOC_ENABLE_VERITY": (0x40806685, bytes(128)),
}
for name, (number, argument) in calls.items():
    for fd in (b, d):
        try:
            fcntl.ioctl(fd, number, argument)
        except OSError as e:
            assert e.errno in (errno.ENOTTY, errno.EOPNOTSUPP, errno.EACCES, errno.EPERM, errno.ENOSYS,
                               errno.EBADF, errno.EINVAL, errno.EISDIR, errno.EXDEV), (name, e)
        else:
            sys.exit(f"{name} was let through")
assert open("b").read() == "y" * 4096
PY
