/* The scripts of cli/completion/failcore.*, in the program itself (embed.cmake writes them). */
#ifndef FAILCORE_CLI_COMPLETION_SCRIPTS_H
#define FAILCORE_CLI_COMPLETION_SCRIPTS_H

#include <stddef.h>

struct completion_script {
    const char *shell;
    const unsigned char *text;
    size_t length;
};

extern const struct completion_script completion_scripts[];
extern const size_t completion_script_count;

#endif
