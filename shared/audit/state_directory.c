#include "shared/audit/state_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int format_path(const char *name, char path[static PATH_MAX])
{
    const char *chosen = secure_getenv("FAILCORE_STATE");
    const char *state = secure_getenv("XDG_STATE_HOME");
    const char *home = secure_getenv("HOME");
    int length;

    if (chosen != NULL && chosen[0] == '/') {
        length = snprintf(path, PATH_MAX, "%s/%s", chosen, name);
    } else if (geteuid() == 0) {
        length = snprintf(path, PATH_MAX, "/var/lib/failcore/%s", name);
    } else if (state != NULL && state[0] == '/') {
        length = snprintf(path, PATH_MAX, "%s/failcore/%s", state, name);
    } else if (home != NULL && home[0] == '/') {
        length = snprintf(path, PATH_MAX, "%s/.local/state/failcore/%s", home, name);
    } else {
        return -ENOENT;
    }
    return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int make_all(char *path)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL) {
            *slash = '\0';
        }
        if (mkdir(path, 0700) < 0 && errno != EEXIST) {
            return -errno;
        }
        if (slash == NULL) {
            return 0;
        }
        *slash = '/';
    }
}

int state_directory_open(const char *name, bool make, char ret_path[static PATH_MAX],
                         struct failure *reterr)
{
    int error = format_path(name, ret_path);
    int fd = -1;

    if (error == 0 && make) {
        error = make_all(ret_path);
    }
    if (error == 0) {
        fd = open(ret_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        error = fd < 0 ? -errno : 0;
    }
    if (error < 0) {
        failure_set_mend(reterr, "set HOME, or make the directory writable for this user");
        return failure_set(reterr, error, "cannot use the directory for %s: %s", name,
                           strerror(-error));
    }
    return fd;
}
