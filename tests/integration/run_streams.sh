#!/usr/bin/env bash
# What goes in and comes out of a run: bytes, exit codes, signals, a terminal.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run

check_exit "a command's own exit code" 7 run_failcore -- sh -c 'exit 7'
check_exit "a signal's" 143 run_failcore -- sh -c 'kill -TERM $$'
check_exit "a kill's" 137 run_failcore -- sh -c 'kill -KILL $$'
check_exit "no such command" 127 run_failcore -- no-such-command
check_exit "no such path" 127 run_failcore -- /no/such/command
check_exit "not executable" 126 run_failcore -- /etc/passwd
check_exit "not a program" 126 run_failcore -- sh -c 'printf "\1\2\3" >/tmp/x; chmod +x /tmp/x; exec /tmp/x'
check_exit "no command at all" 2 "$bin/failcore" run
check_exit "unknown option" 2 "$bin/failcore" run --bogus -- true
check_exit "an option's missing argument" 2 "$bin/failcore" run --policy

printf '%s\0' 'a b' '' '*' $'\xff\xfe' "quote'\"" --help '$HOME' >"$work/wanted"
run_failcore -- printf '%s\0' 'a b' '' '*' $'\xff\xfe' "quote'\"" --help '$HOME' >"$work/got"
check "arguments arrive byte for byte" cmp "$work/wanted" "$work/got"

head -c 20000000 /dev/urandom >"$work/bytes"
run_failcore -- cat <"$work/bytes" >"$work/copy"
check "twenty megabytes through both pipes" cmp "$work/bytes" "$work/copy"
run_failcore -- sh -c 'cat >&2' <"$work/bytes" 2>"$work/copy"
check "and through standard error" cmp "$work/bytes" "$work/copy"

for i in $(seq 20); do
    [ "$(run_failcore -- sh -c 'head -c 65000 /dev/zero | tr "\0" x' | wc -c)" = 65000 ] || break
done
check "nothing is lost at the exit, however often" test "$i" = 20
for i in $(seq 30); do
    timeout 20 "$bin/failcore" run --no-net --policy "$allow_all" --workspace "$ws" \
        --audit "$audit" -- cat </dev/null || break
done
check "an empty input ends the command's, however early" test "$i" = 30
check_exit "a reader that leaves ends the writer" 141 bash -c '
    set -o pipefail; . "$0" 2>/dev/null; "$@" -- yes 2>/dev/null | head -1; exit ${PIPESTATUS[0]}' \
    /dev/null "$bin/failcore" run --no-net --policy "$allow_all" --workspace "$ws" --audit "$audit"
check "a command that does not read ends at once" timeout 10 bash -c 'yes | "$@" -- true' \
    sh "$bin/failcore" run --no-net --policy "$allow_all" --workspace "$ws" --audit "$audit"

run_failcore --status-fd 3 -- sh -c 'cat /etc/shadow; echo 12345; exit 5' 3>"$work/status" >/dev/null 2>&1
check "status lines are JSON" jq -es 'length == 3 and .[0].event == "started" and
    .[2].event == "exit" and .[2].exit == 5 and .[2].cause == "exited"' "$work/status"
check "with what was done and refused" jq -es '.[1].event == "counts" and .[1].decisions >= 3 and
    .[1].blocked >= 1 and .[1].failed >= 1 and .[1].lost == 0 and .[1].output_bytes >= 6' "$work/status"
counted=$(jq -s '.[1].decisions' "$work/status")
check "as many as failcore show says" bash -c '"$0" show --audit "$1" --color=never "$2" |
    grep -q "^$3 decisions, "' "$bin/failcore" "$audit" "$(jq -rs '.[2].run' "$work/status")" "$counted"
check "a run's id looks like one" \
    jq -e 'select(.event == "exit") | .run | test("^[0-9]{8}-[0-9]{6}-[0-9a-z]{4}$")' "$work/status"

check "exec, its result, START and END are recorded" \
    test "$(records '.kind == "END" and .call.exit == 5' | wc -l)" = 1
check "START has the policy in full" \
    test "$(records '.kind == "START" and (.call.policy | contains("allow-all"))' | wc -l)" -gt 0
check "the log verifies" "$bin/failcore" audit verify "$audit"

# The environment is a short list; tokens stay outside.
SECRET_TOKEN=x run_failcore --env WANTED=1 --env PASSED -- env >"$work/env"
check_fails "other variables stay outside" grep -q SECRET_TOKEN "$work/env"
check "a named one comes in" grep -qx WANTED=1 "$work/env"
PASSED=yes run_failcore --env PASSED -- env >"$work/env"
check "a passed one as well" grep -qx PASSED=yes "$work/env"

command -v python3 >/dev/null || skip "needs python3 for the terminal"
check "terminal: name, size, Ctrl-C, end of file, stop and go on" \
    python3 "$FAILCORE_SOURCE_DIR/tests/support/terminal_check.py" \
    "$bin/failcore" run --no-net --policy "$allow_all" --workspace "$ws" --audit "$audit" --
