#!/usr/bin/env bash
# The short form of `scripts/soak --kills N`: writer and producers killed at random moments of one seed.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"

check "60 kills" timeout 100 "$FAILCORE_SOURCE_DIR/tests/support/audit_crash.py" "$bin" \
    "$work/audit" "${SEED:-1}" 60
cat "$work/output"
check "6 kills of writers and keepers" timeout 100 "$FAILCORE_SOURCE_DIR/tests/support/audit_crash.py" "$bin" \
    "$work/keepers" "${SEED:-1}" 6 keepers
cat "$work/output"
