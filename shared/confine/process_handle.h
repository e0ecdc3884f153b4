/*
 * Processes by descriptor (pidfd_open(2)): a handle never means another process, however often the
 * number is used again.
 *
 * A handle is readable (POLLIN) once the process has ended; for the first process of a pid
 * namespace that is after every other process in it is gone.
 * Errors: negative errno.
 */
#ifndef FAILCORE_CONFINE_PROCESS_HANDLE_H
#define FAILCORE_CONFINE_PROCESS_HANDLE_H

#include <stdbool.h>
#include <sys/types.h>

/* The caller owns the handle. Race-free for a child that was not waited for, and for oneself. */
int process_handle_open(pid_t pid);

/* -ESRCH: it has ended. */
int process_handle_signal(int handle, int signal);

/* True when the process has ended, waited for or not. */
bool process_handle_ended(int handle);

/* True when the child behind the handle is stopped by a signal (SIGSTOP and the like). Says so once
 * for each stop. */
bool process_handle_stopped(int handle);

/* Waits until it ends; negative: for ever. -ETIMEDOUT. */
int process_handle_wait(int handle, int timeout_ms);

/* How a child ended. */
struct process_end {
    int exit_code; /* of its own; -1 when a signal ended it */
    int signal;    /* 0 when it exited by itself */
};

/* Reaps the child behind the handle; blocks until it has ended. -ECHILD: not a child of ours. */
int process_handle_reap(int handle, struct process_end *ret_end);

/*
 * fork(2) that gives the handle as well, as one step. Returns the pid, 0 in the child (whose
 * *ret_handle is -1). The child is a copy of a program with one thread.
 */
pid_t process_fork(int *ret_handle);

/*
 * The same, but the new process is a child of this process's parent: so the parent can wait for
 * the first process of a pid namespace that another one made (clone(2), CLONE_PARENT).
 */
pid_t process_fork_for_parent(int *ret_handle);

#endif
