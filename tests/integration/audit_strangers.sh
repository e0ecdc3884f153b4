#!/usr/bin/env bash
# What others check without us: proofs, pins, exports, the Python verifier, changed copies of a log.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
failcore=$bin/failcore
scripts=$FAILCORE_SOURCE_DIR/scripts
log=$work/audit
python3 -c 'import cryptography' 2>/dev/null || skip "needs python3-cryptography"

check "a log of two tile levels" "$bin/audit_emitter" "$log" 1 700 pairs
check "of which the writer has gone" wait_until 10 sh -c "test ! -e '$log.writer'"
check "the Python verifier agrees" "$scripts/verify_log.py" "$log"

# ---- proofs and pins
for seq in 0 1 255 256 699 1399; do
    "$failcore" audit prove --audit "$log" "$seq" >"$work/proof"
    check "the proof of $seq holds without the log" "$failcore" audit check-proof \
        --key "$log/vkey" "$work/proof"
done
sed 's/^index 1399/index 1398/' "$work/proof" >"$work/moved"
check_exit "not for another place" 77 "$failcore" audit check-proof --key "$log/vkey" "$work/moved"
sed '4s/^./A/;4s/^A\(.\)/A\1/' "$work/proof" | sed '4y/ABCDEFGH/BCDEFGHA/' >"$work/bent"
check_exit "nor with another hash" 77 "$failcore" audit check-proof --key "$log/vkey" "$work/bent"
cp -r "$log" "$work/changed"
sed -i '700s/file-/f1le-/' "$work"/changed/log/*.jsonl
check_exit "no proof is made of a record that was changed" 77 "$failcore" audit prove --audit "$work/changed" 699
check_exit "nor of one that is not there" 125 "$failcore" audit prove --audit "$log" 100000
check "another log" "$bin/audit_emitter" "$work/other" 1 1
check_exit "nor under another key" 77 "$failcore" audit check-proof --key "$work/other/vkey" \
    "$work/proof"
check_exit "nor as the log of another host" 77 "$failcore" audit verify --key "$work/other/vkey" \
    "$log"
"$failcore" audit pin --audit "$log" >"$work/pin"
check "the pin holds" "$failcore" audit verify --strict --pin "$work/pin" "$log"
check_exit "without a pin strict is not content" 77 "$failcore" audit verify --strict "$log"
check "a kept pin" "$failcore" audit pin --keep --audit "$log"
check "is found by itself" "$failcore" audit verify --strict "$log"
check "more records" "$bin/audit_emitter" "$log" 1 100
check "an older pin holds still, of no round size" wait_until 5 "$failcore" audit verify --strict \
    --pin "$work/pin" "$log"
check "and in Python" "$scripts/verify_log.py" "$log" --pin "$work/pin"
check "the writer has gone" wait_until 10 sh -c "test ! -e '$log.writer'"

# ---- exports
check "jsonl is the log" sh -c "'$failcore' audit export --format jsonl --audit '$log' |
    cmp - '$log'/log/00000000000000000000.jsonl"
check "ocsf is JSON, with its hash" sh -c "'$failcore' audit export --format ocsf --audit '$log' |
    jq -s -e 'all(.[]; .class_uid > 1000 and .type_uid == .class_uid * 100 + .activity_id and
    (.unmapped.entry_hash | length) == 64) and length > 1400' >/dev/null"
check "cef has one line a record" sh -c "test \"\$('$failcore' audit export --format cef --audit \
    '$log' | grep -c '^CEF:0|FailCore|')\" = \"\$(cat '$log'/log/*.jsonl | wc -l)\""
check "csv reads as a table" sh -c "'$failcore' audit export --format csv --audit '$log' |
    python3 -c 'import csv, sys; rows = list(csv.reader(sys.stdin));
assert len(rows) > 1400 and len({len(row) for row in rows}) == 1 and len(rows[0]) > 20'"
check "tiles" "$failcore" audit export --format tiles --audit "$log" -o "$work/tiles"
check "the tree is the same" diff -r "$log/tile" "$work/tiles/tile" --exclude entries
check "entries hash to the leaves" python3 - "$work/tiles" <<'PY'
import hashlib, os, struct, sys
for name in os.listdir(f"{sys.argv[1]}/tile/entries"):
    path = f"{sys.argv[1]}/tile/entries/{name}"
    if os.path.isdir(path):
        continue
    bundle, hashes = open(path, "rb").read(), open(f"{sys.argv[1]}/tile/0/{name}", "rb").read()
    at = 0
    for i in range(256):
        length, = struct.unpack_from(">H", bundle, at)
        entry = bundle[at + 2:at + 2 + length]
        assert hashlib.sha256(b"\0" + entry).digest() == hashes[32 * i:32 * i + 32]
        at += 2 + length
    assert at == len(bundle)
PY

# ---- changed copies
origin=$(cut -d + -f 1 "$log/vkey")
seed_file=$FAILCORE_STATE/keys/${origin##*/}.seed
check "every change is caught" timeout "$(patience $((130 + 10 * ${PLACES:-4})))" "$FAILCORE_SOURCE_DIR/tests/support/audit_tamper.py" \
    "$bin" "$scripts" "$log" "${PLACES:-4}" "${SEED:-1}" "$seed_file"
cat "$work/output"
