# bash completion for failcore, failcore-mount and failcore-netns            -*- shell-script -*-
# The programs answer for themselves: failcore completion --answer -- PROGRAM WORD...

_failcore()
{
    local words=() joining='' word line current i
    # bash splits --option=value into three words; the programs see one.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = && ${#words[@]} -gt 0 ]]; then
            words[${#words[@]} - 1]+='='
            joining=yes
        elif [[ -n $joining ]]; then
            words[${#words[@]} - 1]+=$word
            joining=''
        else
            words+=("$word")
        fi
    done
    current=${words[${#words[@]} - 1]}
    [[ $current == --*=* ]] && current=${current#*=}
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            :files | :directories)
                compopt -o filenames 2>/dev/null
                [[ $line == :files ]] && i=-f || i=-d
                while IFS= read -r word; do
                    COMPREPLY+=("$word")
                done < <(compgen "$i" -- "$current")
                ;;
            ':command '*)
                # Words that bash split before the command move its place.
                i=$((${line#:command } + COMP_CWORD + 1 - ${#words[@]}))
                if declare -F _command_offset >/dev/null; then
                    _command_offset "$i"
                elif ((i == COMP_CWORD)); then
                    mapfile -t COMPREPLY < <(compgen -c -- "$current")
                else
                    mapfile -t COMPREPLY < <(compgen -f -- "$current")
                fi
                return
                ;;
            *)
                word=${line%%$'\t'*}
                [[ $word == --*=* ]] && word=${word#*=}
                COMPREPLY+=("$word")
                ;;
        esac
    done < <(command failcore completion --answer -- "${words[@]}" 2>/dev/null)
}

complete -F _failcore failcore failcore-mount failcore-netns
