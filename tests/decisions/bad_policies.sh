#!/usr/bin/env bash
# Every policy in tests/policies/bad is refused with exit 65 at the line and column, and in the
# words, that its last line names: "#! LINE:COLUMN words".
set -u
cd "${FAILCORE_SOURCE_DIR:-$(dirname "$0")/../..}" || exit 1
failcore=${FAILCORE_BUILD_DIR:-build/dev}/bin/failcore
export HOME=/nonexistent
unset XDG_CONFIG_HOME
count=0
failed=0
for file in tests/policies/bad/*.yaml; do
    # One process a file: a hundred and forty of them run with everything else.
    mapfile -t lines <"$file"
    wanted=${lines[-1]#\#! }
    position=${wanted%% *}
    words=${wanted#* }
    output=$("$failcore" policy check "$file" 2>&1)
    status=$?
    count=$((count + 1))
    if [ "$status" != 65 ]; then
        echo "$file: exit $status, not 65"
    elif [[ $output != *"needed by: $file:$position"* ]]; then
        echo "$file: not at $position: $output"
    elif [[ $output != *"$words"* ]]; then
        echo "$file: does not say \"$words\": $output"
    elif [[ $output != *"  try: "* ]]; then
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
