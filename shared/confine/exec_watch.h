/*
 * Every execve(2) and execveat(2) below a process, told to somebody outside before it happens
 * (seccomp_unotify(2)).
 *
 * What is told is what the caller's memory holds at that moment; another thread of the caller can
 * change it before the kernel reads it again. So it is good for records and for counting, never
 * for a permission that nothing else holds (SECURITY-RULES SR8).
 *
 * Whoever asked waits until it is answered or killed; when the listener is closed the call fails.
 * Errors: negative errno.
 */
#ifndef FAILCORE_CONFINE_EXEC_WATCH_H
#define FAILCORE_CONFINE_EXEC_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/base/text_buffer.h"

#define EXEC_ARGUMENTS_MAX (256U << 10) /* bytes that are read; the rest is not told */

struct exec_notice {
    uint64_t id;
    pid_t pid;                    /* of the thread, as this process sees it */
    uint64_t argv_address;        /* in the caller */
    struct text_buffer path;      /* absolute in the caller's view, as far as that can be said */
    struct text_buffer arguments; /* each with its NUL */
    size_t argument_count;
    bool cut; /* there were more than EXEC_ARGUMENTS_MAX */
};

/*
 * By the process to be watched, for good, for this thread and its children: returns the listener.
 * no_new_privs must be set. -EBUSY: it is watched already.
 */
int exec_watch_begin(void);

/*
 * The next one; blocks. -ENOENT: who asked is gone (ask again). -ECONNRESET: everybody is, for
 * good; kernels before 6.11 do not say so. -EINTR: a signal came. The caller clears the notice.
 */
int exec_watch_receive(int listener, struct exec_notice *ret_notice);
void exec_notice_clear(struct exec_notice *notice);

/* 0: go on. A negative errno: what execve(2) answers. */
int exec_watch_answer(int listener, const struct exec_notice *notice, int error);

#endif
