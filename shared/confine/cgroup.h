/*
 * A control group for one run (kernel: admin-guide/cgroup-v2.rst, cgroup-v1/): what its processes
 * may use together, however many they are.
 *
 * Each controller by version 2 where it can be had there, by version 1 where the machine has only
 * that, not at all where neither can be written: the caller then falls back on rlimits and says so.
 *
 * Version 2 gives controllers only to groups below one that has no processes of its own. So where
 * this process is alone in a group that was delegated to it (systemd-run --scope -p Delegate=yes),
 * it moves into a group beside the run's first: the daemons that it starts are then limited by
 * nothing that limits the run.
 * Errors: negative errno.
 */
#ifndef FAILCORE_CONFINE_CGROUP_H
#define FAILCORE_CONFINE_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum cgroup_controller { CGROUP_MEMORY = 0, CGROUP_PIDS, CGROUP_CPU, CGROUP_CPUACCT };
#define CGROUP_CONTROLLERS 4

#define CGROUP_NO_LIMIT UINT64_MAX

struct cgroup {
    /* 0: not to be had, else 1 or 2 and the group's directory. */
    int versions[CGROUP_CONTROLLERS];
    char paths[CGROUP_CONTROLLERS][PATH_MAX];
};

/*
 * Makes a group called `name` below this process's own ones, for the wanted controllers
 * (1 << enum cgroup_controller). A controller that cannot be had has version 0 in the result.
 */
void cgroup_make(const char *name, unsigned int wanted, struct cgroup *ret_cgroup);
bool cgroup_has(const struct cgroup *cgroup, enum cgroup_controller controller);

int cgroup_limit_memory(const struct cgroup *cgroup, uint64_t bytes); /* and no swap beside it */
int cgroup_limit_pids(const struct cgroup *cgroup, uint64_t count);
int cgroup_limit_cpu(const struct cgroup *cgroup, uint64_t percent);

int cgroup_add(const struct cgroup *cgroup, pid_t pid);
/* Nanoseconds that all its processes used; 0 when it is not counted. */
uint64_t cgroup_cpu_ns(const struct cgroup *cgroup);
/* How often the kernel killed in it for memory, or refused a fork for pids. */
uint64_t cgroup_memory_kills(const struct cgroup *cgroup);
uint64_t cgroup_pids_refused(const struct cgroup *cgroup);
/* Its processes are gone. */
void cgroup_remove(struct cgroup *cgroup);

#endif
