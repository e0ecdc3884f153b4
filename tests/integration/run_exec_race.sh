#!/usr/bin/env bash
# Each program that a run executes is in its log, also when another thread changes its name after it
# was looked at: to what needs no record, and where names are not the machine's.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run
[ -x "$bin/exec_race" ] || skip "needs exec_race"

executed() # NAME: records of it
{
    records ".kind == \"DECISION\" and .source == \"exec\" and (.call.path | endswith(\"$1\"))" | wc -l
}

# "/usr/bin/none-…" is in no system; "_usr/bin/none-…" is a program of the workspace.
missing=usr/bin/none-$$
mkdir -p "$ws/_usr/bin"
cp "$bin/exec_race" "$ws/_$missing"
check "a name that is missing when it is looked at" run_failcore -- "./_$missing" "/$missing" _ 2000
ran=$(cat "$work/output")
check "it came to run the other ($ran)" test "$ran" -gt 0
check "as often as is recorded ($(executed "_$missing"))" test "$(executed "_$missing")" -gt "$ran"

check_exit "what is missing is missing, and no record" 127 run_failcore -- sh -c "/$missing"
check "of it: none" test "$(executed "/bin/none-$$")" = "$(executed "_$missing")"

# A workload that sandboxes its children mounts where it likes.
printf 'version: 1\nname: nested\nextends: [./allow_all.yaml]\nsandbox: {nested: true}\n' >"$policies/nested.yaml"
check "mounted over a system's directory" "$bin/failcore" run --no-net --policy "$policies/nested.yaml" \
    --workspace "$ws" --audit "$audit" -- unshare -Urm sh -c \
    "mount -t tmpfs t /usr/local && cp _$missing /usr/local/own-$$ && /usr/local/own-$$; test \$? = 42"
check "what is executed there is recorded" test "$(executed "/usr/local/own-$$")" = 1
check "the log verifies" "$bin/failcore" audit verify "$audit"
