#!/usr/bin/env bash
# The writer stands still until the rings of its producers are full: what cannot be recorded is
# refused and not done, and once the writer goes on, the log says exactly how much that was.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/mounted.sh"
failcore=$bin/failcore
emitter=$bin/audit_emitter
accounts=$FAILCORE_SOURCE_DIR/tests/support/audit_accounts.py

writer_of() # LOG: the process that has its segment open
{
    fuser "$1"/log/*.jsonl 2>/dev/null | tr -s ' ' '\n' | grep -m 1 .
}

counted() # FILE OFFSET THREADS: the smallest of the counts there
{
    od -An -t u8 -v -w8 -j "$2" -N $((8 * $3)) "$1" | sort -n | head -n 1
}

each_has() # FILE OFFSET THREADS NUMBER
{
    [ "$(counted "$1" "$2" "$3")" -ge "$4" ] 2>/dev/null
}

stop_writer() # LOG
{
    writer=$(writer_of "$1")
    at_exit "kill -CONT $writer"
    kill -STOP "$writer"
}

mkfifo "$work/go"
exec 7<>"$work/go"

start_stubborn() # LOG COUNTS TAG EVENTS: four rings, whose writer stands still before the first event
{
    "$emitter" "$1" 4 "$4" stubborn "$2" "$3" <"$work/go" >"$work/told" 2>&1 &
    stubborn=$!
    at_exit "kill -9 $stubborn"
    wait_until 10 test -s "$2"
    wait_until 10 writer_of "$1"
    stop_writer "$1"
    echo go >&7
}

# ---- producers that go on after a refusal
log=$work/refused
start_stubborn "$log" "$work/counts" t 9000
# The first LOSS may still find room in a full ring; the next one counts several.
check "each ring is full, and three events of each are refused" wait_until 30 each_has "$work/counts" 512 4 3
kill -CONT "$writer"
check "it goes on" wait "$stubborn"
cp "$work/told" "$work/output"
said "and some were refused" '^[1-9][0-9]* refused'
check "the log accounts for exactly these" "$accounts" "$log" "$work/counts" t 4
cat "$work/output"
check "the log is intact" "$failcore" audit verify "$log"

# ---- one that is killed before it could say what it was refused
log=$work/killed
start_stubborn "$log" "$work/counts2" k 100000000
check "refused" wait_until 30 each_has "$work/counts2" 512 4 2
{ kill -9 "$stubborn"; wait "$stubborn"; } 2>/dev/null
kill -CONT "$writer"
check "is said for it" wait_until 10 "$accounts" "$log" "$work/counts2" k 4 killed
check "the log is intact" "$failcore" audit verify "$log"

# ---- the mount: a directory is made only when that is recorded
mount_tree --policy "$allow_all"
check "recorded" mkdir "$mount/0" "$mount/1" "$mount/2" "$mount/3"
stop_writer "$audit"
cat >"$work/makers.py" <<'PY'
import errno, os, sys, threading
refusals = []
def make(number):
    for count in range(100000):
        name = f"{number}/{count}"
        try:
            os.mkdir(f"{sys.argv[1]}/{name}")
        except OSError as error:
            refusals.append(f"{name} {errno.errorcode[error.errno]}")
        if len(refusals) >= 4:
            return
threads = [threading.Thread(target=make, args=(n,)) for n in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("\n".join(refusals))
PY
check "makes directories until that is refused" timeout 60 python3 "$work/makers.py" "$mount"
cp "$work/output" "$work/refusals"
check "with EIO" sh -c "! grep -v ' EIO$' '$work/refusals'"
check "none of which is there" sh -c "while read -r name error; do
    test ! -e '$source/'\$name || exit 1; done <'$work/refusals'"
kill -CONT "$writer"
check "goes on" mkdir "$mount/after"
unmount_tree
(cd "$source" && find . -mindepth 1 -type d | cut -c 3- | sort) >"$work/there"
there=$(wc -l <"$work/there")
refused=$(wc -l <"$work/refusals")

lost()
{
    records 'select(.kind == "LOSS") | .count // 1' | awk '{ n += $1 } END { print n + 0 }'
}

# A directory that was made just before the ring was full has no RESULT: it is accounted for too.
accounted_for()
{
    results=$(records 'select(.kind == "RESULT" and .call.op == "create") | 1' | wc -l)
    [ "$(lost)" = $((refused + there - results)) ]
}
check "the log accounts for exactly these" wait_until 10 accounted_for
echo "$there directories, $refused refused; $(lost) events lost, $((there - results)) of them results"
check "every directory that is there was allowed, and no other" sh -c "
    jq -r 'select(.kind == \"DECISION\" and .call.op == \"create\") |
           select(.policy.decision == \"allowed\") | .call.path' '$audit'/log/*.jsonl |
    sort | cmp - '$work/there'"
check "the log is intact" "$failcore" audit verify "$audit"
