#!/usr/bin/env bash
# An agent that takes a project of twelve files for rubbish: under the policy that a run has when
# nobody named one nothing goes, under fs_sandbox at least half stays, and the run says so.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run

project()
{
    rm -rf "$ws" "$work"/{err,status}
    mkdir -p "$ws/src"
    for i in 1 2 3 4 5 6; do
        echo "three months, $i" >"$ws/chapter$i"
        echo "and their notes, $i" >"$ws/src/notes$i.c"
    done
}
left()
{
    find "$ws" -type f | wc -l
}
run_in() # OPTION... -- CMD
{
    "$bin/failcore" run --no-net --workspace "$ws" --audit "$audit" --status-fd 9 "$@" \
        >"$work/output" 2>"$work/err" 9>"$work/status"
}
the_run()
{
    jq -r 'select(.event == "started").run' "$work/status"
}
frozen()
{
    "$bin/failcore" ps 2>/dev/null | grep "^$(the_run)" | grep -q ' frozen '
}
story() # NAME CMD...
{
    local name=$1 run id
    shift

    project
    run_in -- "$@"
    run=$?
    check "$name without a policy fails ($run)" test "$run" -ne 0
    check "and nothing is gone ($(left))" test "$(left)" = 12
    id=$(the_run)
    check "the refusals are in the log" test -n "$(records ".run == \"$id\" and .status == \"BLOCKED\"" | head -n 1)"

    project
    run_in --policy fs_sandbox -- "$@" &
    run=$!
    check "$name under fs_sandbox is stopped" wait_until 20 frozen
    check "at least half is there ($(left))" test "$(left)" -ge 6
    check "stderr says how to go on" grep -q "the run is frozen" "$work/err"
    id=$(the_run)
    check "so does the record" wait_until 5 tripped "$id"
    check "the operator ends it" timeout 5 "$bin/failcore" kill "$id"
    wait "$run"
    check "exit code 137" test $? = 137
    check "END has it" test "$(records ".run == \"$id\" and .kind == \"END\"" | jq -r .call.exit)" = 137
    check "still half ($(left))" test "$(left)" -ge 6
}
tripped()
{
    records ".kind == \"BREAKER\" and .run == \"$1\" and .call.event == \"delete\" and .call.state == \"tripped\"" | grep -q .
}

story "rm -rf *" sh -c 'rm -rf *'
story "find -delete" find . -mindepth 1 -delete
story "shutil.rmtree" python3 -c 'import os, shutil
for name in os.listdir("."):
    shutil.rmtree(name) if os.path.isdir(name) else os.unlink(name)'
check "the log verifies" "$bin/failcore" audit verify "$audit"
