#!/usr/bin/env bash
# Documents do not lie. Each block of a page says what it is, and is held to that:
#
#   sh runnable           runs, in an empty directory (with what lies in docs/PAGE/, if that is there)
#   sh plan               a command for a program that is not here: failcore plans the run of one instead
#   sh elsewhere: REASON  not tried here, and why
#   console               docs/policy-reference.md: policy_docs.sh
#   yaml                  a whole policy is checked; python compiles; json, text
#
# Each error in the troubleshooting page is one that a program prints; each file and policy that a page
# names is there.
. "${FAILCORE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/integration.sh"
need_root
cd "$FAILCORE_SOURCE_DIR" || exit 1

# A home of its own outside of the directories that are workspaces below.
export HOME=$work/home XDG_CONFIG_HOME=$work/home/config XDG_STATE_HOME=$work/state XDG_RUNTIME_DIR=$work/runtime
mkdir -p "$HOME" "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
unset NO_COLOR SUDO_UID SUDO_GID
documents=(README.md docs/*.md docs/agents/*.md)

# Writes the blocks of a page that begin so as files FOLDER/page.N.
extract_blocks()
{
    awk -v begin="$2" -v prefix="$work/$3/$(tr / . <<<"$1")" '
        /^```/ && !inside && !other { if ($0 == begin) { inside = 1; file = prefix "." ++count } else { other = 1 } next }
        /^```/ { inside = other = 0 }
        inside { print > file }' "$1"
}
mkdir "$work/blocks" "$work/plans" "$work/yaml" "$work/python"
for page in "${documents[@]}"; do
    extract_blocks "$page" '```sh runnable' blocks
    extract_blocks "$page" '```sh plan' plans
    extract_blocks "$page" '```yaml' yaml
    extract_blocks "$page" '```python' python
done
unmarked()
{
    awk '/^```/ { inside = !inside
        if (inside && $0 !~ /^```(sh runnable|sh plan|sh elsewhere: .+|text|json|yaml|python)$/ &&
            !($0 == "```console" && FILENAME == "docs/policy-reference.md")) { print FILENAME ":" FNR ": " $0 } }' "$@"
}
printf '```\nls\n```\n```sh\nls\n```\n```sh elsewhere: \nls\n```\n' >"$work/unmarked.md"
check "an unmarked block would be found" test "$(unmarked "$work/unmarked.md" | wc -l)" = 3
check "every block says what it is" diff /dev/null <(unmarked "${documents[@]}")
# The log of root is the machine's: every block has one of its own.
mkdir "$work/bin"
# shellcheck disable=SC2016 # for the script that is written
printf '%s\n' '#!/bin/sh' 'case "$1 $*" in' \
    '*--audit*|policy*|completion*|errors*|"audit verify"*) exec '"$bin"'/failcore "$@" ;;' \
    'run*|show*|why*|replay*) verb=$1; shift; exec '"$bin"'/failcore "$verb" --audit "$LOG" "$@" ;;' \
    '"audit audit verify") exec '"$bin"'/failcore audit verify "$LOG" ;;' \
    '*) exec '"$bin"'/failcore "$@" ;;' esac >"$work/bin/failcore"
chmod +x "$work/bin/failcore"
for block in "$work"/blocks/*; do
    room=$work/rooms/$(basename "$block")
    mkdir -p "$room"
    page=$(basename "$block" | sed 's/\.md\.[0-9]*$//')
    [ ! -d "${page/./\/}" ] || cp -r "${page/./\/}"/. "$room/"
    # "! command" does not end a script under -e: a line of that form is held to its word.
    sed 's/^\(! .*[^ ]\)  *# .*$/\1/; s/^! \(.*\)$/if \1; then echo "it succeeded: \1"; exit 1; fi/' "$block" >"$block.sh"
    check "$(basename "$block")" env LOG="$work/logs/$(basename "$block")" PATH="$work/bin:$bin:/usr/sbin:/usr/bin:/sbin:/bin" \
        sh -c 'cd "$1" && exec timeout 100 bash -euo pipefail "$2"' sh "$room" "$block.sh"
done
check "there are blocks" test "$(find "$work/blocks" -name '*.sh' | wc -l)" -ge 12

# Programs that are not here: what each would see and obey. AGENT [ARG]... stands for any.
mkdir "$work/agents-room"
for block in "$work"/plans/*; do
    while IFS= read -r line; do
        check "$(basename "$block"): $line" bash -c 'cd "$1" && shift && OPENAI_API_KEY=k ANTHROPIC_API_KEY=k GEMINI_API_KEY=k exec "$@"' \
            bash "$work/agents-room" "$bin/failcore" run --plan ${line#failcore run }
    done < <(sed 's/ \[ARG\]\.\.\.$//' "$block")
done
check "there are plans" test "$(cat "$work"/plans/* | wc -l)" -ge 6
for block in "$work"/yaml/*; do
    grep -q '^version: 1$' "$block" || continue
    mv "$block" "$block.yaml"
    sed -i "s#/home/ME/#$HOME/#; s#/ABSOLUTE/#$FAILCORE_SOURCE_DIR/#" "$block.yaml"
    check "$(basename "$block") is a valid policy" "$bin/failcore" policy check "$block.yaml"
done
for block in "$work"/python/*; do
    check "$(basename "$block") compiles" python3 -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$block"
done

# Errors, without the parts that differ from case to case.
while IFS= read -r text; do
    check "a program says: $text" grep -rqF --include='*.c' -e "$text" -e "\"${text#cannot }\"" cli fusefs netguard shared auditd
done < <(sed -n 's/^## `\(.*\)`$/\1/p' docs/troubleshooting.md)

# A page's headings as links spell them.
headings()
{
    sed -n 's/^##* //p' "$1" | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9_\n-'
}

# Links to files and their headings, and what is in backquotes with a folder of ours in front.
for page in "${documents[@]}"; do
    while IFS= read -r target; do
        check "$page leads to $target" test -e "$(dirname "$page")/$target"
    done < <(grep -oE '\]\([^)#]+' "$page" | sed 's/^](//' | grep -v '^[a-z]*:')
    while IFS='#' read -r target heading; do
        check "$page leads to a heading, $target#$heading" grep -qx -- "$heading" <(headings "$(dirname "$page")/$target")
    done < <(grep -oE '\]\([^)#:]+#[^)]+' "$page" | sed 's/^](//')
    while IFS= read -r file; do
        check "$page names $file" test -e "$file"
    done < <(grep -oE '`(adapters|packaging|scripts|policies|docs|cmake|tests|shared|fusefs|netguard|auditd|cli|libfailcore)/[A-Za-z0-9_./-]+`' "$page" | tr -d '`' | grep -v NAME)
done
# The map of the house names its files with their folder, with a part of it, or by name alone.
find . -path ./build -prune -o -type f -print >"$work/files"
while IFS= read -r file; do
    check "docs/ARCHITECTURE.md names $file" grep -q -- "/$file$" "$work/files"
done < <(grep -oE '[A-Za-z0-9_/-]+\.(c|h|py|sh)\b' docs/ARCHITECTURE.md | sort -u)
while IFS= read -r name; do
    check "there is a policy $name" test -f "policies/$name.yaml"
done < <(grep -ohE -- '--policy [a-z_-]+( |$)' "${documents[@]}" | cut -d ' ' -f 2 | sort -u)
