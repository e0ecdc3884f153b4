#include "cli/json_call.h"

#include <errno.h>
#include <string.h>

#include "shared/base/exit_codes.h"

enum { OPTION_JSON = 1, OPTION_HELP };
const struct option_row json_call_options[2] = {
    {OPTION_JSON, 0, "json", NULL, "JSON, for programs"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};

int json_call_scan(const struct command_table *command, int argc, char **argv, int least, int most,
                   struct json_call *ret_call)
{
    struct option_scan scan = option_scan_init(command, argc, argv);
    struct json_call call = {0};
    struct failure failure = {0};
    int id;

    while ((id = option_scan_next(&scan, &failure)) > 0) {
        if (id == OPTION_HELP) {
            command_table_print_help(stdout, command);
            return EXIT_CODE_OK;
        }
        call.json = true;
    }
    call.words = argv + scan.next;
    call.count = argc - scan.next;
    /* It reads naturally at the end as well. */
    if (call.count > 0 && strcmp(call.words[call.count - 1], "--json") == 0) {
        call.json = true;
        call.count--;
    }
    if (id == 0 && (call.count < least || call.count > most)) {
        id = failure_set(&failure, -EINVAL, "%s",
                         call.count < least ? "something is missing" : "too many words");
        failure_set_mend(&failure, "%s %s", command->name, command->synopsis);
    }
    if (id < 0) {
        failure_print(stderr, command->name, &failure);
        return EXIT_CODE_USAGE;
    }
    *ret_call = call;
    return JSON_CALL_GO_ON;
}
