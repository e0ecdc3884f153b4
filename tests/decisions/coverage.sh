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
# Every other code: who gives it and the test that has seen it are in elsewhere.txt.
elsewhere=tests/decisions/elsewhere.txt
for code in $(sed -n 's/^#define.*//; s/^ *ROW(\([A-Z_]*\),.*/\1/p' shared/policy/denial_codes.h); do
    if grep -hqE -- "-> .* $code\$" policies/*.expect tests/decisions/*.expect; then
        continue
    fi
    line=$(grep "^$code " "$elsewhere") || {
        complain "$code has neither a row nor a line in $elsewhere"
        continue
    }
    test=$(printf '%s\n' "$line" | grep -o 'tests/[^ ]*' | head -n 1)
    text=$(printf '%s\n' "$line" | sed "s|.*$test  *||")
    grep -qF -- "$text" "$test" || complain "$code: $test does not say \"$text\""
done
# Every operation of a pitfall: the tables ask for what the built-in ranges refuse.
for pitfall in 169.254.169.254 '\[::ffff:' '\[64:ff9b' '\[2002:' metadata.google.internal 127.0.0.1; do
    cat policies/*.expect tests/decisions/*.expect | grep -qE "^net [^ ]*$pitfall.*SSRF_BLOCKED\$" ||
        complain "no row for $pitfall"
done
echo "$rows rows"
exit $status
