#!/bin/bash
# What an operation costs: the requests that the kernel sends for it in the agent profile.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

# How many requests of a kind came, from what the server says at its end.
came()
{
    sed -n "s/.*requests:.* $1 \\([0-9]*\\).*/\\1/p" "$work/server.errors"
}

at_most()
{
    local name=$1 most=$2 got
    got=$(came "$name")
    check "$name: ${got:-0}, at most $most" test "${got:-0}" -le "$most"
}

measure()
{
    : >"$work/server.errors"
    mount_tree --policy "$allow_all" --profile agent --passthrough
    python3 - "$mount" "$1" <<'PY'
import os, sys
os.chdir(sys.argv[1])
names = [f"f{i}" for i in range(200)]
what = sys.argv[2]
if what == "create":
    for n in names:
        fd = os.open(n, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(fd, b"data")
        os.close(fd)
elif what == "open":
    for n in names:
        os.stat(n)
    for n in names:
        fd = os.open(n, os.O_RDONLY)
        os.read(fd, 10)
        os.close(fd)
elif what == "unlink":
    for n in names:
        os.stat(n)
    for n in names:
        os.unlink(n)
PY
    unmount_tree
}

measure create
at_most LOOKUP 205
at_most CREATE 200
for kind in GETATTR SETATTR GETXATTR FLUSH WRITE OPEN ACCESS; do
    at_most $kind 3
done
measure open
at_most LOOKUP 205
at_most OPEN 200
for kind in GETATTR GETXATTR FLUSH READ ACCESS; do
    at_most $kind 3
done
measure unlink
at_most LOOKUP 205
at_most UNLINK 200
for kind in GETATTR GETXATTR FLUSH ACCESS; do
    at_most $kind 3
done
check "200 creates did come" test -z "$(ls "$source")"
