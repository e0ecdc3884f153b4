#!/usr/bin/env bash
# Every file that docs/threat-model.md names as a mechanism or a test exists.
set -eu
cd "$(dirname "$0")/.."

status=0
claims=0
while read -r file; do
    claims=$((claims + 1))
    if [ ! -e "$file" ]; then
        echo "docs/threat-model.md names $file, which does not exist"
        status=1
    fi
done < <(grep '^| ' docs/threat-model.md | grep -oE '`[a-z_/]+/[A-Za-z0-9_.-]+`' | tr -d '`')
if [ "$claims" = 0 ]; then
    echo "docs/threat-model.md has no claims"
    status=1
fi
exit $status
