#compdef failcore failcore-mount failcore-netns
# zsh completion for failcore, failcore-mount and failcore-netns.
# The programs answer for themselves: failcore completion --answer -- PROGRAM WORD...

_failcore() {
    local line word
    local -a answers described
    answers=("${(@f)$(command failcore completion --answer -- "${(@)words[1,CURRENT]}" 2>/dev/null)}")
    for line in "${answers[@]}"; do
        case $line in
            :files) _files ;;
            :directories) _files -/ ;;
            ':command '*)
                local before=${line#:command }
                shift $before words
                ((CURRENT -= before))
                _normal
                return
                ;;
            '') ;;
            *$'\t'*)
                word=${line%%$'\t'*}
                described+=("${word//:/\\:}:${line#*$'\t'}")
                ;;
            *) described+=("${line//:/\\:}") ;;
        esac
    done
    ((${#described})) && _describe -V failcore described
}

if [ "$funcstack[1]" = _failcore ]; then
    _failcore "$@"
elif (($+functions[compdef])); then
    compdef _failcore failcore failcore-mount failcore-netns
fi
