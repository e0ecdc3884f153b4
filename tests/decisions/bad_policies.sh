#!/usr/bin/env bash
# Every policy in tests/policies/bad is refused with exit 65 at the line and column, and in the
# words, that its last line names: "#! LINE:COLUMN words".
set -u
cd "${FAILCORE_SOURCE_DIR:-$(dirname "$0")/../..}"
failcore=${FAILCORE_BUILD_DIR:-build/dev}/bin/failcore
export HOME=/nonexistent
unset XDG_CONFIG_HOME
count=0
failed=0
for file in tests/policies/bad/*.yaml; do
    wanted=$(tail -n 1 "$file" | sed -n 's/^#! //p')
    position=${wanted%% *}
    words=${wanted#* }
    output=$("$failcore" policy check "$file" 2>&1)
    status=$?
    count=$((count + 1))
    if [ "$status" != 65 ]; then
        echo "$file: exit $status, not 65"
    elif ! grep -qF -- "needed by: $file:$position" <<<"$output"; then
        echo "$file: not at $position: $output"
    elif ! grep -qF -- "$words" <<<"$output"; then
        echo "$file: does not say \"$words\": $output"
    elif ! grep -q '^  try: ' <<<"$output"; then
        echo "$file: no mend: $output"
    else
        continue
    fi
    failed=$((failed + 1))
done
for file in tests/policies/good/*; do
    count=$((count + 1))
    "$failcore" policy check "$file" >/dev/null || failed=$((failed + 1))
done
echo "$count policies, $failed failed"
[ "$failed" = 0 ] && [ "$count" -ge 60 ]
