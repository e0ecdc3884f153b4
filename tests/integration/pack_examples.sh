#!/usr/bin/env bash
# The examples of the man pages are commands that work: each line is run, in a room that has what it
# speaks of. Where a line would reach beyond this machine, or names a program that is not here, it is
# run in the form that is said below.
. "${FAILCORE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/integration.sh"
need_root
export HOME=$work/home XDG_CONFIG_HOME=$work/config XDG_STATE_HOME=$work/state XDG_RUNTIME_DIR=$work/runtime
network=examples$$
mkdir -p "$HOME/project" "$HOME/policies" "$HOME/.config/fish/completions" "$XDG_RUNTIME_DIR" "$work/room/work" "$work/room/mnt" "$work/bin"
chmod 700 "$XDG_RUNTIME_DIR"
unset NO_COLOR SUDO_UID SUDO_GID
cd "$work/room" || exit 1
at_exit "$bin/failcore-netns delete $network; $bin/failcore-mount --unmount $work/room/mnt"
printf '#!/bin/sh\n! cat .env\n' >agent
chmod +x agent
echo key >.env
printf 'version: 1\nname: agent\n' >"$HOME/policies/agent.yaml"
# The log of root is the machine's: these have one of their own.
# shellcheck disable=SC2016 # for the script that is written
printf '%s\n' '#!/bin/sh' 'case $1 in run|show|why) verb=$1; shift; exec '"$bin"'/failcore "$verb" --audit '"$work"'/audit "$@" ;; esac' \
    'exec '"$bin"'/failcore "$@"' >"$work/bin/failcore"
chmod +x "$work/bin/failcore"
PATH=$work/bin:$bin:$PATH

examples()
{
    awk '/^# / { inside = $2 == "EXAMPLES" } /^```/ { code = !code; next } inside && code { sub(/^\$ /, ""); print }' "$1"
}
ran=0
for page in "$FAILCORE_SOURCE_DIR"/docs/man/*.scd; do
    while IFS= read -r line; do
        wanted=0
        form=$line
        case $line in
            # What it would see and obey: the network of "safe" leads to the world.
            'failcore run --policy '*' -- make test' | 'failcore run --policy '*' -- claude') form=${line/run/run --plan} ;;
            'failcore-netns create agent '*) form="${line/ agent / $network } --uplink none --audit $work/audit" ;;
            'failcore-netns exec agent -- curl '*)
                form=${line/ agent / $network }
                wanted=6 # without a way out no name is known
                ;;
            'failcore-netns '*) form=${line/ agent/ $network} ;;
            failcore-mount*)
                form=${line/\/mnt\/agent/$work\/room\/mnt}
                form=${form/failcore-mount --policy/failcore-mount --audit $work/audit --policy}
                ;;
            'failcore policy explain '*) wanted=77 ;;
        esac
        check_exit "$(basename "$page" .scd): $line" $wanted bash -c "fpath=('' '$work/room'); $form" </dev/null
        ran=$((ran + 1))
    done < <(examples "$page")
done
check "there are examples" test "$ran" -ge 14
check "zsh's completion was written" test -s "$work/room/_failcore"
check "fish's, too" test -s "$HOME/.config/fish/completions/failcore.fish"
# The first block of a page of formats, without what scdoc wants escaped.
first_block() { awk '/^```/ && seen++ { exit } /^```/ { next } seen { gsub(/\\\\/, "\\"); print }' "$FAILCORE_SOURCE_DIR/docs/man/$1.scd"; }
first_block failcore-policy.5 >example.yaml
check "the policy of failcore-policy(5) is valid" failcore policy check ./example.yaml
first_block failcore-audit.5 >hash.sh
check "it prints a hash" grep -qE '^[0-9a-f]{64} ' <(cd "$work/audit" && bash "$work/room/hash.sh")
check "the hash of failcore-audit(5) is that of the record" diff <(cd "$work/audit" && bash "$work/room/hash.sh" | cut -d ' ' -f 1) \
    <(head -n 1 "$work/audit/log/00000000000000000000.jsonl" | jq -r .merkle.entry_hash)
