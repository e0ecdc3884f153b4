/*
 * What stops the processes of a run, and keeps them stopped until they may go on.
 *
 * SIGSTOP stops whoever gets it, and nobody inside can send SIGCONT any more. But the kernel sends
 * it to a process that arranged for that before: a timer, or a descriptor, whose signal it is. So
 * while a run is frozen its processes are looked at: who goes on is stopped again, and when that
 * has not ended after FREEZE_LOOKS_MAX looks, whoever goes on then is killed. What such a process
 * does meanwhile changes nothing in the workspace and sends nothing: mount and guard refuse.
 *
 * Of the run's pid 1 alone, in its /proc.
 */
#ifndef FAILCORE_CLI_RUN_FREEZE_H
#define FAILCORE_CLI_RUN_FREEZE_H

#include <stdbool.h>

#define FREEZE_LOOK_MS   100
#define FREEZE_LOOKS_MAX 50U /* five seconds: a machine may be busy */

struct freeze {
    bool on;
    unsigned int restless; /* looks that found somebody awake */
};

void freeze_begin(struct freeze *freeze);
/* Every FREEZE_LOOK_MS while it is on. */
void freeze_look(struct freeze *freeze);
void freeze_end(struct freeze *freeze);

#endif
