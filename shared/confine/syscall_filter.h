/*
 * The seccomp filter of a run (seccomp(2)), made with libseccomp from syscall_table.h.
 *
 * x32 and i386 calls end the process: their numbers would mean other calls than the table's.
 *
 * Building takes longer than loading and needs memory; loading is one system call, so a process
 * between fork and execve can do it.
 * Errors: negative errno.
 */
#ifndef FAILCORE_CONFINE_SYSCALL_FILTER_H
#define FAILCORE_CONFINE_SYSCALL_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

struct syscall_filter {
    struct sock_filter *program; /* owned */
    size_t length;
};

struct syscall_filter_options {
    bool nested;              /* the workload sandboxes its own children */
    bool io_uring;            /* the workload may use io_uring */
    bool memory_files_noexec; /* memfd_create(2) only with MFD_NOEXEC_SEAL */
};

int syscall_filter_build(const struct syscall_filter_options *options,
                         struct syscall_filter *ret_filter);
void syscall_filter_clear(struct syscall_filter *filter);

/* For good, for this thread and all its children. no_new_privs must be set. */
int syscall_filter_load(const struct syscall_filter *filter);

enum syscall_when { SYSCALL_ALWAYS = 0, SYSCALL_NESTED, SYSCALL_URING };
struct syscall_row {
    const char *name;
    int number; /* -1: this machine does not have it */
    enum syscall_when when;
    const char *reason;
};
/* The rows, for documents and tests. Returns how many were written. */
size_t syscall_filter_rows(struct syscall_row *rows, size_t room);

#endif
