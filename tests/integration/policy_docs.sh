#!/usr/bin/env bash
# docs/policy-reference.md: its commands exit as it says, its policies are valid, and it names every
# key of the grammar.
. "${FAILCORE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/integration.sh"

reference=$FAILCORE_SOURCE_DIR/docs/policy-reference.md
export XDG_CONFIG_HOME=$work/config HOME=$work
cd "$work" || exit 1
failcore()
{
    "$bin/failcore" "$@"
}

# The yaml blocks, one file each.
awk '/^```yaml/ { n++; inside = 1; next } /^```/ { inside = 0 } inside { print > ("block" n ".yaml") }' "$reference"
for block in block*.yaml; do
    check "$block is valid" failcore policy check "./$block"
done
mv block1.yaml my-agent.yaml
cp "$FAILCORE_SOURCE_DIR/tests/policies/import/paths.json" old.json
printf 'rules: {resource_limits: {max_memory_mb: 64, max_cost_usd: 1}}\n' >old.yaml
while read -r line; do
    wanted=$(sed -n 's/.*# exit //p' <<<"$line")
    command=${line#\$ }
    check_exit "$command" "${wanted:-0}" eval "${command%%#*}"
done < <(awk '/^```console/ { inside = 1; next } /^```/ { inside = 0 } inside' "$reference")

# Every property of the schema stands in the reference.
failcore policy schema | jq -r '[.. | .properties? // empty | keys[]] | unique[]' >keys
check "the schema has keys" test "$(wc -l <keys)" -gt 50
while read -r key; do
    check "the reference names $key" grep -qE "[\`.{ ]${key}[\`,:} ]" "$reference"
done <keys
# And every shipped policy.
for policy in "$FAILCORE_SOURCE_DIR"/policies/*.yaml; do
    check "the reference names $(basename "$policy" .yaml)" grep -q "\`$(basename "$policy" .yaml)\`" "$reference"
done
