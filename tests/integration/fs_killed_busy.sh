#!/bin/bash
# A server that is killed while names are looked up and changed underneath leaves nobody waiting:
# no thread of its own may wait for a caller's lock, since it would keep the device open (SR5).
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

mkdir "$source/d"
echo 1 >"$source/d/one"
echo 2 >"$source/d/two"

# Exchanges two files for as long as it lives: "$1" is the directory.
exchange()
{
    exec python3 - "$1" <<'PY'
import ctypes, os, sys, time
os.chdir(sys.argv[1])
call = ctypes.CDLL(None).renameat2
while True:
    call(-100, b"one", -100, b"two", 2)
    time.sleep(0.0002)
PY
}

# Looks for names that are not there until the mount is gone.
look()
{
    exec python3 - "$1" <<'PY'
import os, sys
i = 0
while True:
    i += 1
    try:
        os.stat(f"{sys.argv[1]}/absent-{os.getpid()}-{i}")
    except FileNotFoundError:
        pass
    except OSError:
        sys.exit()
PY
}

nobody_waits()
{
    for pid in "${callers[@]}"; do
        [ -z "$(ps -o pid= -p "$pid" | tr -d ' ')" ] || [ "$(ps -o stat= -p "$pid" | cut -c1)" = Z ] || return 1
    done
}

# Who waits for ever, and cannot be killed, is freed, so that the test ends.
free_callers()
{
    mount -t fusectl none "$work/control" && echo 1 >"$work/control/$connection/abort"
    umount "$work/control"
}

mkdir "$work/control"
for round in {1..6}; do
    mount_tree --policy "$allow_all" --profile agent
    connection=$(python3 -c 'import os, sys; print(os.minor(os.stat(sys.argv[1]).st_dev))' "$mount")
    exec 7<"$mount/d/one" 8<"$mount/d/two" # so that they stay known
    exchange "$source/d" &
    changer=$!
    callers=()
    for _ in 1 2 3 4; do
        look "$mount/d" &
        callers+=($!)
    done
    sleep 0.7
    kill -KILL "$server_pid"
    check "nobody waits for a server that was killed ($round)" wait_until 5 nobody_waits
    nobody_waits || free_callers
    kill "$changer"
    wait 2>/dev/null
    exec 7<&- 8<&-
    umount -l "$mount"
    rm -f "$work/ready"
done
server_pid=
