/*
 * Each program that the run starts after its command, recorded before it begins: who asked, which
 * file, the hash of its arguments. One thread of the supervisor; whoever execs waits for it.
 *
 * A rule of the policy that denies the file answers here at once and is recorded; what holds it is
 * the view, where the file cannot be read (executables.h).
 * Errors: negative errno.
 */
#ifndef FAILCORE_CLI_RUN_EXEC_RECORDER_H
#define FAILCORE_CLI_RUN_EXEC_RECORDER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "cli/run/plan.h"
#include "shared/audit/producer.h"
#include "shared/breaker/breaker.h"

#define EXEC_RECORDER_DIRECTORIES_MAX 8

struct exec_recorder {
    const struct run_plan *plan;
    struct audit_producer *producer;
    struct breaker *breaker;                    /* counts what the mount does not see */
    int listener;                               /* exec_watch.h; -1: none */
    int systems[EXEC_RECORDER_DIRECTORIES_MAX]; /* the machine's own, as view.h lists them */
    pthread_t thread;
    bool started;
    _Atomic bool ending;
};

/* Takes the listener. */
int exec_recorder_start(struct exec_recorder *recorder, const struct run_plan *plan,
                        struct audit_producer *producer, struct breaker *breaker, int listener);
/* After the run's processes are gone. */
void exec_recorder_end(struct exec_recorder *recorder);

#endif
