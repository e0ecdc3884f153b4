#!/usr/bin/env bash
# The HTML report in headless Chromium: light, dark, wide, narrow, on paper, without scripts, by
# keyboard; with hostile names; with 200,000 records.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
failcore=$bin/failcore
browser=$(command -v chromium || command -v chromium-browser) || skip "no chromium: the report was looked at by no browser"
command -v python3 >/dev/null || skip "no python3"
mkdir "$work/browser"
timeout 60 python3 - "$FAILCORE_SOURCE_DIR" "$browser" "$work/browser" <<'P' >"$work/output" 2>&1 || skip "$browser does not start here: $(tail -n1 "$work/output")"
import sys
sys.path.insert(0, sys.argv[1] + "/tests/support")
from browser import Browser
with Browser(*sys.argv[2:]) as browser:
    browser.page(100, 100)
P

ended() { tail -n3 "$1"/log/*.jsonl | grep -q '"kind":"END"'; }
story() # NAME [OPTIONS]: its report as $work/NAME.html
{
    local name=$1
    shift
    "$bin/audit_story" "$work/$name" "$@" >/dev/null && wait_until 30 ended "$work/$name" &&
        "$failcore" audit report --audit "$work/$name" -o "$work/$name.html"
}
check "a report" story plain
check "one of hostile names" story names --hostile
check "one in which all is hostile" sh -c "python3 '$FAILCORE_SOURCE_DIR/tests/support/hostile_log.py' '$work'/names/log/*.jsonl '$work/hostile.jsonl' &&
    '$failcore' audit report '$work/hostile.jsonl' -o '$work/hostile.html'"
check "one of 200,000 records" story large --bulk 200200
check "as a person meets them" timeout 150 python3 "$FAILCORE_SOURCE_DIR/tests/support/report_in_browser.py" "$browser" \
    "$work/browser" "$work/plain.html" "$work/large.html" "$work/names.html" "$work/hostile.html"
grep -h 'ready after' "$work/output"
