/*
 * What a process gives up for good, or asks the kernel to do for it.
 *
 * Errors: negative errno.
 */
#ifndef FAILCORE_CONFINE_PRIVILEGES_H
#define FAILCORE_CONFINE_PRIVILEGES_H

#include <sys/types.h>

/* PR_SET_NO_NEW_PRIVS: no set-uid bit or file capability raises this process or its children. */
int privileges_forbid_new(void);

/*
 * PR_SET_DUMPABLE 0: no ptrace, no core file, and /proc/PID belongs to root. An execve and some
 * changes of credentials set it back.
 */
int process_hide(void);

/*
 * The kernel sends `signal` when the thread that made this process ends. Cleared by a change of
 * credentials, so call it after the last one. `parent` is who must still be the parent: -ESRCH
 * when it died before the call; 0 when the parent is outside this pid namespace.
 */
int process_die_with_parent(pid_t parent, int signal);

/* No core file, whatever the machine's core_pattern does with one. */
int process_forbid_core(void);

#endif
