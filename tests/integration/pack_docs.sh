#!/usr/bin/env bash
# Documents do not lie: each block marked "sh runnable" runs; each error in the troubleshooting page is
# one that a program prints; each file and policy that a page names is there.
. "${FAILCORE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/integration.sh"
need_root
cd "$FAILCORE_SOURCE_DIR" || exit 1

# A home of its own outside of the directories that are workspaces below.
export HOME=$work/home XDG_CONFIG_HOME=$work/home/config XDG_STATE_HOME=$work/state XDG_RUNTIME_DIR=$work/runtime
mkdir -p "$HOME" "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
unset NO_COLOR SUDO_UID SUDO_GID
documents=(README.md docs/*.md docs/agents/*.md)

# Writes the runnable blocks of a page as files page.N.
extract_blocks()
{
    awk -v prefix="$work/blocks/$(tr / . <<<"$1")" '
        /^```sh runnable$/ { inside = 1; file = prefix "." ++count; next }
        /^```/ { inside = 0 }
        inside { print > file }' "$1"
}
mkdir "$work/blocks"
for page in "${documents[@]}"; do
    extract_blocks "$page"
done
# The log of root is the machine's: every block has one of its own.
mkdir "$work/bin"
# shellcheck disable=SC2016 # for the script that is written
printf '%s\n' '#!/bin/sh' 'case "$1 $*" in' \
    '*--audit*|policy*|completion*|errors*|"audit verify"*) exec '"$bin"'/failcore "$@" ;;' \
    'run*|show*|why*|replay*) verb=$1; shift; exec '"$bin"'/failcore "$verb" --audit "$LOG" "$@" ;;' \
    '*) exec '"$bin"'/failcore "$@" ;;' esac >"$work/bin/failcore"
chmod +x "$work/bin/failcore"
for block in "$work"/blocks/*; do
    room=$work/rooms/$(basename "$block")
    mkdir -p "$room"
    # "! command" does not end a script under -e: a line of that form is held to its word.
    sed 's/^! \(.*\)$/if \1; then echo "it succeeded: \1"; exit 1; fi/' "$block" >"$block.sh"
    check "$(basename "$block")" env LOG="$work/logs/$(basename "$block")" PATH="$work/bin:$bin:/usr/sbin:/usr/bin:/sbin:/bin" \
        sh -c 'cd "$1" && exec timeout 100 bash -euo pipefail "$2"' sh "$room" "$block.sh"
done
check "there are blocks" test "$(find "$work/blocks" -name '*.sh' | wc -l)" -ge 12

# Errors, without the parts that differ from case to case.
while IFS= read -r text; do
    check "a program says: $text" grep -rqF --include='*.c' -e "$text" -e "\"${text#cannot }\"" cli fusefs netguard shared auditd
done < <(sed -n 's/^## `\(.*\)`$/\1/p' docs/troubleshooting.md)

# Links to files, and what is in backquotes with a folder of ours in front.
for page in "${documents[@]}"; do
    while IFS= read -r target; do
        check "$page leads to $target" test -e "$(dirname "$page")/$target"
    done < <(grep -oE '\]\([^)#]+' "$page" | sed 's/^](//' | grep -v '^[a-z]*:')
    while IFS= read -r file; do
        check "$page names $file" test -e "$file"
    done < <(grep -oE '`(adapters|packaging|scripts|policies|docs|cmake|tests)/[A-Za-z0-9_./-]+`' "$page" | tr -d '`' | grep -v NAME)
done
while IFS= read -r name; do
    check "there is a policy $name" test -f "policies/$name.yaml"
done < <(grep -ohE -- '--policy [a-z_-]+( |$)' "${documents[@]}" | cut -d ' ' -f 2 | sort -u)
