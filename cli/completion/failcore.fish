# fish completion for failcore, failcore-mount and failcore-netns.
# The programs answer for themselves: failcore completion --answer -- PROGRAM WORD...

function __failcore_answers
    set -l words (commandline -opc) (commandline -ct)
    for line in (command failcore completion --answer -- $words 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (commandline -ct)
            case :directories
                __fish_complete_directories (commandline -ct)
            case ':command *'
                set -l first (math (string replace ':command ' '' -- $line) + 1)
                complete -C (string join ' ' -- (string escape -- $words[$first..-2]) $words[-1])
            case '*'
                echo $line
        end
    end
end

for program in failcore failcore-mount failcore-netns
    complete -c $program -f -a '(__failcore_answers)'
end
