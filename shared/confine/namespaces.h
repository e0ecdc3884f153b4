/*
 * Entering and making namespaces (namespaces(7), user_namespaces(7)).
 *
 * Threads: only for a process with one thread; the kernel refuses the others.
 * Errors: negative errno.
 */
#ifndef FAILCORE_CONFINE_NAMESPACES_H
#define FAILCORE_CONFINE_NAMESPACES_H

#include <sched.h>
#include <stdbool.h>

/* `type` is one CLONE_NEW* word, checked against what the descriptor is. */
int namespace_enter(int fd, int type);

/* unshare(2) with CLONE_NEW* words. -ENOSPC: a limit of /proc/sys/user is reached. */
int namespace_new(int types);

/* This process's own namespace of one type; the caller owns the descriptor. */
int namespace_open_own(int type);

/* Whether this process is in the machine's first user namespace. */
bool namespace_user_is_initial(void);

/* Brings up the loopback of this network namespace. */
int namespace_loopback_up(void);

#endif
