/*
 * Process rules (SECURITY-RULES SR8): a denied executable of the machine cannot be read in the
 * run's view, since a loader, a copy or an interpreter would defeat a denial of execve alone. All
 * names of one file share its verdict: a deny of any of them denies it, else an allow of any allows
 * it.
 *
 * With `default: deny` everything that no rule allows is covered, what the run can write is mounted
 * noexec, and memory files can only be made non-executable. Libraries and the ELF loader stay.
 * Errors: negative errno, with *reterr filled.
 */
#ifndef FAILCORE_CLI_RUN_EXECUTABLES_H
#define FAILCORE_CLI_RUN_EXECUTABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/failure.h"
#include "shared/policy/policy.h"

struct executables {
    char **covered; /* paths of files, below /usr or another system directory; owned */
    size_t count;
    bool allow_list; /* process.default: deny */
};

int executables_choose(const struct policy *policy, struct executables *ret_executables,
                       struct failure *reterr);
/* The same verdict for one path, by the names that the path itself shows: as given, where it leads,
 * and each with and without /usr. */
struct decision executables_decide(const struct policy *policy, const char *path);

void executables_clear(struct executables *executables);

#endif
