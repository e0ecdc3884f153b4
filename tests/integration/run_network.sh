#!/usr/bin/env bash
# A run with its guard, in a world of its own: one policy, one log, one end.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
. "$(dirname "$0")/../support/world.sh"
need_root
need_run
[ -x "$bin/failcore-netguard" ] || skip "needs failcore-netguard"
command -v curl >/dev/null || skip "needs curl"
world_start

cat >"$policies/web.yaml" <<'POLICY'
version: 1
name: web
filesystem:
  rules:
    - {id: all, action: allow, paths: ["**"]}
    - {id: secrets, action: deny, paths: ["**/.env"]}
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org", "rebind.example.com"], ports: [80]}
POLICY
echo "KEY=1" >"$ws/.env"

web_run()
{
    "$bin/failcore" run --policy "$policies/web.yaml" --workspace "$ws" --audit "$audit" \
        --uplink "netns:$world_ns" "$@"
}
fetch='curl -s --max-time 5'

check "an allowed name is reached" web_run -- sh -c "$fetch http://www.example.org/ >page"
check "and answered" grep -q 'world www.example.org' "$ws/page"
check_fails "a name that no rule allows" web_run -- $fetch http://www.example.com/
check_fails "the metadata service" web_run -- $fetch http://169.254.169.254/
check_fails "a private address" web_run -- $fetch http://10.0.0.1/
check_fails "a public name with a private answer" web_run -- $fetch http://rebind.example.com/
check_fails "an address without its name" web_run -- $fetch http://93.184.216.10:8080/
check_fails "a file that a rule denies" web_run -- cat .env
check "a refused connection fails at once" timeout 3 bash -c '! "$@"' sh "$bin/failcore" run \
    --policy "$policies/web.yaml" --workspace "$ws" --audit "$audit" --uplink "netns:$world_ns" \
    -- curl -s http://10.0.0.1/
check_fails "the world never saw it" world_saw '10.0.0.1'

web_run --status-fd 3 -- sh -c "$fetch http://10.0.0.1/; cat .env; echo x >new" \
    3>"$work/status" >/dev/null 2>&1
id=$(jq -r 'select(.event == "exit").run' "$work/status")
run_records()
{
    records ".run == \"$id\" and ($1)"
}
check "file and network are refused in one log, under one run" \
    test "$(run_records '.status == "BLOCKED"' | jq -r .source | sort -u | tr '\n' ' ')" = "fs net "
check "with their rules" test "$(run_records '.source == "fs" and .policy.rule == "secrets"' |
    wc -l)" -ge 1
check "and one policy hash" test "$(run_records 'true' | jq -r .policy.hash | sort -u | wc -l)" = 1
check "START first, END last" test "$(run_records 'true' | jq -r .kind | sed -n '1p;$p' |
    tr '\n' ' ')" = "START END "
check "the log verifies" "$bin/failcore" audit verify "$audit"

# The guard is a part of the run like any other.
web_run -- sh -c "trap '' TERM; touch started; sleep 300; touch survived" 2>"$work/err" &
wait_until 10 test -e "$ws/started"
guard=$(own_processes 'failcore-netguard --run ' | head -1)
[ -n "$guard" ] && kill -9 "$guard"
wait $!
check "guard killed: the run ends, with our code" test $? = 137
check "standard error says so" grep -q failcore-netguard "$work/err"
check_fails "nothing went on" test -e "$ws/survived"

check "--no-net has a loopback and nothing else" test "$(run_failcore -- \
    sh -c 'ls /sys 2>/dev/null; cat /proc/net/dev | grep -c :')" = 1
