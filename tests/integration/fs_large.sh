#!/bin/bash
# A tree with many more directories than descriptors. FS_LARGE_FILES=1000000 for the whole million.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

files=${FS_LARGE_FILES:-60000}
directories=$((files / 20))
python3 - "$source" "$directories" <<'PY'
import os, sys
root, directories = sys.argv[1], int(sys.argv[2])
for i in range(directories):
    d = f"{root}/a{i % 50}/b{i % 500}/c{i}"
    os.makedirs(d)
    for j in range(20):
        os.close(os.open(f"{d}/f{j}", os.O_CREAT | os.O_WRONLY))
PY
limit=$(ulimit -n)
ulimit -n 1024
mount_tree --policy "$allow_all" --profile agent
ulimit -S -n "$limit" 2>/dev/null
found=$(find "$mount" -type f | wc -l)
check "all of $files files are found" test "$found" = $((directories * 20))
check "again, by names the kernel still has" test "$(find "$mount" -type f | wc -l)" = "$found"
check "deep names still open" sh -c 'i=0; while [ $i -lt 500 ]; do cat "$1/a$((i % 50))/b$((i % 500))/c$i/f7" || exit 1; i=$((i + 7)); done' - "$mount"
descriptors=$(ls "/proc/$server_pid/fd" | wc -l)
check "descriptors stay bounded ($descriptors)" test "$descriptors" -lt 1024
memory=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$server_pid/status")
echo "$found files: $descriptors descriptors, $((memory / 1024)) MiB"
if [ -n "${FAILCORE_SANITIZE:-}" ]; then
    echo "skipped: the bound of memory under $FAILCORE_SANITIZE, which keeps what was freed"
else
    check "memory is bounded by what the kernel remembers" test "$memory" -lt $((30720 + found / 2))
    [ "$found" -gt 60000 ] || check "and is 30 MB at most ($((memory / 1024)) MiB)" test "$memory" -lt 30720
fi
check "rm -rf" rm -rf "$mount/a1" "$mount/a2"
check "is really gone" test ! -e "$source/a1"
unmount_tree

# With as many descriptors as the machine gives: it does not take them.
mount_tree --policy "$allow_all" --profile agent
check "walked with the machine's own limit ($limit)" sh -c 'test "$(find "$1" -type f | wc -l)" -gt 0 && ls -lR "$1" >"$2"' - "$mount" "$work/walked"
descriptors=$(ls "/proc/$server_pid/fd" | wc -l)
check "descriptors: fewer than 2,500 ($descriptors)" test "$descriptors" -lt 2500
unmount_tree
