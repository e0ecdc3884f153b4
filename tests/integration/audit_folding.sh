#!/usr/bin/env bash
# What a mount folds in its log: repeated looks at one file, flushed before a refusal of the same
# process; with `audit.level: full` nothing that was allowed.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/mounted.sh"
failcore=$bin/failcore

with_level() # LEVEL
{
    policy_file "$1" <<POLICY
version: 1
name: $1
filesystem:
  default: allow
  rules:
    - {id: secrets, action: deny, paths: [secret]}
audit: {level: $1}
POLICY
}
echo open >"$source/file"
echo closed >"$source/secret"
at_exit 'kill -CONT "$server_pid"'
cat >"$work/look.py" <<'PY'
import os, signal, sys
for _ in range(200):
    with open(f"{sys.argv[1]}/file") as file:
        file.read()
try:
    open(f"{sys.argv[1]}/secret")
except PermissionError:
    os.kill(int(sys.argv[2]), signal.SIGSTOP)
    print(os.getpid())
PY

# [kind, count] of each record of what $pid read from the file.
looks()
{
    cat "$log"/log/*.jsonl | jq -c "select(.source == \"fs\" and .actor.pid == $pid and .call.path == \"file\" and
        .call.op == \"read\") | select(.kind == \"DECISION\" or .kind == \"REPEAT\") | [.kind, .count // 1]" |
        jq -s -c '{read: ([.[] | .[1]] | add), records: length,
                   repeats: ([.[] | select(.[0] == "REPEAT")] | length)}' | tee "$work/looks"
}

refusal()
{
    cat "$log"/log/*.jsonl | jq -c "select(.actor.pid == $pid and .status == \"BLOCKED\")" | grep -q .
}

all_read()
{
    looks | jq -e '.read >= 200'
}

# The server stands still from the refusal on: what the process did before must be on its way already.
judge() # LEVEL WHAT
{
    check "$1: looks, and a refusal" python3 "$work/look.py" "$mount" "$server_pid"
    pid=$(cat "$work/output")
    check "$1: the refusal is on record" wait_until 10 refusal
    check "$1: and all that was before it" wait_until 5 all_read
    kill -CONT "$server_pid"
    cat "$work/looks"
    check "$1: $2" jq -e "$2" "$work/looks"
}
folded='.read >= 200 and .records < 40 and .repeats > 0'
each_alone='.read >= 200 and .records == .read and .repeats == 0'

log=$work/normal
audit=$log mount_tree --policy "$(with_level normal)"
judge normal "$folded"
cp "$(with_level full)" "$work/policies/normal.yaml"
check "a reload" "$bin/failcore-mount" --reload "$mount"
judge "full after a reload" "$each_alone"
unmount_tree
check "the log is intact" "$failcore" audit verify "$log"

log=$work/full
audit=$log mount_tree --policy "$(with_level full)"
judge full "$each_alone"
unmount_tree
check "the log is intact" "$failcore" audit verify "$log"

# A refusal's first hundred of a process in a minute, also when many refuse to stop at once.
log=$work/flood
cat >"$work/knock.py" <<'PY'
import os, sys
for child in range(16):
    if os.fork() == 0:
        for name in range(4000):
            try:
                os.stat(f"{sys.argv[1]}/denied/{child}-{name}")
            except OSError:
                pass
        os._exit(0)
for child in range(16):
    os.wait()
PY
audit=$log mount_tree --policy "$(policy_file flood <<'POLICY'
version: 1
name: flood
filesystem:
  default: allow
  rules:
    - {id: closed, action: deny, paths: ["denied/**"]}
POLICY
)" --strict
mkdir "$source/denied"
began=$SECONDS
check "sixteen processes ask for 64,000 names that they may not have" python3 "$work/knock.py" "$mount"
minutes=$(((SECONDS - began) / 60 + 1))
threads=$(ls "/proc/$server_pid/task" | wc -l)
unmount_tree
cat "$log"/log/*.jsonl | jq -s -c '[.[] | select(.status == "BLOCKED")] |
    {asked: (map(.count // 1) | add), whole: map(select(.kind == "DECISION")) | length, records: length}' >"$work/flood.said"
cat "$work/flood.said"
check "each is counted, and a hundred of each process and server thread in a minute are whole" \
    jq -e --argjson threads "$threads" --argjson minutes "$minutes" '.asked >= 64000 and .whole <= 16 * 100 * $threads * $minutes' "$work/flood.said"
check "the log is intact" "$failcore" audit verify "$log"
