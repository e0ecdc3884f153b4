/*
 * What the policy's `sandbox` section adds to the view: trees to read, trees to write, sockets.
 *
 * Each is checked when the run is planned: it exists, it is none of the places that a run may never
 * have (protected_places.h), it does not cover the run's own, and a tree holds no socket and no
 * FIFO, since a read-only bind stops neither connect() nor a write (SR6). A socket comes in only by
 * its own name.
 * Opened once: the checks are made of what was opened, and what is bound later has to be that same
 * file or directory.
 * Errors: negative errno, with *reterr filled.
 */
#ifndef FAILCORE_CLI_RUN_EXTRA_BINDS_H
#define FAILCORE_CLI_RUN_EXTRA_BINDS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/run/options.h"
#include "shared/base/failure.h"
#include "shared/policy/run_settings.h"

struct extra_bind {
    char *path;   /* in the view, as the policy has it */
    char *source; /* the same without links, for messages and to open it again in the run's
                     namespace */
    int fd;       /* O_PATH: what was checked, and nothing else is bound */
    enum run_list kind;
    bool directory;
};

struct extra_binds {
    struct extra_bind *items;
    size_t count;
};

int extra_binds_choose(const struct policy *policy, const struct run_options *options,
                       struct extra_binds *ret_binds, struct failure *reterr);
/* A descriptor of it as this process's mounts show it; -ESTALE: another one is there by now. */
int extra_bind_open(const struct extra_bind *bind);
void extra_binds_clear(struct extra_binds *binds);

#endif
