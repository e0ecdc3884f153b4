#!/usr/bin/env bash
# failcore policy show, list, merge, diff, lint, import, classify and test.
. "${FAILCORE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/integration.sh"

export XDG_CONFIG_HOME=$work/config HOME=$work
mkdir -p "$work/config/failcore/policies"
cd "$work" || exit 1
policy()
{
    "$bin/failcore" policy "$@"
}

says()
{
    if grep -qF -- "$1" "$work/output"; then passed; else failed "it does not say: $1"; fi
}

hash_of()
{
    policy check --json "$@" | jq -r .policy.hash
}

# show: what it prints is the same policy.
check "show" policy show safe
cp "$work/output" "$work/shown.yaml"
says 'origin: '
check "what show prints loads" policy check "$work/shown.yaml"
check "with the same hash" test "$(hash_of "$work/shown.yaml")" = "$(hash_of safe)"
policy show --json safe >"$work/shown.json"
check "show --json is JSON" jq -e '.name == "safe" and .version == 1' "$work/shown.json"
check "as the same policy" test "$(hash_of "$work/shown.json")" = "$(hash_of safe)"

# merge: the order never matters, and a deny stays.
policy merge fs_sandbox net_safe >"$work/one.yaml"
policy merge net_safe fs_sandbox >"$work/other.yaml"
check "merge knows no order" cmp "$work/one.yaml" "$work/other.yaml"
check_exit "a deny of one part stays" 77 policy explain "$work/one.yaml" fs read .env
check_exit "merge wants two" 2 policy merge safe

# list: places, and what counts.
check "list" policy list
says "fs_sandbox"
says "vendor"
cp "$FAILCORE_SOURCE_DIR/policies/deny_all.yaml" "$work/config/failcore/policies/safe.yaml"
check "list with one of the user" policy list
says "another one of this name counts"
echo 'version: 2' >"$work/config/failcore/policies/broken.yaml"
check_exit "a broken one is named" 65 policy list
says "INVALID"
policy list --json >"$work/list.json"
check "list --json" jq -e '.policies | map(select(.name == "broken" and .valid == false)) | length == 1' "$work/list.json"
rm "$work/config/failcore/policies/"*

# diff
check "nothing changes" policy diff safe "$work/shown.yaml"
check_exit "something changes" 77 policy diff net_safe safe
says "+ filesystem: the section"
says 'secrets'
policy diff --json net_safe safe >"$work/diff.json"
check "diff --json" jq -e '.changes | length > 5' "$work/diff.json"

# lint
for name in fs_sandbox safe; do
    check "nothing to complain about in $name" policy lint $name
done
cat >"$work/lint.yaml" <<'EOF'
version: 1
on_violation: block
filesystem:
  rules:
    - {id: all, action: allow, paths: ["**"]}
    - {id: never, action: allow, paths: ["locked/x"]}
    - {id: locked, action: deny, paths: ["locked/**", "locked"]}
    - {id: twice, action: deny, operations: [read], paths: ["locked/z/y"]}
  native: ["node_modules/**", "locked/**"]
network:
  rules:
    - {id: pages, action: allow, hosts: ["*.github.io"]}
    - {id: meta, action: allow, addresses: [169.254.0.0/16], allow_private: true, ports: [80]}
    - {id: bare, action: allow, hosts: [intranet]}
    - {id: loose, action: allow, hosts: [x.org], name_check: address-only}
    - {id: stopped, action: allow, hosts: [evil.org]}
    - {id: evil, action: deny, hosts: ["*.evil.org", evil.org]}
EOF
check_exit "lint finds" 77 policy lint "$work/lint.yaml"
says "never: nothing that this rule allows can be reached"
says "stopped: this rule decides nothing: evil.org is decided by evil"
says "public-suffix: "
says "metadata: "
says "single-label: "
says "address-only: "
says "secrets: "
says "self-executing: .git/config"
says "native: locked/** is not bound natively"
cat >"$work/literal.yaml" <<'EOF'
version: 1
filesystem:
  default: allow
  rules:
    - {id: home, action: deny, paths: ["~/.ssh/**"]}
    - {id: not, action: deny, paths: ["!src/**"]}
    - {id: variable, action: deny, paths: ["$HOME/x"]}
    - {id: meant, action: deny, paths: ["\\~backup", "a~", "b/!c"]}
EOF
check_exit "patterns of other languages" 77 policy lint "$work/literal.yaml"
says 'home: "~/.ssh/**" only matches a name that begins with ~'
says 'not: "!src/**" only matches'
says 'variable: "$HOME/x" only matches'
cp "$work/output" "$work/literal"
check "an escaped one is meant, and so is one inside a name" test "$(grep -c '^literal: ' "$work/literal")" = 3
cat >"$work/reach.yaml" <<'EOF'
version: 1
filesystem:
  rules:
    - {id: deep, action: allow, paths: ["src/*/x.c"]}
EOF
printf 'version: 1\nname: copies\nextends: [fs_sandbox]\nfilesystem:\n  outside_links: copy_up\n' >"$work/copies.yaml"
check_exit "a word that does less than it says" 77 policy lint "$work/copies.yaml"
says 'copy_up makes no copy'
check_exit "an unreachable allow" 77 policy lint "$work/reach.yaml"
says "src/zzz cannot be looked up on the way to src/zzz/x.c"

# explain takes a host as people write it.
cat >"$work/idna.yaml" <<'EOF'
version: 1
network:
  rules:
    - {id: books, action: allow, hosts: ["bücher.example", "*.münchen.example"]}
EOF
check_exit "letters beyond ASCII" 0 policy explain "$work/idna.yaml" net bücher.example:443
says "rule: books"
check_exit "in upper case" 0 policy explain "$work/idna.yaml" net BÜCHER.example:443
check_exit "as it goes on the wire" 0 policy explain "$work/idna.yaml" net xn--bcher-kva.example:443
check_exit "below a wildcard" 0 policy explain "$work/idna.yaml" net a.münchen.example:443
check_exit "another name" 77 policy explain "$work/idna.yaml" net bucher.example:443
says "no rule allows this name"
check_exit "what no name can be" 77 policy explain "$work/idna.yaml" net "$(printf 'a\342\200\213\360.example:443')"

# import: the two older dialects.
samples=$FAILCORE_SOURCE_DIR/tests/policies/import
check "import of a rule list" policy import --root /app "$samples/paths.json"
cp "$work/output" "$work/imported.yaml"
check_exit "the allowed path" 0 policy explain "$work/imported.yaml" fs write data/temp/file.txt
says "fs_write_limit"
policy import "$samples/paths.json" >"$work/whole.yaml"
check_exit "the denied path" 77 policy explain "$work/whole.yaml" fs read /etc/passwd
check_exit "is denied by its rule" 77 policy explain --json "$work/whole.yaml" fs write etc/deep/er
check_exit "import names what has no meaning" 65 policy import "$samples/tools.yaml"
for key in allowed_tools denied_tools pii_redaction max_cost_usd redact_output; do
    says "$key: "
done
says "tools.yaml:17:5"
check_exit "half of it dropped is not enough" 65 policy import --drop pii_redaction "$samples/tools.yaml"
check "import with --drop and --tools" policy import --tools "$samples/tools.map" \
    --drop max_cost_usd --drop pii_redaction --drop redact_output "$samples/tools.yaml"
cp "$work/output" "$work/tools.yaml"
says "# dropped: max_cost_usd (line 17)"
check "is what it always was" diff "$samples/tools.golden" "$work/tools.yaml"
check_exit "an allowed domain" 0 policy explain "$work/tools.yaml" net api.openai.com:443
check_exit "a subdomain" 0 policy explain "$work/tools.yaml" net en.wikipedia.org:443
check_exit "not the apex" 77 policy explain "$work/tools.yaml" net wikipedia.org:443
check_exit "any other domain" 77 policy explain "$work/tools.yaml" net example.org:443
check_exit "an allowed tool" 0 policy explain "$work/tools.yaml" exec /usr/bin/bc
check_exit "a denied tool" 77 policy explain "$work/tools.yaml" exec /bin/sh
check_exit "any other tool" 77 policy explain "$work/tools.yaml" exec /usr/bin/python3
sed 's/deny_all_other: true/deny_all_other: false/' "$samples/tools.yaml" >"$work/open.yaml"
policy import --drop allowed_tools --drop denied_tools --drop max_cost_usd --drop pii_redaction \
    --drop redact_output "$work/open.yaml" >"$work/opened.yaml"
check_exit "deny_all_other: false opens the public internet" 0 policy explain "$work/opened.yaml" net example.org:443
check_exit "and nothing private" 77 policy explain "$work/opened.yaml" net 10.0.0.1:443
echo 'hello: world' >"$work/neither.yaml"
check_exit "neither dialect" 65 policy import "$work/neither.yaml"

# classify
check "a public address" policy classify 8.8.8.8
check_exit "a private one" 77 policy classify 192.168.1.1
says "192.168.0.0/16"
check_exit "one in disguise" 77 policy classify --json ::ffff:169.254.169.254
says '"embedded":"169.254.169.254"'
check "a public one through NAT64" policy classify 64:ff9b::8.8.8.8
check_exit "no address" 2 policy classify example.org

# test: a policy's own cases.
cat >"$work/cases.yaml" <<'EOF'
version: 1
extends: [safe]
tests:
  - {expect: allow, fs: [read, src/main.c]}
  - {expect: deny, fs: [write, a/.env], rule: secrets}
  - {expect: deny, net: "169.254.169.254:80"}
  - {expect: allow, net: example.org}
  - {expect: allow, exec: /bin/true}
EOF
check "its cases hold" policy test "$work/cases.yaml"
says "5 cases, 0 failed"
sed -i 's/expect: deny, fs/expect: allow, fs/' "$work/cases.yaml"
check_exit "one does not" 77 policy test "$work/cases.yaml"
says "cases.yaml:5: expected allow by secrets, got deny by secrets"

# enforce: system policies tighten everybody's, and nobody lifts them.
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
    # The longest: /etc/failcore is a text of its own as well, where no linker joins their ends.
    system=$(strings "$bin/failcore" | grep '/etc/failcore$' | awk '{ print length, $0 }' | sort -n | tail -n 1 | cut -d' ' -f2)
    mkdir -p "$work/etc/policies"
    printf 'version: 1\nname: house\nenforce: true\nfilesystem: {rules: [{id: no-tmp, action: deny, paths: ["tmp/**"]}]}\n' >"$work/etc/policies/house.yaml"
    printf 'version: 1\nextends: [fs_sandbox, "%s/policies/house.yaml"]\nfilesystem: {rules: [{id: no-tmp, action: allow, override: true, paths: ["tmp/**"]}]}\n' "$system" >"$work/lift.yaml"
    cat >"$work/enforced.sh" <<EOF
mkdir -p "$system" && mount --bind "$work/etc" "$system" || exit 99
"$bin/failcore" policy explain safe fs write tmp/x; echo "first \$?"
"$bin/failcore" policy explain shadow fs write tmp/x; echo "second \$?"
"$bin/failcore" policy check "$work/lift.yaml"; echo "third \$?"
echo 'version: 9' >"$work/etc/policies/bad.yaml"
"$bin/failcore" policy explain safe fs write src/x; echo "fourth \$?"
EOF
    existed=$([ -d "$system" ] && echo yes)
    unshare -m sh "$work/enforced.sh" >"$work/output" 2>&1
    [ -n "$existed" ] || rmdir -p "$system" 2>/dev/null
    says "first 77"
    says "no-tmp"
    says "second 77"
    says "third 65"
    says "is enforced"
    says "fourth 65"
fi

# Limits, each with its message.
limit_of()
{
    check_exit "$1" 65 policy check ./limits.yaml
    says "$2"
    says "limits.yaml:"
}
{
    printf 'version: 1\nfilesystem:\n  rules:\n'
    seq 20001 | sed 's/.*/    - {id: r&, action: allow, paths: [p&]}/'
} >limits.yaml
limit_of "too many rules" "more than 20000 rules in one policy"
{
    printf 'version: 1\nfilesystem:\n  rules:\n'
    printf '    - {id: a, action: allow, paths: ['
    seq -s ', ' 200001 | sed 's/[0-9][0-9]*/p&/g'
    printf ']}\n'
} >limits.yaml
limit_of "too many patterns" "more than 200000 patterns in one policy"
{
    echo 'version: 1'
    head -c 17000000 /dev/zero | tr '\0' '#'
} >limits.yaml
limit_of "too many bytes" "16 MiB"
printf 'version: 1\nextends: [%s1]\n' "$(printf '[%.0s' $(seq 100))" >limits.yaml
limit_of "too deep" "nested more than 16 levels deep"
printf 'version: 1\nextends: &a [*a]\n' >limits.yaml
limit_of "anchors" "an anchor"
for i in 1 2 3 4 5 6 7 8 9 10; do
    printf 'version: 1\nextends: [./e%d.yaml]\n' $((i + 1)) >"e$i.yaml"
done
printf 'version: 1\n' >e11.yaml
check_exit "extends too deep" 65 policy check ./e1.yaml
says "extends goes more than 8 files deep"
check "eight are fine" policy check ./e3.yaml
