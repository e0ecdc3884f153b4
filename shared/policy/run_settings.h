/*
 * What a launcher asks of a policy beside its rules: the `sandbox` and `limits` sections and what
 * `process` says about system calls.
 *
 * Ownership: texts are borrowed from the policy.
 */
#ifndef FAILCORE_POLICY_RUN_SETTINGS_H
#define FAILCORE_POLICY_RUN_SETTINGS_H

#include "shared/policy/policy.h"

#define RUN_LIMIT_NONE UINT64_MAX

/* name, key in the section */
#define RUN_LIMIT_TABLE(ROW)                                                                       \
    ROW(WALL_TIME, "wall_time") /* milliseconds */                                                 \
    ROW(CPU_TIME, "cpu_time")   /* milliseconds, of all processes together */                      \
    ROW(CPU, "cpu")             /* percent of one processor */                                     \
    ROW(MEMORY, "memory")       /* bytes */                                                        \
    ROW(PROCESSES, "processes") /* with threads, at once */                                        \
    ROW(FILE_SIZE, "file_size") /* bytes */                                                        \
    ROW(DISK, "disk")           /* bytes written */                                                \
    ROW(OUTPUT_BYTES, "output_bytes")

enum run_limit {
#define RUN_LIMIT_ENUM(name, key) RUN_LIMIT_##name,
    RUN_LIMIT_TABLE(RUN_LIMIT_ENUM) RUN_LIMIT_COUNT
#undef RUN_LIMIT_ENUM
};

/* What a run needs of a network. */
enum run_network {
    RUN_NETWORK_ABSENT = 0, /* no network section: no network */
    RUN_NETWORK_CLOSED,     /* nothing in it can allow anything: attempts are judged, none passes */
    RUN_NETWORK_OPEN,
};

struct run_settings {
    enum run_network network;
    bool nested;   /* the workload sandboxes its own children */
    bool io_uring; /* the workload may use io_uring */
    uint64_t limits[RUN_LIMIT_COUNT];
};
struct run_settings policy_run_settings(const struct policy *policy);

/* "wall_time" */
const char *run_limit_word(enum run_limit limit);
/* "agent.yaml:12:5" of a limit's key; false when it was written nowhere. */
bool policy_run_limit_origin(const struct policy *policy, enum run_limit limit, char *text,
                             size_t size);

/* The lists of `sandbox`. */
enum run_list { RUN_READ_ONLY = 0, RUN_READ_WRITE, RUN_SOCKETS, RUN_ENV };
size_t policy_run_list_count(const struct policy *policy, enum run_list list);
/* The absent text past the end. */
struct str_view policy_run_list_item(const struct policy *policy, enum run_list list, size_t index);

/* Whether some process rule can deny: then executables have to be asked for. */
bool policy_restricts_processes(const struct policy *policy);

#endif
