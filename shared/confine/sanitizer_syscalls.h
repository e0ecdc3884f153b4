/*
 * What AddressSanitizer's and ThreadSanitizer's runtimes ask of the kernel beyond the program
 * itself. Allow-lists add these rows; they are empty in every build that has no sanitizer, so
 * what ships allows none of them.
 */
#ifndef FAILCORE_CONFINE_SANITIZER_SYSCALLS_H
#define FAILCORE_CONFINE_SANITIZER_SYSCALLS_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FAILCORE_UNDER_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAILCORE_UNDER_SANITIZER 1
#endif

#ifdef FAILCORE_UNDER_SANITIZER
/* name, condition, reason */
#define SANITIZER_SYSCALL_TABLE(ROW)                                                               \
    ROW(sigaltstack, ANY, "a thread's stack for reports")                                          \
    ROW(prctl, ANY, "names of mappings")                                                           \
    ROW(prlimit64, ANY, "the size of stacks")                                                      \
    ROW(getrusage, ANY, "memory in use")                                                           \
    ROW(gettimeofday, ANY, "time")                                                                 \
    ROW(pipe, ANY, "whether an address may be read")                                               \
    ROW(pipe2, ANY, "whether an address may be read")                                              \
    ROW(open, ANY, "the map of memory, for reports")                                               \
    ROW(stat, ANY, "programs, for reports")                                                        \
    ROW(getppid, ANY, "reports")
/* For a process whose own list has no memory: a thread's state is made at its first wait. */
#define SANITIZER_MEMORY_TABLE(ROW)                                                                \
    ROW(mmap, NO_EXECUTION, "a thread's state")                                                    \
    ROW(munmap, ANY, "a thread's state")                                                           \
    ROW(madvise, ANY, "a thread's state")
#else
#define SANITIZER_SYSCALL_TABLE(ROW)
#define SANITIZER_MEMORY_TABLE(ROW)
#endif

#endif
