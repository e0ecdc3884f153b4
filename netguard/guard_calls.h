/*
 * What the guard's processes give up before the first packet: every file, and every system call
 * that is not in this table, which has the reason for each. Nothing in it opens a file, starts a
 * program, changes an identity, enters a namespace or signals another process.
 */
#ifndef FAILCORE_NETGUARD_GUARD_CALLS_H
#define FAILCORE_NETGUARD_GUARD_CALLS_H

#include <stddef.h>

enum guard_process {
    GUARD_DAEMON = 1,   /* judges packets and names */
    GUARD_RESOLVER = 2, /* answers the agent's questions */
    GUARD_ASKER = 4,    /* asks the world's resolvers */
};
#define GUARD_CHILDREN (GUARD_RESOLVER | GUARD_ASKER)
#define GUARD_ALL      (GUARD_DAEMON | GUARD_CHILDREN)

/* name, processes, condition (call_list.h), reason */
#define GUARD_CALL_TABLE(ROW)                                                                      \
    ROW(poll, GUARD_ALL, CALL_ANY, "waiting for whatever comes first")                             \
    ROW(ppoll, GUARD_ALL, CALL_ANY, "poll, where the C library takes it")                          \
    ROW(epoll_create1, GUARD_DAEMON, CALL_ANY, "what seldom comes waits behind one descriptor")    \
    ROW(epoll_ctl, GUARD_DAEMON, CALL_ANY, "the same")                                             \
    ROW(epoll_wait, GUARD_DAEMON, CALL_ANY, "which of it has come")                                \
    ROW(epoll_pwait, GUARD_DAEMON, CALL_ANY, "epoll_wait, where the C library takes it")           \
    ROW(sched_yield, GUARD_DAEMON, CALL_ANY, "waiting for a slot of the log")                      \
    ROW(sched_getaffinity, GUARD_DAEMON, CALL_ANY, "the processors it may choose from")            \
    ROW(sched_setaffinity, GUARD_DAEMON, CALL_ANY, "to the processor that packets come from")      \
    ROW(recvfrom, GUARD_ALL, CALL_ANY, "packets, kernel answers, questions, verdicts")             \
    ROW(recvmsg, GUARD_DAEMON, CALL_ANY, "kernel answers; a new policy with its descriptor")       \
    ROW(sendto, GUARD_ALL, CALL_ANY, "verdicts, questions, replies")                               \
    ROW(sendmsg, GUARD_DAEMON | GUARD_ASKER, CALL_ANY, "changes of sets; raw answers")             \
    ROW(listen, GUARD_DAEMON, CALL_ANY, "for failcore-netns, once the guard is open")              \
    ROW(accept4, GUARD_DAEMON | GUARD_RESOLVER, CALL_ANY, "failcore-netns; questions over TCP")    \
    ROW(getsockopt, GUARD_DAEMON, CALL_ANY, "who asks: SO_PEERCRED")                               \
    ROW(setsockopt, GUARD_DAEMON, CALL_ANY, "patience with who asks")                              \
    ROW(getpeername, GUARD_RESOLVER, CALL_ANY, "who asked over TCP")                               \
    ROW(socket, GUARD_ASKER, CALL_INTERNET, "a fresh port for each question")                      \
    ROW(connect, GUARD_ASKER, CALL_ANY, "to the resolver that is asked")                           \
    ROW(getrandom, GUARD_ALL, CALL_ANY, "ids and case of questions; the memory allocator")         \
    ROW(close, GUARD_ALL, CALL_ANY, "descriptors")                                                 \
    ROW(read, GUARD_DAEMON, CALL_ANY, "a new policy, from the descriptor that came with it")       \
    ROW(pread64, GUARD_DAEMON, CALL_ANY, "the same, wherever others have got to in it")            \
    ROW(fstat, GUARD_DAEMON, CALL_ANY, "the same, how long it is")                                 \
    ROW(newfstatat, GUARD_DAEMON, CALL_ANY, "fstat, where the C library takes it")                 \
    ROW(write, GUARD_DAEMON, CALL_ANY, "waking the log writer")                                    \
    ROW(futex, GUARD_DAEMON, CALL_ANY, "waiting for the log writer")                               \
    ROW(mmap, GUARD_ALL, CALL_NO_EXECUTION, "memory")                                              \
    ROW(mprotect, GUARD_ALL, CALL_NO_EXECUTION, "memory")                                          \
    ROW(munmap, GUARD_ALL, CALL_ANY, "memory")                                                     \
    ROW(mremap, GUARD_ALL, CALL_ANY, "memory")                                                     \
    ROW(madvise, GUARD_ALL, CALL_ANY, "memory")                                                    \
    ROW(brk, GUARD_ALL, CALL_ANY, "memory")                                                        \
    ROW(clock_gettime, GUARD_ALL, CALL_ANY, "times, where the kernel gives no faster way")         \
    ROW(clock_nanosleep, GUARD_DAEMON, CALL_ANY, "waiting for the log writer")                     \
    ROW(getpid, GUARD_ALL, CALL_ANY, "the status; abort")                                          \
    ROW(gettid, GUARD_ALL, CALL_ANY, "abort")                                                      \
    ROW(rt_sigprocmask, GUARD_ALL, CALL_ANY, "abort")                                              \
    ROW(rt_sigreturn, GUARD_ALL, CALL_ANY, "returning from a signal")                              \
    ROW(restart_syscall, GUARD_ALL, CALL_ANY, "the kernel's own way to go on waiting")             \
    ROW(exit_group, GUARD_ALL, CALL_ANY, "the end")

struct guard_call {
    const char *name;
    unsigned int processes;
    const char *reason;
};
/* The rows, for documents and tests. Returns how many there are. */
size_t guard_calls(const struct guard_call **ret_rows);

/*
 * For good: the rows of this process and no file at all (Landlock, where the kernel has it).
 * no_new_privs must be set. Negative errno: the process must end.
 */
int guard_calls_enter(enum guard_process process);

#endif
