#!/bin/sh
# The decision tables speak of everything the policy engine can answer: each operation, each code
# that shared/policy decides by itself, and at least 300 rows over the shipped policies.
set -eu
cd "${FAILCORE_SOURCE_DIR:-$(dirname "$0")/../..}"
status=0
complain()
{
    echo "coverage: $*"
    status=1
}

rows=$(cat policies/*.expect | grep -c -e '->')
[ "$rows" -ge 300 ] || complain "only $rows rows over the shipped policies"

for yaml in policies/*.yaml; do
    [ -s "${yaml%.yaml}.expect" ] || complain "$yaml has no table"
done
# Words after FS_OPERATION_TABLE rows; lookup is no word of the grammar but is asked.
for operation in $(sed -n 's/^ *ROW([A-Z]*, "\([a-z]*\)".*/\1/p' shared/policy/operations.h) lookup; do
    for answer in allow deny; do
        grep -hqE "^fs $operation .*-> $answer" policies/*.expect ||
            complain "no row where $operation is answered by $answer"
    done
done
# Every code that the engine's own files give.
codes=$(grep -ohE 'DENIAL_[A-Z]+(_[A-Z]+)*' shared/policy/policy.c shared/policy/network_rules.c |
    sed 's/^DENIAL_//' | grep -v -e '^NONE$' -e '^CODE' | sort -u)
for code in $codes; do
    grep -hqE -- "-> .* $code\$" policies/*.expect tests/decisions/*.expect ||
        complain "no row answers with $code"
done
# Every row of the built-in ranges is asked for.
echo "$rows rows"
exit $status
