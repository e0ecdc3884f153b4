#include "cli/run/runtime_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

int runtime_directory_path(char ret_path[static PATH_MAX], struct failure *reterr)
{
    const char *session = getenv("XDG_RUNTIME_DIR");
    int length;

    if (geteuid() == 0) {
        length = snprintf(ret_path, PATH_MAX, "/run/failcore");
    } else if (session != NULL && session[0] == '/') {
        length = snprintf(ret_path, PATH_MAX, "%s/failcore", session);
    } else {
        length = snprintf(ret_path, PATH_MAX, "/tmp/failcore-%u", geteuid());
    }
    if (length < 0 || length >= PATH_MAX) {
        return failure_set(reterr, -ENAMETOOLONG, "the path of the run-time directory is too long");
    }
    return 0;
}

static int make_and_open(int parent, const char *path)
{
    AUTO_CLOSE int fd = -1;
    struct stat found;

    if (mkdirat(parent, path, 0700) < 0 && errno != EEXIST) {
        return -errno;
    }
    fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &found) < 0) {
        return -errno;
    }
    /* Somebody else may have made it first, in /tmp. */
    if (found.st_uid != geteuid() || (found.st_mode & 022) != 0) {
        return -EPERM;
    }
    return take_fd(&fd);
}

int runtime_directory_open(struct failure *reterr)
{
    char path[PATH_MAX];
    int fd = runtime_directory_path(path, reterr);

    if (fd < 0) {
        return fd;
    }
    fd = make_and_open(AT_FDCWD, path);
    if (fd < 0) {
        failure_set(reterr, fd, "cannot use the run-time directory %s: %s", path, strerror(-fd));
        failure_set_mend(reterr, "it must belong to you and nobody else may write it");
    }
    return fd;
}

int runtime_directory_add_run(int runtime, const char *id)
{
    AUTO_CLOSE int runs = make_and_open(runtime, "runs");
    int run;

    if (runs < 0) {
        return runs;
    }
    if (mkdirat(runs, id, 0700) < 0) {
        return -errno;
    }
    run = openat(runs, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return run < 0 ? -errno : run;
}

void runtime_directory_remove_run(int runtime, const char *id)
{
    char path[64];
    static const char *const files[] = {"run.json", "control", "control.new", "breaker",
                                        "breaker.new"};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "runs/%s/%s", id, files[i]);
        (void)unlinkat(runtime, path, 0);
    }
    snprintf(path, sizeof(path), "runs/%s", id);
    (void)unlinkat(runtime, path, AT_REMOVEDIR);
}
