/*
 * The policy's limits: by which means each is kept in this run, and keeping them.
 *
 * A limit that this machine cannot keep at all stops the run before it starts; one that it can only
 * keep in a weaker way (rlimits: per process, not per run) is kept that way, said so in START, and
 * refused with --strict.
 */
#ifndef FAILCORE_CLI_RUN_LIMITS_H
#define FAILCORE_CLI_RUN_LIMITS_H

#include "shared/base/failure.h"
#include "shared/base/text_buffer.h"
#include "shared/confine/cgroup.h"
#include "shared/policy/run_settings.h"

enum limit_means {
    MEANS_NOT_ASKED = 0,
    MEANS_SUPERVISOR, /* clocks and counters of ours */
    MEANS_MOUNT,      /* the mount's server counts */
    MEANS_CGROUP_V2,
    MEANS_CGROUP_V1,
    MEANS_RLIMIT,
};

struct run_limits {
    uint64_t values[RUN_LIMIT_COUNT]; /* RUN_LIMIT_NONE: not asked */
    enum limit_means means[RUN_LIMIT_COUNT];
    struct cgroup cgroup;
};

/* -EOPNOTSUPP with the key's file:line:column. Makes the run's group when one is needed. */
int limits_prepare(const struct policy *policy, const char *run, bool strict,
                   struct run_limits *ret_limits, struct failure *reterr);
void limits_release(struct run_limits *limits);

/* By the workload, for itself: what rlimits keep. */
int limits_apply_to_self(const struct run_limits *limits);

/* "supervisor", "cgroup-v1", ... */
const char *limit_means_word(enum limit_means means);
/* "wall_time":"supervisor","memory":"cgroup-v1" */
void limits_print(struct text_buffer *text, const struct run_limits *limits);

/* The limit that the run's group has passed by now; RUN_LIMIT_COUNT: none. */
enum run_limit limits_passed(const struct run_limits *limits);

#endif
