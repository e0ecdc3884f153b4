#include "shared/audit/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

#define SOCKET_SUFFIX ".writer"

int audit_directory_default(char ret_path[static PATH_MAX], struct failure *reterr)
{
    const char *state = secure_getenv("XDG_STATE_HOME");
    const char *home = secure_getenv("HOME");
    int length;

    if (geteuid() == 0) {
        length = snprintf(ret_path, PATH_MAX, "/var/log/failcore");
    } else if (state != NULL && state[0] == '/') {
        length = snprintf(ret_path, PATH_MAX, "%s/failcore/audit", state);
    } else if (home != NULL && home[0] == '/') {
        length = snprintf(ret_path, PATH_MAX, "%s/.local/state/failcore/audit", home);
    } else {
        failure_set_mend(reterr, "name a directory with --audit DIR, or set HOME");
        return failure_set(reterr, -ENOENT, "no place for the audit log: HOME is not set");
    }
    if (length < 0 || length >= PATH_MAX) {
        return failure_set(reterr, -ENAMETOOLONG, "the default audit directory's name is too long");
    }
    return 0;
}

/* mkdir -p; directories made here are 0700. */
static int make_parents(const char *path, struct failure *reterr)
{
    AUTO_FREE char *copy = strdup(path);

    if (copy == NULL) {
        return failure_set(reterr, -ENOMEM, "no memory");
    }
    for (char *slash = strchr(copy + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL) {
            *slash = '\0';
        }
        if (mkdir(copy, 0700) < 0 && errno != EEXIST) {
            int error = -errno;

            failure_set_mend(reterr, "choose a directory that you can write with --audit DIR");
            return failure_set(reterr, error, "cannot make the audit directory %s: %s", copy,
                               strerror(-error));
        }
        if (slash == NULL) {
            return 0;
        }
        *slash = '/';
    }
}

/* `fd` is borrowed. */
static int hold_to_rules(int fd, const char *path, struct failure *reterr)
{
    struct stat status;

    if (fstat(fd, &status) < 0) {
        return failure_set(reterr, -errno, "cannot look at %s: %s", path, strerror(errno));
    }
    if (status.st_uid != geteuid() && geteuid() != 0) {
        failure_set_mend(reterr, "choose a directory of your own with --audit DIR");
        return failure_set(reterr, -EACCES, "the audit directory %s belongs to another user", path);
    }
    if ((status.st_mode & 07777) != 0700 && fchmod(fd, 0700) < 0) {
        return failure_set(reterr, -errno, "cannot set the mode of %s to 0700: %s", path,
                           strerror(errno));
    }
    return 0;
}

static int open_canonical(const char *path, char ret_path[static PATH_MAX], struct failure *reterr)
{
    AUTO_CLOSE int fd = -1;

    if (realpath(path, ret_path) == NULL ||
        (fd = open(ret_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
        failure_set_mend(reterr, "name an audit directory with --audit DIR");
        return failure_set(reterr, -errno, "cannot open the audit directory %s: %s", path,
                           strerror(errno));
    }
    return take_fd(&fd);
}

int audit_directory_make(const char *directory, char ret_path[static PATH_MAX],
                         struct failure *reterr)
{
    char standard[PATH_MAX];
    AUTO_CLOSE int fd = -1;
    int error = 0;

    if (directory == NULL) {
        error = audit_directory_default(standard, reterr);
        directory = standard;
    }
    if (error == 0) {
        error = make_parents(directory, reterr);
    }
    if (error < 0) {
        return error;
    }
    fd = open_canonical(directory, ret_path, reterr);
    if (fd < 0) {
        return take_fd(&fd);
    }
    error = hold_to_rules(fd, ret_path, reterr);
    return error < 0 ? error : take_fd(&fd);
}

int audit_directory_open(const char *directory, char ret_path[static PATH_MAX],
                         struct failure *reterr)
{
    char standard[PATH_MAX];

    if (directory == NULL) {
        int error = audit_directory_default(standard, reterr);

        if (error < 0) {
            return error;
        }
        directory = standard;
    }
    return open_canonical(directory, ret_path, reterr);
}

int audit_socket_path(const char *path, char ret_path[static PATH_MAX])
{
    int length = snprintf(ret_path, PATH_MAX, "%s" SOCKET_SUFFIX, path);

    return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int audit_socket_address(const char *path, struct sockaddr_un *ret_address, int *ret_parent)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO_CLOSE int parent = -1;
    char socket_path[PATH_MAX];
    char *name;
    int length = audit_socket_path(path, socket_path);

    if (length < 0) {
        return length;
    }
    length = snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
    if (length >= (int)sizeof(address.sun_path)) {
        name = strrchr(socket_path, '/');
        *name = '\0';
        parent = open(socket_path[0] == '\0' ? "/" : socket_path, O_PATH | O_CLOEXEC);
        if (parent < 0) {
            return -errno;
        }
        length = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", parent,
                          name + 1);
        if (length >= (int)sizeof(address.sun_path)) {
            return -ENAMETOOLONG;
        }
    }
    *ret_address = address;
    *ret_parent = take_fd(&parent);
    return 0;
}
