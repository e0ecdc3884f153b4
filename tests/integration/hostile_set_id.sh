#!/usr/bin/env bash
# Set-id programs that lie in root's workspace: the run may neither change what they do and leave
# them set-id, nor raise them.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run

set_id()
{
    [ -n "$(find "$1" -perm /6000)" ]
}
fill()
{
    for name in append map truncate allocate copy; do
        printf '#!/bin/sh\n' >"$ws/$name"
        chmod 6755 "$ws/$name"
    done
    printf '#!/bin/sh\n' >"$ws/group"
    chmod 2755 "$ws/group"
}

cat >"$work/change.py" <<'CHANGE'
import mmap, os
with open("append", "ab") as f: f.write(b"evil")
with open("map", "r+b") as f:
    with mmap.mmap(f.fileno(), 0) as m: m[0:4] = b"evil"
os.truncate("truncate", 4)
fd = os.open("allocate", os.O_WRONLY); os.posix_fallocate(fd, 0, 100); os.close(fd)
a, b = os.open("group", os.O_RDONLY), os.open("copy", os.O_WRONLY)
try: os.copy_file_range(a, b, 4)
except OSError: os.write(b, b"evil")
try: os.chmod("group", 0o4755); print("raised")
except OSError as error: print("refused", error.errno)
CHANGE

fill
check "the changes are made" run_failcore -- python3 -c "$(cat "$work/change.py")"
cp "$work/output" "$work/said"
check "but a set-group-id program does not become set-user-id" grep -q 'refused 13' "$work/said"
for name in append map truncate allocate copy; do
    check_fails "$name: changed and set-id no more" set_id "$ws/$name"
done
check "what was not written keeps its bits" test "$(stat -c %a "$ws/group")" = 2755
