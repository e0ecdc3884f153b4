# Sourced by every integration test.
#
#   . "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
#
# Gives: $bin (our programs), $work (a private directory, removed at the end), need_root, need_strace,
# skip, patience NUMBER (a bar of time, for this build),
# check NAME CMD..., check_fails NAME CMD..., check_exit NAME CODE CMD..., at_exit CMD...,
# wait_until SECONDS CMD..., own_processes PATTERN (of this test's runs). A test that ran no check fails.
set -u

: "${FAILCORE_SOURCE_DIR:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${FAILCORE_BUILD_DIR:=$FAILCORE_SOURCE_DIR/build/dev}"
bin=$FAILCORE_BUILD_DIR/bin
work=$(mktemp -d "${TMPDIR:-/tmp}/failcore-test.XXXXXX")
# Keys and pins of the logs that a test makes.
export FAILCORE_STATE=$work/state
export PYTHONDONTWRITEBYTECODE=1 # our own modules lie in the source tree
checks_passed=0
checks_failed=0
exit_commands=()

skip()
{
    echo "skipped: $*"
    exit 77
}

# What cannot be held under a sanitizer, each by name and with its reason: tests/support/sanitizer_bars.txt.
if [ -n "${FAILCORE_SANITIZE:-}" ]; then
    sanitizer_bar=$(awk -v test="$(basename "$0" .sh)" -v built=",$FAILCORE_SANITIZE," \
        '$1 == test && index(built, "," $2 ",") { $1 = $2 = ""; print }' \
        "$FAILCORE_SOURCE_DIR/tests/support/sanitizer_bars.txt")
    [ -z "$sanitizer_bar" ] || { rm -rf "$work"; skip "$(basename "$0" .sh) under $FAILCORE_SANITIZE:$sanitizer_bar"; }
fi

at_exit()
{
    exit_commands+=("$*")
}

finish()
{
    local status=$? i
    for ((i = ${#exit_commands[@]} - 1; i >= 0; i--)); do
        eval "${exit_commands[i]}" >/dev/null 2>&1
    done
    rm -rf --one-file-system "$work"
    if [ "$status" != 0 ]; then
        exit "$status"
    fi
    if [ "$checks_failed" != 0 ] || [ "$checks_passed" = 0 ]; then
        echo "$checks_passed checks passed, $checks_failed failed"
        exit 1
    fi
    exit 0
}
trap finish EXIT
trap 'exit 1' INT TERM

need_root()
{
    [ "$(id -u)" = 0 ] || skip "needs root"
}

# Also for a sanitizer's build: no leaks can be looked for under ptrace.
need_strace()
{
    command -v strace >/dev/null || skip "needs strace"
    strace -f -o /dev/null true 2>/dev/null || skip "needs ptrace"
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
}

# A sanitizer makes everything several times slower.
patience()
{
    case ${FAILCORE_SANITIZE:-} in
    '') echo "$1" ;;
    thread) echo $(($1 * 15)) ;;
    *) echo $(($1 * 5)) ;;
    esac
}

passed()
{
    checks_passed=$((checks_passed + 1))
}

failed()
{
    checks_failed=$((checks_failed + 1))
    echo "FAILED: $1"
    if [ -s "$work/output" ]; then
        sed 's/^/    /' "$work/output" | tail -n 20
    fi
}

# The command's output stays in $work/output for the next line of the test.
check()
{
    local name=$1
    shift
    if "$@" >"$work/output" 2>&1; then passed; else failed "$name (exit $?: $*)"; fi
}

check_fails()
{
    local name=$1
    shift
    if "$@" >"$work/output" 2>&1; then failed "$name (succeeded: $*)"; else passed; fi
}

check_exit()
{
    local name=$1 wanted=$2 status=0
    shift 2
    "$@" >"$work/output" 2>&1 || status=$?
    if [ "$status" = "$wanted" ]; then passed; else failed "$name (exit $status, not $wanted: $*)"; fi
}

# Polls a condition instead of sleeping.
# The pids of the programs whose command line has the pattern and whose environment is this test's.
own_processes()
{
    local pid found=1

    for pid in $(pgrep -f -- "$1"); do
        grep -qzxF "FAILCORE_STATE=$FAILCORE_STATE" "/proc/$pid/environ" 2>/dev/null || continue
        echo "$pid"
        found=0
    done
    return $found
}

wait_until()
{
    local until=$((SECONDS + $(patience "$1")))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.02
    done
}
