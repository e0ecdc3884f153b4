#include "cli/run/command_path.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *environment_path(char *const *environment)
{
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, "PATH=", 5) == 0) {
            return *environment + 5;
        }
    }
    return "/usr/local/bin:/usr/bin:/bin";
}

void command_path(const struct run_plan *plan, char ret_path[static PATH_MAX])
{
    const char *name = plan->arguments[0];
    const char *path = environment_path(plan->environment);

    if (name[0] == '/') {
        snprintf(ret_path, PATH_MAX, "%s", name);
        return;
    }
    if (strchr(name, '/') != NULL) {
        if (snprintf(ret_path, PATH_MAX, "%s/%s", plan->mount_path, name) >= PATH_MAX) {
            ret_path[0] = '\0'; /* execve will refuse it, too */
        }
        return;
    }
    while (*path != '\0') {
        size_t length = strcspn(path, ":");
        int written = snprintf(ret_path, PATH_MAX, "%.*s/%s", (int)length, path, name);

        if (length > 0 && written < PATH_MAX && access(ret_path, X_OK) == 0) {
            return;
        }
        path += length;
        path += *path == ':' ? 1 : 0;
    }
    snprintf(ret_path, PATH_MAX, "%s", name);
}
