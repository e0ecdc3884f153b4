#include "cli/run/extra_binds.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/run/protected_places.h"
#include "cli/run/view.h"

#define SCAN_MAX 2000000 /* entries; more than that is refused, not half looked at */

static int refuse(struct failure *reterr, int error, const char *path, const char *why)
{
    failure_set(reterr, error, "sandbox: %s cannot be bound in: %s", path, why);
    failure_set_mend(reterr, "name a narrower directory");
    return error;
}

static int scan(const char *path, struct failure *reterr)
{
    char *const roots[] = {(char *)(uintptr_t)path, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    size_t seen = 0;
    int error = 0;

    if (walk == NULL) {
        return refuse(reterr, -errno, path, strerror(errno));
    }
    while (error == 0 && (entry = fts_read(walk)) != NULL) {
        if (entry->fts_info == FTS_DEFAULT &&
            (S_ISSOCK(entry->fts_statp->st_mode) || S_ISFIFO(entry->fts_statp->st_mode))) {
            error = refuse(reterr, -EACCES, entry->fts_path,
                           "a socket or FIFO: a bind of its directory would open it");
        } else if (++seen > SCAN_MAX) {
            error = refuse(reterr, -E2BIG, path, "too many files to look at");
        }
    }
    fts_close(walk);
    return error;
}

static int check(struct extra_bind *bind, const struct run_options *options, struct failure *reterr)
{
    struct stat found;
    int error = view_check_mount_path(bind->path, reterr);

    if (error < 0) {
        return error;
    }
    if (stat(bind->source, &found) < 0) {
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
    error = protected_places_check(bind->source, bind->source, options, reterr);
    return error < 0 || !bind->directory ? error : scan(bind->source, reterr);
}

static int add(struct extra_binds *binds, struct str_view text, enum run_list kind,
               const struct run_options *options, struct failure *reterr)
{
    struct extra_bind *grown = reallocarray(binds->items, binds->count + 1, sizeof(*binds->items));
    struct extra_bind *bind;

    if (grown == NULL) {
        return failure_set(reterr, -ENOMEM, "out of memory");
    }
    binds->items = grown;
    bind = &binds->items[binds->count];
    *bind = (struct extra_bind){.kind = kind};
    bind->path = strndup(text.bytes, text.length);
    if (bind->path == NULL) {
        return failure_set(reterr, -ENOMEM, "out of memory");
    }
    binds->count++;
    bind->source = realpath(bind->path, NULL);
    if (bind->source == NULL) {
        return refuse(reterr, -errno, bind->path, strerror(errno));
    }
    return check(bind, options, reterr);
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
    }
    free(binds->items);
    *binds = (struct extra_binds){0};
}
