#!/usr/bin/env bash
# Every row of tests/support/guard_rows.txt is covered: by an attack, a hostile answer, or a check that says so. A row that
# nothing names, a name that is no row, and a denial code of the guard's source that is no row, are failures.
. "${FAILCORE_SOURCE_DIR:-$(dirname "$0")/../..}/tests/support/integration.sh"
cd "$FAILCORE_SOURCE_DIR" || exit 1
command -v python3 >/dev/null || skip "needs python3"
sed 's/#.*//' tests/support/guard_rows.txt | awk 'NF { print $1 }' | sort >"$work/rows"
{
    python3 tests/support/packet_attacks.py list | grep -o '\[[^]]*\]' | tr -d '[]'
    python3 tests/support/dns_corpus.py list | grep -o '\[[^]]*\]' | tr -d '[]'
    grep -h '^ *# rows:' tests/integration/net_*.sh | sed 's/.*# rows://' | tr -s ' ' '\n'
    # A code is covered where a test asks for it in a record.
    grep -ohE '(\.code == \\?"|blocked )[A-Z_]+' tests/integration/net_*.sh | sed -E 's/.*[" ]/code\//'
    awk '/^KINDS/ { inside = 0 } inside { print "code/" $5 } /<<.KINDS/ { inside = 1 }' tests/integration/net_refusals.sh
} | grep -v '^$' | sort -u >"$work/named"
# Codes that the guard's source gives; INTERNAL is only asked for, never given.
{
    grep -rohE 'DENIAL_[A-Z_]+' netguard shared/policy/network_rules.c | sed 's/DENIAL_//' | grep -vxE '|INTERNAL|NONE'
    sed -n '/define DROP_REASON_TABLE/,/^$/p' netguard/nft/drop_reasons.h | grep -oE '(SILENT|ANSWERED), [A-Z_]+' | sed 's/.*, //'
} | sed 's/^/code\//' | sort -u >"$work/codes"
check "there are rows" test "$(wc -l <"$work/rows")" -ge 60
check "no row twice" test "$(sort -u "$work/rows" | wc -l)" = "$(wc -l <"$work/rows")"
for row in $(comm -23 "$work/rows" "$work/named"); do
    failed "nothing covers $row"
done
for name in $(comm -13 "$work/rows" "$work/named"); do
    failed "no such row: $name"
done
for code in $(comm -23 "$work/codes" "$work/rows"); do
    failed "the guard gives $code, which is no row"
done
check "codes are found in the source" test "$(wc -l <"$work/codes")" -ge 10
