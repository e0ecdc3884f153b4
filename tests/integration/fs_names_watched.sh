#!/bin/bash
# The kernel remembers the name of a regular file beyond its second, and no longer than it is true.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

came()
{
    sed -n "s/.*requests:.* $1 \\([0-9]*\\).*/\\1/p" "$work/server.errors"
}

# The status of a look, of an exclusive creation and of an open, tried until they are all as wanted.
seen()
{
    python3 - "$mount" "$@" <<'PY'
import errno, os, sys, time

def outcome(call):
    try:
        return call()
    except OSError as error:
        return errno.errorcode[error.errno]

def made(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    return "made"

def read(path):
    with open(path) as file:
        return file.read().strip()

os.chdir(sys.argv[1])
what, path, wanted = sys.argv[2:]
calls = {"stat": lambda: str(os.stat(path).st_size), "make": lambda: made(path),
         "read": lambda: read(path), "mkdir": lambda: os.mkdir(path) or "made",
         "rmdir": lambda: os.rmdir(path) or "removed"}
until = time.monotonic() + 1  # the bound
while (got := outcome(calls[what])) != wanted and time.monotonic() < until:
    time.sleep(0.02)
sys.exit(f"{what} {path}: {got}, not {wanted}" if got != wanted else 0)
PY
}

if ! python3 - "$source" <<'PY'
import os, sys
kind = os.popen(f"stat -f -c %T {sys.argv[1]}").read().strip()
sys.exit(kind not in ("ext2/ext3", "xfs", "btrfs", "tmpfs", "f2fs"))
PY
then
    skip "a file system that tells of all changes (ext4, xfs, btrfs, tmpfs) below the mount"
fi

mkdir "$source/d" "$source/e"
for i in {1..50}; do
    echo "$i" >"$source/d/f$i"
done
: >"$work/server.errors"
mount_tree --policy "$allow_all" --profile agent
find "$mount/d" -type f -exec stat -c %n {} + >/dev/null
sleep 1.3
cat "$mount"/d/f* >/dev/null
unmount_tree
check "names are remembered beyond a second: $(came LOOKUP) lookups for 100 uses" test "$(came LOOKUP)" -lt 75
check "and the files are opened" test "$(came OPEN)" -eq 50

mount_tree --policy "$allow_all" --profile agent
cat "$mount"/d/f* >/dev/null
rm "$source/d/f1"
check "a name removed underneath can be made" seen make d/f1 made
rm "$source/d/f2"
check "and made as a directory" seen mkdir d/f2 made
mv "$source/d/f3" "$source/d/moved"
check "a name moved away underneath is gone" seen stat d/f3 ENOENT
check "and is where it was moved to" seen read d/moved 3
mv "$source/d/f4" "$source/d/f5"
check "a name replaced underneath is the other file" seen read d/f5 4
(exec 9<"$mount/d/f6"; mv "$source/d/f7" "$source/d/f6"; seen read d/f6 7)
check "also while the replaced one is open" test $? -eq 0
(exec 9<"$mount/d/f9"; rm "$source/d/f9"; seen stat d/f9 ENOENT)
check "a name removed underneath is gone though its file is open" test $? -eq 0
rm "$source/d/f10"
mkdir "$source/d/f10"
check "a file that became a directory underneath is one" seen rmdir d/f10 removed
mv "$mount/d/f8" "$mount/e/f8"
(exec 9<"$mount/e/f8"; rm "$source/e/f8"; seen stat e/f8 ENOENT)
check "a name that was moved through the mount is watched where it is" test $? -eq 0
mv "$source/d" "$source/was_d"
check "a directory moved underneath is gone" seen stat d/f20 ENOENT
check "and is where it was moved to" seen read was_d/f20 20
(exec 9<"$mount/was_d/f20"; rm "$source/was_d/f20"; seen stat was_d/f20 ENOENT)
check "and watched there" test $? -eq 0
unmount_tree

# More changes at once than the kernel keeps word of: all names are doubted.
many=$(($(cat /proc/sys/fs/inotify/max_queued_events) + 2000))
mkdir "$source/many" "$source/other"
echo here >"$source/many/known"
mount_tree --policy "$allow_all" --profile agent
exec 9<"$mount/many/known"
python3 - "$source/many" "$many" <<'PY'
import os, sys
os.chdir(sys.argv[1])
open("x0", "w").close()
for i in range(int(sys.argv[2])):
    os.rename(f"x{i}", f"x{i + 1}")
os.unlink("known")
PY
check "a change among too many is seen" seen stat many/known ENOENT
exec 9<&-
unmount_tree

# Changes that go on for ever, of names that the kernel knows: what is lost among them, or lies
# behind them, does not wait for their end.
mkdir "$source/busy"
echo 1 >"$source/busy/one"
echo 2 >"$source/busy/two"
python3 - "$source/busy" <<'PY' &
import ctypes, os, sys
os.chdir(sys.argv[1])
exchange = ctypes.CDLL(None).renameat2
while True:
    exchange(-100, b"one", -100, b"two", 2)
PY
busy_pid=$!
# shellcheck disable=SC2317 # called at the end
end_changes()
{
    if [ -n "$busy_pid" ]; then
        kill "$busy_pid"
        wait "$busy_pid"
        busy_pid=
    fi
} 2>/dev/null
at_exit end_changes
mount_tree --policy "$allow_all" --profile agent
exec 7<"$mount/busy/one" 8<"$mount/busy/two"
sleep 1
for i in 21 22 23 24; do
    (exec 9<"$mount/was_d/f$i"; rm "$source/was_d/f$i"; seen stat "was_d/f$i" ENOENT)
    check "a change among changes without end is seen ($i)" test $? -eq 0
done
exec 7<&- 8<&-
end_changes
unmount_tree
