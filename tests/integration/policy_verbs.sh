#!/usr/bin/env bash
# failcore policy: exit codes, the three lines, file:line:column, and the rule that decided.
. "${FAILCORE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/integration.sh"

export XDG_CONFIG_HOME=$work/config HOME=$work
mkdir -p "$work/config/failcore/policies"
policy()
{
    "$bin/failcore" policy "$@"
}

says()
{
    if grep -qF -- "$1" "$work/output"; then passed; else failed "it does not say: $1"; fi
}

for preset in "$FAILCORE_SOURCE_DIR"/policies/*.yaml; do
    check "check $(basename "$preset")" policy check "$preset"
done
check_exit "explain allows" 0 policy explain safe fs write src/main.c
says "allowed: fs write src/main.c"
says "rule: workspace"
check_exit "explain denies" 77 policy explain safe fs write a/.env
says "rule: secrets ("
says "fs_sandbox.yaml:"
says "PATH_DENIED"
check_exit "explain net" 77 policy explain safe net 169.254.169.254:80
says "169.254.0.0/16"
says "SSRF_BLOCKED"
check_exit "explain a public host" 0 policy explain safe net example.org:443
check_exit "explain exec" 0 policy explain safe exec /bin/sh
check_exit "explain --json" 77 policy explain safe net 10.0.0.1:80 --json
cp "$work/output" "$work/explained"
check "explain --json is JSON" jq -e '.decision == "blocked" and .code == "SSRF_BLOCKED" and .rule == "builtin"' "$work/explained"
check_exit "an unknown question" 2 policy explain safe disk read x
check_exit "an unknown operation" 2 policy explain safe fs raed x
says 'did you mean "read"?'
check_exit "an unknown policy" 65 policy explain no_such_policy fs read x

printf 'version: 1\nfilesystem:\n  rules:\n    - {id: a, action: dney, paths: ["**"]}\n' >"$work/bad.yaml"
check_exit "a bad word" 65 policy check "$work/bad.yaml"
says "$work/bad.yaml:4:23"
says 'did you mean "deny"?'

printf '{"version": 1, "name": "j", "filesystem": {"rules": [{"id": "a", "action": "allow", "paths": ["**"]}]}}' >"$work/j.json"
check "JSON loads" policy check "$work/j.json"
json_hash=$(policy check --json "$work/j.json" | jq -r .policy.hash)
check "standard input loads alike" test "$(policy check --json - <"$work/j.json" | jq -r .policy.hash)" = "$json_hash"
printf 'name: j\nversion: 1\nfilesystem:\n  rules:\n  - paths: ["/**"]\n    action: allow\n    id: a\n' >"$work/j.yaml"
check "YAML of the same shape has the same hash" test "$(policy check --json "$work/j.yaml" | jq -r .policy.hash)" = "$json_hash"

chmod go+w "$work/j.yaml"
check_exit "others can write it" 65 policy check "$work/j.yaml"
says "chmod go-w"
chmod go-w "$work/j.yaml"
mkfifo "$work/fifo.yaml"
check_exit "a FIFO" 65 timeout 5 "$bin/failcore" policy check "$work/fifo.yaml"
if [ "$(id -u)" = 0 ]; then
    chown 65534 "$work/j.yaml"
    check_exit "somebody else's file" 65 policy check "$work/j.yaml"
    says "belongs to uid 65534"
fi

cp "$FAILCORE_SOURCE_DIR/policies/deny_all.yaml" "$work/config/failcore/policies/safe.yaml"
check_exit "the user's policy of the same name wins" 77 policy explain safe fs read src/main.c
rm "$work/config/failcore/policies/safe.yaml"

printf 'version: 1\nextends: [b.yaml]\n' >"$work/a.yaml"
printf 'version: 1\nextends: [./a.yaml]\n' >"$work/b.yaml"
check_exit "a cycle" 65 policy check "$work/a.yaml"
says "extends itself"
says "$work/b.yaml:2:11"
