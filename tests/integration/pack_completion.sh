#!/usr/bin/env bash
# failcore completion: what the shells offer is what the programs take, in bash, zsh and fish.
. "${FAILCORE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/integration.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/option_tables.sh"

export HOME=$work XDG_CONFIG_HOME=$work/config XDG_STATE_HOME=$work/state XDG_RUNTIME_DIR=$work/run
mkdir -p "$work/config/failcore/policies" "$work/run"
: >"$work/config/failcore/policies/mine.yaml"
PATH=$bin:$PATH
cd "$work" || exit 1

offered()
{
    failcore completion --answer -- "$@" | cut -f 1
}

# Every command: the options that it offers are those of its table, no more and no fewer.
commands=0
options_agree()
{
    commands=$((commands + 1))
    help_rows "$@" | awk -F '\t' '$1 == "option" { print "--" $3 }' | sort >"$work/table"
    offered "$@" -- | sort >"$work/offered"
    check "the options of $*" diff "$work/table" "$work/offered"
}
each_command options_agree
check "every program has commands" test "$commands" -ge 12

check "the verbs" diff <(help_rows failcore | awk -F '\t' '$1 == "verb" { print $2 }') <(offered failcore '')
check "a family's verbs" grep -qx explain <(offered failcore policy '')
check "policies, the user's too" grep -qx mine <(offered failcore run --policy '')
check "policies behind =" grep -qx -- --policy=safe <(offered failcore run --policy=sa)
check "only what begins so" test "$(offered failcore run --policy=fs_sa | LC_ALL=C sort | tr '\n' ' ')" = \
    "--policy=fs_safe --policy=fs_sandbox :files "
check "alternatives" test "$(offered failcore show --color '' | tr '\n' ' ')" = "auto always never "
check "the command is not ours" test "$(offered failcore run -- ls -)" = ":command 3"
check "nor behind an option" test "$(offered failcore run -p safe -- ls -)" = ":command 5"
check "nor behind a name" test "$(offered failcore-netns exec agent curl '')" = ":command 3"
check "directories" test "$(offered failcore run --workspace '')" = ":directories"
check "a program that is not ours is not run" test -z "$(offered "$work/evil" '')"
check "internal options are not offered" test -z "$(offered failcore-mount --session)"
check_exit "an unknown shell" 2 failcore completion csh
check_exit "no shell" 2 failcore completion

cat >"$work/try.bash" <<'EOF'
source <(failcore completion bash)
try()
{
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    "$(complete -p "$1" | sed 's/.*-F \([^ ]*\).*/\1/')"
    printf '%s ' "${COMPREPLY[@]}"
    echo
}
try failcore err
try failcore policy ex
try failcore show --color = al
try failcore run --policy = mi
try failcore-netns del
try failcore run -- failcore-netg
EOF
check "bash" bash -n <(failcore completion bash)
check "bash completes" diff <(bash --norc --noprofile "$work/try.bash" 2>&1) - <<'EOF'
errors 
explain 
always 
mine 
delete 
failcore-netguard 
EOF

if command -v zsh >/dev/null; then
    failcore completion zsh >"$work/_failcore"
    cat >"$work/try.zsh" <<'EOF'
compdef() { registered=$* }
_describe() { print -r -- "${(@P)@[-1]}" }
_files() { print -r -- "files $*" }
_normal() { print -r -- "command ${words[*]} at $CURRENT" }
source $1
print -r -- $registered
try() { words=("$@"); CURRENT=$#; _failcore }
try failcore err
try failcore run --workspace ''
try failcore run -- ls x
EOF
    check "zsh" zsh -n "$work/_failcore"
    check "zsh completes" diff <(zsh -f "$work/try.zsh" "$work/_failcore" 2>&1) - <<'EOF'
_failcore failcore failcore-mount failcore-netns
errors:every denial code and exit code with its meaning and mend
files -/
command ls x at 2
EOF
else
    echo "skipped: zsh is not installed"
fi

if command -v fish >/dev/null; then
    failcore completion fish >"$work/failcore.fish"
    check "fish" fish --no-execute "$work/failcore.fish"
    fish_offers()
    {
        fish --no-config -c "source $work/failcore.fish; complete -C '$1'" 2>&1 | cut -f 1 | tr '\n' ' '
    }
    check "fish completes a verb" test "$(fish_offers 'failcore err')" = "errors "
    check "fish completes an option" test "$(fish_offers 'failcore show --blo')" = "--blocked "
    check "fish completes a policy" test "$(fish_offers 'failcore policy explain min')" = "mine "
    check "fish completes the command" grep -q failcore-netguard <(fish_offers 'failcore run -- failcore-netg')
else
    echo "skipped: fish is not installed"
fi
