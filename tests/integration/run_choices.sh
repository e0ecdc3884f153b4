#!/usr/bin/env bash
# What a run is made of follows from its policy: network, shadow, records of its programs.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run
user_setup

run()
{
    "$bin/failcore" run --workspace "$ws" --audit "$audit" --status-fd 9 "$@" 9>"$work/status"
}
last_run()
{
    jq -r 'select(.event == "exit").run' "$work/status"
}
of_last()
{
    records ".run == \"$(last_run)\" and ($1)"
}

# No network section: no network, and no guard for it, on any machine.
check "a policy without a network section" run --policy "$allow_all" -- sh -c '
    test "$(tail -n +3 /proc/net/dev | grep -vc lo:)" = 0'
check "START says so" test "$(of_last '.kind == "START"' | jq -r .call.network)" = none
check "the same for a user" as_user "$user_bin/failcore" run --policy "$allow_all" -- true
if [ -x "$bin/failcore-netguard" ]; then
    printf 'version: 1\nname: closed\nextends: [./allow_all.yaml]\nnetwork: {default: deny}\n' \
        >"$policies/closed.yaml"
    run --policy "$policies/closed.yaml" -- bash -c 'echo >/dev/tcp/192.0.2.1/80' 2>/dev/null
    check "a network section that allows nothing: recorded all the same" \
        test "$(of_last '.source == "net" and .status == "BLOCKED"' | wc -l)" -ge 1
    check "without a way out" test "$(of_last '.kind == "START"' | jq -r .call.network)" = none
    run --policy "$allow_all" --uplink none -- bash -c 'echo >/dev/tcp/192.0.2.1/80' 2>/dev/null
    check "and when it is asked for" \
        test "$(of_last '.source == "net" and .status == "BLOCKED"' | wc -l)" -ge 1
fi

# A network that nobody could guard is none that a run gets.
mkdir -p "$work/part/bin"
cp "$bin/failcore" "$bin/failcore-mount" "$bin/failcore-auditd" "$work/part/bin/"
printf 'version: 1\nname: web\nextends: [./allow_all.yaml]\nnetwork: {default: allow_public}\n' >"$policies/web.yaml"
check_exit "a policy with a network where no guard is installed" 125 "$work/part/bin/failcore" run \
    --policy "$policies/web.yaml" --workspace "$ws" --audit "$audit" -- touch "$ws/unguarded"
said=$(cat "$work/output")
check "says which part is missing" grep -q 'failcore-netguard is not installed' <<<"$said"
check_fails "and starts nothing" test -e "$ws/unguarded"
check_exit "an unknown policy is an invalid one" 65 run --policy no_such_policy -- true
check_exit "so is a file that is not there" 65 run --policy "$policies/none.yaml" -- true

# --shadow: what a policy could permit is permitted and logged; what is enforced elsewhere is not.
echo KEY=1 >"$ws/.env"
check_exit "denied without it" 1 run --policy fs_sandbox --no-net -- cat .env
check "shadow: permitted" run --policy fs_sandbox --shadow --no-net -- cat .env
check "and logged, with the rule" test "$(of_last '.policy.decision == "logged" and
    .policy.rule == "secrets"' | wc -l)" -ge 1
check_fails "the view stays as it is" run --policy fs_sandbox --shadow --no-net -- cat /etc/shadow

# Every program is recorded before it begins: who, what, with which arguments.
run --policy "$allow_all" -- bash -c 'env true a b; python3 -c "
import subprocess; subprocess.run([\"id\", \"-u\"])"; cp /usr/bin/id mine; ./mine -u; bash -c "exit 3"' \
    >/dev/null
check "each exec once" test "$(of_last '.source == "exec" and .kind == "DECISION"' |
    jq -r '.call.path' | sed 's#.*/##' | tr '\n' ' ')" = "bash env true python3 id cp mine bash "
check "with the parent that asked" test "$(of_last '.call.path == "/usr/bin/true"' |
    jq -r '.actor.comm')" = env
check "and its program" test "$(of_last '.call.path == "/usr/bin/id"' | jq -r '.actor.exe')" \
    = "$(readlink -f /usr/bin/python3)"
wanted=$(printf 'true\0a\0b\0' | sha256sum | cut -d' ' -f1)
check "with the hash of its arguments" test "$(of_last '.call.path == "/usr/bin/true"' |
    jq -r '"\(.call.argv_hash) \(.call.argc)"')" = "$wanted 3"
long=$(head -c 100000 /dev/zero | tr '\0' x)
run --policy "$allow_all" -- bash -c "/usr/bin/env true $(seq -s' ' 1 3000) ${long:0:90000}"
check "long arguments as well" test "$(of_last '.call.path == "/usr/bin/true"' |
    jq -r '"\(.call.argv_hash) \(.call.argc)"')" = \
    "$({ printf 'true\0'; seq 1 3000 | tr '\n' '\0'; printf '%s\0' "${long:0:90000}"; } |
        sha256sum | cut -d' ' -f1) 3002"
check_exit "a program that is nowhere" 127 run --policy "$allow_all" -- bash -c no-such-program
run --policy "$allow_all" -- python3 -c '
import subprocess
try: subprocess.run(["no-such-program"])
except FileNotFoundError: pass'
check "looking for it is no program" test "$(of_last '.source == "exec" and
    .kind == "DECISION"' | wc -l)" = 1
printf 'version: 1\nname: no-id\nextends: [./allow_all.yaml]\nprocess: {rules: [{id: no-id, action: deny, executables: ["/usr/bin/id"]}]}\n' \
    >"$policies/no_id.yaml"
check_exit "a denied program" 126 run --policy "$policies/no_id.yaml" -- bash -c id
check "is recorded as blocked, with its rule" test "$(of_last '.status == "BLOCKED" and
    .source == "exec"' | jq -r '"\(.code) \(.policy.rule) \(.call.path)"' | head -1)" = \
    "EXEC_DENIED no-id /usr/bin/id"
as_user "$user_bin/failcore" run --policy "$allow_all" -- sh -c '/usr/bin/id -u; true' >/dev/null
check "a user's run records them, too" test "$(cat "$user_home"/state/failcore/audit/log/*.jsonl |
    jq -c 'select(.call.path? == "/usr/bin/id")' | wc -l)" = 1

# The breaker counts programs of the system, too; one too many does not begin.
printf 'version: 1\nname: few\nextends: [./allow_all.yaml]\nbreaker: [{event: exec, count: 3, within: 60s, action: readonly}]\n' \
    >"$policies/few.yaml"
run --policy "$policies/few.yaml" -- bash -c 'for i in 1 2 3 4 5; do /usr/bin/true && echo ran; done' \
    >"$work/out" 2>&1
check "three programs, and no fourth" test "$(grep -c '^ran' "$work/out")" = 3
check "refused by the breaker" test "$(of_last '.source == "exec" and .status == "BLOCKED"' |
    jq -r .code | sort -u)" = BREAKER_TRIPPED
