/* What a thread asks of the scheduler (sched(7)). */
#ifndef FAILCORE_BASE_SCHEDULING_H
#define FAILCORE_BASE_SCHEDULING_H

/*
 * For the calling thread, when others wait for its answers: the shortest slice there is
 * (sched_setattr(2); Linux 6.12, a wish of which older kernels know nothing). It runs as soon as it
 * is asked, and whoever it has answered does not run in its place before it waits again: else an
 * execve(2) that was let on finds its processor taken, and is moved to another one. Its share of
 * the processor stays what it was.
 */
void scheduling_answer_soon(void);

#endif
