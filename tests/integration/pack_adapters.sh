#!/usr/bin/env bash
# The Python and shell adapters: each runs a tool confined and tells what became of it.
. "${FAILCORE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/integration.sh"
need_root

adapters=$FAILCORE_SOURCE_DIR/adapters
for file in "$adapters"/*/*; do
    check "$(basename "$file") is under 50 lines" test "$(wc -l <"$file")" -lt 50
done
python=/usr/bin/python3
[ -x "$python" ] || skip "python3 in /usr/bin"

# The decorator's Python reads the adapter inside the run: it lies in the workspace.
PATH=$bin:/usr/local/bin:/usr/bin:/bin
mkdir -p "$work/w/adapters" "$work/tools"
cp "$adapters"/python/*.py "$work/w/adapters/"
echo text >"$work/w/notes"
echo key >"$work/w/.env"
cd "$work/w" || exit 1
check "the Python adapters" env -u VIRTUAL_ENV PYTHONDONTWRITEBYTECODE=1 "$python" \
    "$FAILCORE_SOURCE_DIR/tests/support/adapters_probe.py" "$work/w/adapters" "$work/audit"
cp "$work/output" "$work/held"
check "they all held" grep -qx '17 expectations held' "$work/held"

cp "$adapters/shell/failcore-tool" "$work/tools/cat"
cp "$adapters/shell/failcore-tool" "$work/tools/no-such-program"
export FAILCORE_TOOL_POLICY=fs_sandbox FAILCORE_TOOL_OPTIONS="--no-net --audit $work/audit"
PATH=$work/tools:$PATH
check "a stand-in reads" test "$(cat notes 2>/dev/null)" = text
check_exit "a stand-in is refused" 1 cat .env
check_exit "a stand-in for nothing" 127 no-such-program
check "arguments arrive as they are" test "$(printf '%s|' a 'b c' "\$(id)" | cat - 2>/dev/null)" = "a|b c|\$(id)|"
