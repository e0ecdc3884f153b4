#include "cli/run/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/run/test_hooks.h"

/* How each limit can be kept, best first. */
static const struct {
    enum limit_means without_cgroup; /* MEANS_NOT_ASKED: not at all */
    bool by_cgroup;
    enum cgroup_controller controller;
} ways[RUN_LIMIT_COUNT] = {
    [RUN_LIMIT_WALL_TIME] = {.without_cgroup = MEANS_SUPERVISOR},
    [RUN_LIMIT_CPU_TIME] = {MEANS_RLIMIT, true, CGROUP_CPUACCT},
    [RUN_LIMIT_CPU] = {MEANS_NOT_ASKED, true, CGROUP_CPU},
    [RUN_LIMIT_MEMORY] = {MEANS_RLIMIT, true, CGROUP_MEMORY},
    [RUN_LIMIT_PROCESSES] = {MEANS_RLIMIT, true, CGROUP_PIDS},
    [RUN_LIMIT_FILE_SIZE] = {.without_cgroup = MEANS_RLIMIT},
    [RUN_LIMIT_DISK] = {.without_cgroup = MEANS_MOUNT},
    [RUN_LIMIT_OUTPUT_BYTES] = {.without_cgroup = MEANS_SUPERVISOR},
};

static bool asked(const struct run_limits *limits, enum run_limit limit)
{
    return limits->values[limit] != RUN_LIMIT_NONE;
}

static int refuse(const struct policy *policy, enum run_limit limit, const char *why,
                  const char *mend, struct failure *reterr)
{
    char origin[512];

    failure_set(reterr, -EOPNOTSUPP, "limits.%s cannot be kept here: %s", run_limit_word(limit),
                why);
    if (policy_run_limit_origin(policy, limit, origin, sizeof(origin))) {
        failure_set_needed(reterr, "%s", origin);
    }
    failure_set_mend(reterr, "%s", mend);
    return -EOPNOTSUPP;
}

static void make_group(const char *run, struct run_limits *limits)
{
    unsigned int wanted = 0;
    char name[64];

    for (enum run_limit limit = 0; limit < RUN_LIMIT_COUNT; limit++) {
        if (asked(limits, limit) && ways[limit].by_cgroup) {
            wanted |= 1U << ways[limit].controller;
        }
    }
    snprintf(name, sizeof(name), "failcore-%s", run);
    cgroup_make(name, layer_is_off("cgroup") ? 0 : wanted, &limits->cgroup);
}

static int write_group(const struct run_limits *limits)
{
    const struct cgroup *cgroup = &limits->cgroup;
    int error = 0;

    if (asked(limits, RUN_LIMIT_MEMORY) && cgroup_has(cgroup, CGROUP_MEMORY)) {
        error = cgroup_limit_memory(cgroup, limits->values[RUN_LIMIT_MEMORY]);
    }
    if (error == 0 && asked(limits, RUN_LIMIT_PROCESSES) && cgroup_has(cgroup, CGROUP_PIDS)) {
        /* Our own first process is in the group, and the one that made it for a moment. */
        error = cgroup_limit_pids(cgroup, limits->values[RUN_LIMIT_PROCESSES] + 1);
    }
    if (error == 0 && asked(limits, RUN_LIMIT_CPU) && cgroup_has(cgroup, CGROUP_CPU)) {
        error = cgroup_limit_cpu(cgroup, limits->values[RUN_LIMIT_CPU]);
    }
    return error;
}

static int choose_means(const struct policy *policy, bool strict, struct run_limits *limits,
                        struct failure *reterr)
{
    for (enum run_limit limit = 0; limit < RUN_LIMIT_COUNT; limit++) {
        enum limit_means means = ways[limit].without_cgroup;

        if (!asked(limits, limit)) {
            continue;
        }
        if (ways[limit].by_cgroup && cgroup_has(&limits->cgroup, ways[limit].controller)) {
            means = limits->cgroup.versions[ways[limit].controller] == 2 ? MEANS_CGROUP_V2
                                                                         : MEANS_CGROUP_V1;
        }
        if (means == MEANS_NOT_ASKED) {
            return refuse(policy, limit, "no control group can be written",
                          "systemd-run --user --scope -p Delegate=yes -- failcore run ...", reterr);
        }
        if (strict && means == MEANS_RLIMIT && limit != RUN_LIMIT_FILE_SIZE) {
            return refuse(policy, limit,
                          "only as a limit per process, which --strict does not accept",
                          "systemd-run --user --scope -p Delegate=yes -- failcore run ...", reterr);
        }
        limits->means[limit] = means;
    }
    return 0;
}

int limits_prepare(const struct policy *policy, const char *run, bool strict,
                   struct run_limits *ret_limits, struct failure *reterr)
{
    const struct run_settings settings = policy_run_settings(policy);
    int error;

    *ret_limits = (struct run_limits){0};
    memcpy(ret_limits->values, settings.limits, sizeof(ret_limits->values));
    make_group(run, ret_limits);
    error = choose_means(policy, strict, ret_limits, reterr);
    if (error == 0) {
        error = write_group(ret_limits);
        if (error < 0) {
            failure_set(reterr, error, "cannot write the run's control group: %s",
                        strerror(-error));
        }
    }
    if (error < 0) {
        limits_release(ret_limits);
    }
    return error;
}

void limits_release(struct run_limits *limits)
{
    cgroup_remove(&limits->cgroup);
}

static int set_limit(__rlimit_resource_t resource, uint64_t value)
{
    struct rlimit now;
    struct rlimit wanted = {.rlim_cur = value, .rlim_max = value};

    if (getrlimit(resource, &now) < 0) {
        return -errno;
    }
    if (now.rlim_max < value) {
        return 0; /* narrower already */
    }
    return setrlimit(resource, &wanted) < 0 ? -errno : 0;
}

/*
 * No core file, and no program of the machine's core_pattern, which would run outside with the
 * workload's memory: the kernel asks it even where the limit is zero, but not where it is one
 * (core(5)). The system call filter keeps it at one.
 */
static int forbid_core(void)
{
    return set_limit(RLIMIT_CORE, 1);
}

int limits_apply_to_self(const struct run_limits *limits)
{
    int error = forbid_core();

    if (error == 0 && limits->means[RUN_LIMIT_FILE_SIZE] == MEANS_RLIMIT) {
        error = set_limit(RLIMIT_FSIZE, limits->values[RUN_LIMIT_FILE_SIZE]);
    }
    if (error == 0 && limits->means[RUN_LIMIT_MEMORY] == MEANS_RLIMIT) {
        error = set_limit(RLIMIT_AS, limits->values[RUN_LIMIT_MEMORY]);
    }
    if (error == 0 && limits->means[RUN_LIMIT_CPU_TIME] == MEANS_RLIMIT) {
        error = set_limit(RLIMIT_CPU, (limits->values[RUN_LIMIT_CPU_TIME] + 999) / 1000);
    }
    /* Counted in the workload's own user namespace: other processes of the user do not count. */
    if (error == 0 && limits->means[RUN_LIMIT_PROCESSES] == MEANS_RLIMIT) {
        error = set_limit(RLIMIT_NPROC, limits->values[RUN_LIMIT_PROCESSES]);
    }
    return error;
}

const char *limit_means_word(enum limit_means means)
{
    switch (means) {
    case MEANS_SUPERVISOR:
        return "supervisor";
    case MEANS_MOUNT:
        return "mount";
    case MEANS_CGROUP_V2:
        return "cgroup-v2";
    case MEANS_CGROUP_V1:
        return "cgroup-v1";
    case MEANS_RLIMIT:
        return "rlimit";
    case MEANS_NOT_ASKED:
        break;
    }
    return "none";
}

void limits_print(struct text_buffer *text, const struct run_limits *limits)
{
    const char *separator = "";

    for (enum run_limit limit = 0; limit < RUN_LIMIT_COUNT; limit++) {
        if (limits->means[limit] != MEANS_NOT_ASKED) {
            text_buffer_printf(text, "%s\"%s\":\"%s\"", separator, run_limit_word(limit),
                               limit_means_word(limits->means[limit]));
            separator = ",";
        }
    }
}

enum run_limit limits_passed(const struct run_limits *limits)
{
    const uint64_t cpu_ms = limits->values[RUN_LIMIT_CPU_TIME];

    if (cgroup_has(&limits->cgroup, CGROUP_MEMORY) && cgroup_memory_kills(&limits->cgroup) > 0) {
        return RUN_LIMIT_MEMORY;
    }
    if (cpu_ms != RUN_LIMIT_NONE && cgroup_has(&limits->cgroup, CGROUP_CPUACCT) &&
        cgroup_cpu_ns(&limits->cgroup) / 1000000 >= cpu_ms) {
        return RUN_LIMIT_CPU_TIME;
    }
    if (cgroup_has(&limits->cgroup, CGROUP_PIDS) && cgroup_pids_refused(&limits->cgroup) > 0) {
        return RUN_LIMIT_PROCESSES;
    }
    return RUN_LIMIT_COUNT;
}
