#include "shared/base/program_path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The directory of the running executable. */
static int own_directory(char path[static PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    char *slash;

    if (length < 0) {
        return -errno;
    }
    path[length] = '\0';
    slash = strrchr(path, '/');
    if (slash == NULL) {
        return -ENOENT;
    }
    *slash = '\0';
    return 0;
}

static int join(char path[static PATH_MAX], const char *directory, const char *name)
{
    int length = snprintf(path, PATH_MAX, "%s/%s", directory, name);

    return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int program_path_sibling(const char *name, char ret_path[static PATH_MAX])
{
    char directory[PATH_MAX];
    int error = own_directory(directory);

    if (error == 0) {
        error = join(ret_path, directory, name);
        if (error == 0 && access(ret_path, X_OK) == 0) {
            return 0;
        }
    }
    error = join(ret_path, FAILCORE_LIBEXEC, name);
    if (error < 0) {
        return error;
    }
    return access(ret_path, X_OK) == 0 ? 0 : -ENOENT;
}

int program_path_data(char ret_path[static PATH_MAX])
{
    char directory[PATH_MAX];
    char marker[PATH_MAX];
    int error = own_directory(directory);

    /* A build tree is CHECKOUT/build/PRESET/bin. */
    if (error == 0 && join(ret_path, directory, "../../..") == 0 &&
        join(marker, ret_path, "policies/deny_all.yaml") == 0 && access(marker, R_OK) == 0) {
        return 0;
    }
    return snprintf(ret_path, PATH_MAX, "%s", FAILCORE_DATADIR) >= PATH_MAX ? -ENAMETOOLONG : 0;
}
