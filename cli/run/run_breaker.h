/*
 * The supervisor's part of the circuit breaker (shared/breaker/breaker.h): it makes the board that
 * the mount's server and the guard count on, hears when one of them has tripped it, and answers as
 * the policy says:
 *
 *     readonly   nothing more: both refuse by themselves what would change or leave
 *     freeze     every process of the run is stopped as well (SIGSTOP by the run's first process to
 *                all of its pid namespace), until the operator resumes
 *     kill       the run ends, in the order of SR4
 *
 * While it is tripped, runs/ID/breaker in the run-time directory says so, for `failcore ps`.
 * Errors: negative errno.
 */
#ifndef FAILCORE_CLI_RUN_RUN_BREAKER_H
#define FAILCORE_CLI_RUN_RUN_BREAKER_H

#include "cli/run/plan.h"
#include "shared/breaker/breaker.h"

struct run_breaker {
    struct breaker breaker;
    int board_fd; /* -1: the policy has no breaker; likewise the next */
    int alarm_fd;
    bool frozen;
};

#define RUN_BREAKER_NONE                                                                           \
    {                                                                                              \
        .board_fd = -1, .alarm_fd = -1, .breaker = {.alarm = -1 }                                  \
    }

int run_breaker_open(struct run_breaker *breaker, const struct run_plan *plan,
                     struct audit_producer *audit, struct failure *reterr);
void run_breaker_close(struct run_breaker *breaker);

/*
 * The alarm is readable: true when the run has to end now, and *reterr says why. `socket` leads to
 * the run's first process.
 */
bool run_breaker_answer(struct run_breaker *breaker, const struct run_plan *plan, int socket,
                        struct failure *reterr);
/* Frozen or killed: what was refused may be heard now. */
void run_breaker_acted(struct run_breaker *breaker);
/* The command has ended: a trip, now or before, holds nobody any more. */
void run_breaker_dismiss(struct run_breaker *breaker);
/* The operator's word. -EALREADY: it has not tripped. */
int run_breaker_resume(struct run_breaker *breaker, const struct run_plan *plan, int socket);

#endif
