#!/usr/bin/env bash
# One log of launcher, mount and network guard, which three verifiers judge alike: ours, the Python
# one, and Go's tlog where it is installed. RECORDS: how many at least; scripts/soak --kills wants 100,000.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/tlog.sh"
need_root
python3 -c 'import cryptography' 2>/dev/null || skip "needs python3-cryptography"
failcore=$bin/failcore
log=$work/audit
records=${RECORDS:-4000}
mkdir "$work/ws"
echo secret >"$work/ws/.env"
ip netns add "failcore-test-$$" || skip "needs network namespaces"
at_exit "ip netns delete failcore-test-$$"

# A file is four records; each tenth one asks for a secret, each hundredth for a closed address.
cat >"$work/ws/agent.py" <<'PY'
import os, socket, sys
for i in range(int(sys.argv[1]) // 4 + 1):
    name = f"file-{i}"
    open(name, "w").close()
    os.rename(name, name + ".done")
    if i % 10 == 0:
        try:
            open(".env")
        except PermissionError:
            pass
    if i % 100 == 0:
        try:
            socket.create_connection(("10.0.0.1", 80 + i % 5), timeout=1)
        except OSError:
            pass
PY
mkdir "$work/policy"
cat >"$work/policy/soak.yaml" <<'YAML'
version: 1
name: soak
filesystem:
  rules:
    - {id: all, action: allow, paths: ["**"]}
    - {id: secrets, action: deny, paths: ["**/.env"]}
network: {default: deny}
YAML
check "a run" "$failcore" run --no-report --policy "$work/policy/soak.yaml" --audit "$log" --workspace "$work/ws" \
    --uplink "netns:failcore-test-$$" -- python3 agent.py "$records"
"$failcore" audit pin --audit "$log" >"$work/pin"
check "ours" "$failcore" audit verify --strict --json "$log"
cp "$work/output" "$work/said"
echo "$(jq .records "$work/said") records from the real daemons"
check "so many records" test "$(jq .records "$work/said")" -ge "$records"
check "of all three" sh -c "zstd -dcqf '$log'/log/*.jsonl* | jq -r .source | sort -u | tr '\n' ' ' | grep -q 'fs.*net.*run'"
check "Python's" "$FAILCORE_SOURCE_DIR/scripts/verify_log.py" "$log" --pin "$work/pin"
if tlog_build; then
    check "Go's" "$tlog_check" "$log" "$work/pin"
    cat "$work/output"
else
    echo "without Go's: $tlog_missing"
fi
