/*
 * What the launcher itself puts into the log: START, the execution of the command and its result,
 * END. Nothing starts that was not recorded before.
 *
 * Errors: negative errno, with *reterr filled.
 */
#ifndef FAILCORE_CLI_RUN_RECORDS_H
#define FAILCORE_CLI_RUN_RECORDS_H

#include <stdint.h>

#include "cli/run/plan.h"
#include "shared/audit/producer.h"
#include "shared/base/failure.h"

/* How a run ended. */
enum run_cause {
    CAUSE_FAILED = 0, /* of ours, before the command began */
    CAUSE_EXITED,     /* the command's own exit */
    CAUSE_SIGNALED,   /* a signal ended the command */
    CAUSE_NOT_FOUND,
    CAUSE_NOT_EXECUTABLE,
    CAUSE_DAEMON_DIED, /* a part of the boundary is gone: so is the run */
    CAUSE_LIMIT,       /* a limit of the policy */
    CAUSE_BREAKER,     /* its circuit breaker, with the action kill */
    CAUSE_STOPPED,     /* by the operator */
    CAUSE_KILLED,      /* from outside, with its first process */
};

struct run_result {
    enum run_cause cause;
    int exit_code;        /* of the command; -1 */
    int signal;           /* that ended it; 0 */
    int error;            /* positive errno: why it was not executed */
    enum run_limit limit; /* with CAUSE_LIMIT */
    const char *detail;   /* which daemon */
    uint64_t output_bytes;
    uint64_t duration_ns;
};

/* "exited", "signaled", ... */
const char *run_cause_word(enum run_cause cause);
/* CONTRACT: "Exit codes". */
int run_exit_code(const struct run_result *result);

int records_attach(const struct run_plan *plan, struct audit_producer **ret_producer,
                   struct failure *reterr);
int records_start(struct audit_producer *producer, const struct run_plan *plan,
                  struct failure *reterr);
/* START is on the disk: before the command may do anything. */
int records_await(struct audit_producer *producer, struct failure *reterr);
/* A limit was passed: before anything is done about it. */
int records_limit(struct audit_producer *producer, const struct run_plan *plan,
                  enum run_limit limit);
/* Asks the process rules and records the answer; -EACCES: the command itself is denied. */
int records_exec(struct audit_producer *producer, const struct run_plan *plan, uint64_t *ret_ticket,
                 struct failure *reterr);
/* The last two cannot be refused any more: they say when the log is not there. */
int records_exec_result(struct audit_producer *producer, const struct run_plan *plan,
                        const struct run_result *result, uint64_t ticket);
int records_end(struct audit_producer *producer, const struct run_plan *plan,
                const struct run_result *result);

#endif
