# Sourced after integration.sh by the tests that compare documents with the option tables.
#
# Gives: help_rows WORD... (the rows of shared/base/option_table.h), each_command FUNCTION (calls it
# once for each command line that has a table: FUNCTION failcore policy check).

help_rows()
{
    local program=$1
    shift
    FAILCORE_HELP=table "$bin/$program" "$@" --help
}

# each_command FUNCTION [WORD...]: below the given words; all programs when there are none.
each_command()
{
    local function=$1 kind name
    shift
    if [ $# = 0 ]; then
        for name in failcore failcore-mount failcore-netns; do
            each_command "$function" "$name"
        done
        return
    fi
    if [ "$(help_rows "$@" | head -n 1 | cut -f 1)" = verbs ]; then
        while IFS=$'\t' read -r kind name _; do
            # A verb that looks like an option is another name of one that does not.
            [ "$kind" = verb ] && [[ $name != -* ]] && each_command "$function" "$@" "$name"
        done < <(help_rows "$@")
        return
    fi
    "$function" "$@"
}
