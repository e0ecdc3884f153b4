#!/usr/bin/env bash
# What a power cut may find: a checkpoint never without its records and tiles, a key never by half.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
log=$work/audit
need_strace

mkdir -m 700 "$log"
printf 'failcore.local/audit/' >"$log/vkey.new" # of a writer that died
check "a log of two tile levels, traced" strace -f -y -qq -s 200 -o "$work/trace" \
    -e trace=write,fsync,fdatasync,renameat,linkat,openat "$bin/audit_emitter" "$log" 2 700
check "in order" "$FAILCORE_SOURCE_DIR/tests/support/audit_order.py" "$work/trace" "$log"
check "what a dead writer left of a key is nothing" "$bin/failcore" audit verify "$log"
check "and does not stay" test ! -e "$log/vkey.new"
check "the writer has gone" wait_until 10 sh -c "test ! -e '$log.writer'"

# A disk that lied about an fsync: the tree's edge is gone. It is made again from the records, and
# holds only because what was signed comes out.
for damage in "truncate -s 100" "rm"; do
    find "$log/tile" -type f | xargs $damage
    check_exit "a log without its tree" 77 "$bin/failcore" audit verify "$log"
    check "has it again when it is written to" "$bin/audit_emitter" "$log" 1 10
    check "as it was signed" "$bin/failcore" audit verify "$log"
    check "the writer has gone" wait_until 10 sh -c "test ! -e '$log.writer'"
done
