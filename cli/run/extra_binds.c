#include "cli/run/extra_binds.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/run/protected_places.h"
#include "cli/run/view.h"
#include "shared/base/cleanup.h"

#define SCAN_MAX 2000000 /* entries; more than that is refused, not half looked at */

static int refuse(struct failure *reterr, int error, const char *path, const char *why)
{
    failure_set(reterr, error, "sandbox: %s cannot be bound in: %s", path, why);
    failure_set_mend(reterr, "name a narrower directory");
    return error;
}

/* `tree` is what was opened, `path` its name for people. */
static int scan(int tree, const char *path, struct failure *reterr)
{
    char handle[40];
    char *const roots[] = {handle, NULL};
    FTS *walk;
    FTSENT *entry;
    size_t seen = 0;
    int error = 0;

    snprintf(handle, sizeof(handle), "/proc/self/fd/%d/.", tree);
    walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (walk == NULL) {
        return refuse(reterr, -errno, path, strerror(errno));
    }
    while (error == 0 && (entry = fts_read(walk)) != NULL) {
        if (entry->fts_info == FTS_DEFAULT &&
            (S_ISSOCK(entry->fts_statp->st_mode) || S_ISFIFO(entry->fts_statp->st_mode))) {
            failure_set_needed(reterr, "%s%s is a socket or FIFO", path,
                               entry->fts_path + strlen(handle));
            error = refuse(reterr, -EACCES, path, "a bind would open the socket or FIFO in it");
        } else if (++seen > SCAN_MAX) {
            error = refuse(reterr, -E2BIG, path, "too many files to look at");
        }
    }
    fts_close(walk);
    return error;
}

static int check(struct extra_bind *bind, const struct run_options *options, struct failure *reterr)
{
    char handle[32];
    struct stat found;
    const bool asked_of_sys = bind->kind == RUN_READ_ONLY && view_is_machine_state(bind->path) &&
                              view_is_machine_state(bind->source);
    int error = asked_of_sys ? 0 : view_check_mount_path(bind->path, reterr);

    if (error < 0) {
        return error;
    }
    if (fstat(bind->fd, &found) < 0) {
        return refuse(reterr, -errno, bind->path, strerror(errno));
    }
    bind->directory = S_ISDIR(found.st_mode);
    if (bind->kind == RUN_SOCKETS) {
        return S_ISSOCK(found.st_mode) ? 0 : refuse(reterr, -EINVAL, bind->path, "no socket");
    }
    if (!bind->directory && !S_ISREG(found.st_mode)) {
        return refuse(reterr, -EINVAL, bind->path, "neither a directory nor a file");
    }
    if (strcmp(bind->source, "/") == 0) {
        return refuse(reterr, -EACCES, bind->path, "that is the whole machine");
    }
    snprintf(handle, sizeof(handle), "/proc/self/fd/%d", bind->fd);
    error = protected_places_check(bind->source, bind->directory ? handle : bind->source, options,
                                   reterr);
    return error < 0 || !bind->directory ? error : scan(bind->fd, bind->source, reterr);
}

/* Without links: where the descriptor leads. */
static int open_source(struct extra_bind *bind)
{
    char handle[32];
    char path[PATH_MAX];
    ssize_t length;

    bind->fd = open(bind->path, O_PATH | O_CLOEXEC);
    if (bind->fd < 0) {
        return -errno;
    }
    snprintf(handle, sizeof(handle), "/proc/self/fd/%d", bind->fd);
    length = readlink(handle, path, sizeof(path) - 1);
    if (length < 0 || length == (ssize_t)sizeof(path) - 1) {
        return length < 0 ? -errno : -ENAMETOOLONG;
    }
    path[length] = '\0';
    bind->source = strdup(path);
    return bind->source == NULL ? -ENOMEM : 0;
}

int extra_bind_open(const struct extra_bind *bind)
{
    AUTO_CLOSE int fd = open(bind->source, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat checked;
    struct stat found;

    if (fd < 0 || fstat(fd, &found) < 0 || fstat(bind->fd, &checked) < 0) {
        return -errno;
    }
    /* The one that was checked is open still: its number is nobody else's. */
    return found.st_dev == checked.st_dev && found.st_ino == checked.st_ino ? take_fd(&fd)
                                                                            : -ESTALE;
}

static int add(struct extra_binds *binds, struct str_view text, enum run_list kind,
               const struct run_options *options, struct failure *reterr)
{
    struct extra_bind *grown = reallocarray(binds->items, binds->count + 1, sizeof(*binds->items));
    struct extra_bind *bind;
    int error;

    if (grown == NULL) {
        return failure_set(reterr, -ENOMEM, "out of memory");
    }
    binds->items = grown;
    bind = &binds->items[binds->count];
    *bind = (struct extra_bind){.kind = kind, .fd = -1};
    bind->path = strndup(text.bytes, text.length);
    if (bind->path == NULL) {
        return failure_set(reterr, -ENOMEM, "out of memory");
    }
    binds->count++;
    error = open_source(bind);
    return error < 0 ? refuse(reterr, error, bind->path, strerror(-error))
                     : check(bind, options, reterr);
}

int extra_binds_choose(const struct policy *policy, const struct run_options *options,
                       struct extra_binds *ret_binds, struct failure *reterr)
{
    static const enum run_list kinds[] = {RUN_READ_ONLY, RUN_READ_WRITE, RUN_SOCKETS};
    struct extra_binds binds = {0};
    int error = 0;

    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        for (size_t i = 0; error == 0 && i < policy_run_list_count(policy, kinds[k]); i++) {
            error =
                add(&binds, policy_run_list_item(policy, kinds[k], i), kinds[k], options, reterr);
        }
    }
    if (error < 0) {
        extra_binds_clear(&binds);
        return error;
    }
    *ret_binds = binds;
    return 0;
}

void extra_binds_clear(struct extra_binds *binds)
{
    for (size_t i = 0; i < binds->count; i++) {
        free(binds->items[i].path);
        free(binds->items[i].source);
        close_fd(&binds->items[i].fd);
    }
    free(binds->items);
    *binds = (struct extra_binds){0};
}
