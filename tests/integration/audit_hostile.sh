#!/usr/bin/env bash
# Producers that lie, and files that are not a log's: each named, none believed, nobody else harmed.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
failcore=$bin/failcore
log=$work/audit

# ---- rings
check "every liar is hung up on, and no one else" sh -c \
    "'$bin/audit_hostile_ring' '$log' >'$work/count'"
lies=$(cat "$work/count")
check "the log is intact" "$failcore" audit verify "$log"
check "each liar's first record is there, none of the lies" test \
    "$(grep -c '"run":"hostile".*"path":"src/a.c"' "$log"/log/*.jsonl)" = "$lies"
check "each has one record that says so" test \
    "$(grep -c '"op":"producer_corrupt"' "$log"/log/*.jsonl)" = "$lies"
check "the honest one has all of its records" test \
    "$(grep -c '"run":"honest".*"path":"honest"' "$log"/log/*.jsonl)" = "$lies"
check "the writer has gone" wait_until 10 sh -c "test ! -e '$log.writer'"
