#!/usr/bin/env bash
# The vectors of docs/audit-format.md, recomputed with sha256sum, and read by our own verifier.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
docs=$FAILCORE_SOURCE_DIR/docs
vector=$docs/audit-format/vector.jsonl

# The value in a row of the table of vectors.
said()
{
    sed -n "s/^| $1 | \`\([0-9a-f]*\)\` |\$/\1/p" "$docs/audit-format.md"
}

entry_hash()
{
    sed -n "$1p" "$vector" | tr -d '\n' | head -c -82 | (printf '\0'; cat; printf '}}') |
        sha256sum | cut -d ' ' -f 1
}

for seq in 0 1; do
    hash=$(entry_hash $((seq + 1)))
    check "entry hash of seq $seq" test "$hash" = "$(said "entry hash of seq $seq")"
    check "is in the record" grep -q "\"seq\":$seq,.*\"entry_hash\":\"$hash\"" "$vector"
done
root=$( (printf '\1'; printf %s "$(entry_hash 1)$(entry_hash 2)" | python3 -c "import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))") | sha256sum |
    cut -d ' ' -f 1)
check "root of both" test "$root" = "$(said "root of the tree of both")"
args=$(sed -n 1p "$vector" | sed 's/.*"call":{"tool":"[^"]*",\(.*\),"args_hash":.*/\1/' |
    tr -d '\n' | sha256sum | cut -d ' ' -f 1)
check "args_hash" grep -q "\"seq\":0,.*\"args_hash\":\"sha256:$args\"" "$vector"
cp "$vector" "$work/00000000000000000000.jsonl"
check "our verifier reads them" "$bin/failcore" audit verify "$work/00000000000000000000.jsonl"
