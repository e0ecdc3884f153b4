/*
 * The layers of a run, one row each: what --plan prints and the START record lists. A row means
 * that the layer is in force in every run of its kind that starts; nothing degrades silently.
 */
#ifndef FAILCORE_CLI_RUN_LAYERS_H
#define FAILCORE_CLI_RUN_LAYERS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/run/plan.h"

enum layer_when {
    LAYER_ALWAYS = 0,
    LAYER_UNLESS_NESTED, /* they would make nested mounts fail (`sandbox.nested`) */
    LAYER_WITH_GUARD,
    LAYER_WITH_SCOPES, /* of Landlock, which this kernel has or not */
};

/* word, when, what it does */
#define LAYER_TABLE(ROW)                                                                           \
    ROW("mount", ALWAYS, "every file operation in the workspace is decided by failcore-mount")     \
    ROW("view", ALWAYS, "a root of names alone, others are recorded; read-only system trees")      \
    ROW("guard", WITH_GUARD, "every name, flow and packet is decided by failcore-netguard")        \
    ROW("namespaces", ALWAYS, "user, mount, pid, ipc, uts, cgroup and network of its own")         \
    ROW("worker-userns", ALWAYS, "the command's user namespace owns none of the others")           \
    ROW("no-capabilities", ALWAYS, "none, and none to be had: no_new_privs, empty bounding set")   \
    ROW("seccomp", ALWAYS, "calls of shared/confine/syscall_table.h refused; x32 and i386 end it") \
    ROW("no-nesting", UNLESS_NESTED, "no mount, root or namespace of the command's own making")    \
    ROW("proc-masks", UNLESS_NESTED, "what /proc tells of the machine is covered or read-only")    \
    ROW("exec-records", ALWAYS, "each program that is started is recorded before it begins")       \
    ROW("landlock", UNLESS_NESTED, "the view's writable trees once more, whatever is mounted")     \
    ROW("landlock-scopes", WITH_SCOPES, "no signal and no abstract socket out of the run")         \
    ROW("streams", ALWAYS, "no descriptor from outside; standard ones are pumped")                 \
    ROW("pid1", ALWAYS, "the run's first process is ours, hidden, and ends everything with it")    \
    ROW("supervision", ALWAYS, "a dead daemon or supervisor ends the run at once")

struct layer {
    const char *word;
    enum layer_when when;
    const char *meaning;
};

/* The next layer that holds in this run; NULL behind the last. `*at` begins as 0. */
const struct layer *layer_next(const struct run_plan *plan, size_t *at);

#endif
