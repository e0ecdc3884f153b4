/*
 * The few system calls that a process may make from now on (seccomp(2)); every other one answers
 * EPERM. For processes that have all they need: unlike syscall_filter.h, which keeps the dangerous
 * ones from programs of any kind.
 *
 * Straight BPF and no library: what is checked is what stands in the caller's table.
 *
 * Errors: negative errno.
 */
#ifndef FAILCORE_CONFINE_CALL_LIST_H
#define FAILCORE_CONFINE_CALL_LIST_H

#include <stddef.h>
#include <stdint.h>

/* On which argument a call depends. */
enum call_condition {
    CALL_ANY = 0,
    CALL_NO_EXECUTION, /* mmap, mprotect: memory that cannot be executed */
    CALL_INTERNET,     /* socket: AF_INET and AF_INET6 */
    CALL_COMMANDS,     /* ioctl: the two commands of the row */
    CALL_FS_ALONE,     /* unshare: CLONE_FS and nothing else */
    CALL_THREADS,      /* clone: threads, no processes */
};

struct call_row {
    int number; /* SYS_… */
    enum call_condition condition;
    uint32_t commands[2]; /* of CALL_COMMANDS; twice the same when there is one */
};

#define CALL_ROWS_MAX 128U

/*
 * For good, for this thread and those it starts. no_new_privs must be set. Calls of another
 * architecture end the process; clone3 does not exist. -E2BIG: more than CALL_ROWS_MAX rows.
 */
int call_list_enter(const struct call_row *rows, size_t count);

#endif
