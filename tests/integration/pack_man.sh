#!/usr/bin/env bash
# The man pages say what the programs say: commands, options, exit codes, keys, words of records.
. "${FAILCORE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/integration.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/option_tables.sh"
cd "$FAILCORE_SOURCE_DIR" || exit 1

check "SYNOPSIS, OPTIONS and EXIT STATUS are those of the tables" scripts/man-pages --check "$FAILCORE_BUILD_DIR"

scripts/man-pages --commands "$FAILCORE_BUILD_DIR" | cut -f 2 >"$work/commands"
has_one_page()
{
    check "one page has $*" test "$(grep -cx -- "$*" "$work/commands")" = 1
}
each_command has_one_page
for page in docs/man/*.1.scd; do
    check "$(basename "$page") has its three sections" test \
        "$(grep -cE '^# (SYNOPSIS|OPTIONS|VERBS|EXIT STATUS)$' "$page")" = 3
done

# Every key of the grammar, every operation; every word of a record.
keys=$(grep -oE '(SETTING|TEXTS|PART|FIELD|REQUIRED|WORD_FIELD)\("[a-z_]+"' shared/policy/grammar.c |
    cut -d '"' -f 2 | sort -u | grep -vx -e resolved -e origin)
check "there are keys" test "$(wc -l <<<"$keys")" -gt 50
for word in $keys $(sed -n 's/^ *ROW([A-Z]*, "\([a-z]*\)".*/\1/p' shared/policy/operations.h); do
    check "failcore-policy(5) has $word" grep -qF -- "*${word//_/\\_}*" docs/man/failcore-policy.5.scd
done
kinds=$(sed -n '/AUDIT_KIND_TABLE/,/^$/p; /AUDIT_STATUS_TABLE/,/^$/p' shared/audit/record_words.h |
    sed -n 's/^ *ROW(\([A-Z_]*\)).*/\1/p')
sources=$(sed -n '/AUDIT_SOURCE_TABLE/,/^$/p' shared/audit/record_words.h | sed -n 's/.*"\([a-z]*\)".*/\1/p')
check "there are words" test "$(wc -w <<<"$kinds $sources")" -gt 20
for word in $kinds $sources; do
    check "failcore-audit(5) has $word" grep -qF -- "*$word*" docs/man/failcore-audit.5.scd
done

# References lead somewhere: to a page of ours or to one of the system's that we name.
while IFS= read -r name; do
    check "there is $name" test -f "docs/man/${name/(/.}.scd"
done < <(grep -ohE '\*failcore[a-z-]*\*\([0-9]\)' docs/man/*.scd | tr -d '*)' | sort -u)

command -v scdoc >/dev/null || skip "scdoc is not installed"
for page in docs/man/*.scd; do
    name=$(basename "$page" .scd)
    check "scdoc $name" sh -c "scdoc <'$page' >'$work/$name'"
    if command -v man >/dev/null; then
        check "man $name" sh -c "man --warnings -l '$work/$name' 2>&1 >/dev/null | diff /dev/null -"
    fi
    if command -v mandoc >/dev/null; then
        check "mandoc $name" mandoc -T lint -W error "$work/$name"
    fi
done
