/*
 * Every system call that a thread which answers requests may make, with the reason. All others
 * answer EPERM: a request that made the server do something else gets nothing done.
 */
#ifndef FAILCORE_FUSEFS_SERVER_SYSCALLS_H
#define FAILCORE_FUSEFS_SERVER_SYSCALLS_H

/* name, condition, reason */
#define SERVER_SYSCALL_TABLE(ROW)                                                                  \
    ROW(read, ANY, "requests; data of open files")                                                 \
    ROW(write, ANY, "replies; waking the log writer")                                              \
    ROW(writev, ANY, "replies")                                                                    \
    ROW(pread64, ANY, "data of open files")                                                        \
    ROW(pwrite64, ANY, "data of open files")                                                       \
    ROW(io_uring_enter, ANY, "requests by rings that take nothing but commands on the device")     \
    ROW(openat, ANY, "the backing tree, one component at a time; /proc of who asks")               \
    ROW(close, ANY, "descriptors")                                                                 \
    ROW(statx, ANY, "identity and attributes of objects")                                          \
    ROW(newfstatat, ANY, "the C library's stat")                                                   \
    ROW(fstat, ANY, "the C library's fstat")                                                       \
    ROW(fstatfs, ANY, "statfs requests")                                                           \
    ROW(lseek, ANY, "holes and data; positions in directories")                                    \
    ROW(getdents64, ANY, "listings")                                                               \
    ROW(mkdirat, ANY, "mkdir requests")                                                            \
    ROW(mknodat, ANY, "mknod requests")                                                            \
    ROW(symlinkat, ANY, "symlink requests")                                                        \
    ROW(linkat, ANY, "link requests")                                                              \
    ROW(unlinkat, ANY, "unlink and rmdir requests")                                                \
    ROW(renameat2, ANY, "rename requests")                                                         \
    ROW(readlinkat, ANY, "readlink requests; /proc of who asks")                                   \
    ROW(readlink, ANY, "/proc of who asks: its executable")                                        \
    ROW(fchmodat, ANY, "setattr requests")                                                         \
    ROW(fchownat, ANY, "setattr requests")                                                         \
    ROW(utimensat, ANY, "setattr requests")                                                        \
    ROW(ftruncate, ANY, "setattr requests; opens that truncate; memory files")                     \
    ROW(fallocate, ANY, "fallocate requests")                                                      \
    ROW(copy_file_range, ANY, "copy_file_range requests")                                          \
    ROW(fsync, ANY, "fsync requests")                                                              \
    ROW(fdatasync, ANY, "fsync requests")                                                          \
    ROW(getxattr, ANY, "getxattr requests")                                                        \
    ROW(listxattr, ANY, "listxattr requests")                                                      \
    ROW(setxattr, ANY, "setxattr requests")                                                        \
    ROW(removexattr, ANY, "removexattr requests")                                                  \
    ROW(faccessat, ANY, "access requests")                                                         \
    ROW(faccessat2, ANY, "access requests")                                                        \
    ROW(fcntl, ANY, "duplicates of descriptors; seals of memory files")                            \
    ROW(dup, ANY, "duplicates of descriptors")                                                     \
    ROW(ioctl, COMMANDS, "passthrough: registering and releasing backing files")                   \
    ROW(memfd_create, ANY, ".failcore/denials as a file")                                          \
    ROW(setfsuid, ANY, "acting as the caller")                                                     \
    ROW(setfsgid, ANY, "acting as the caller")                                                     \
    ROW(setgroups, ANY, "acting as the caller")                                                    \
    ROW(umask, ANY, "the caller's umask")                                                          \
    ROW(unshare, FS_ALONE, "a umask of the thread's own")                                          \
    ROW(mmap, NO_EXECUTION, "memory")                                                              \
    ROW(mprotect, NO_EXECUTION, "memory; guard pages of stacks")                                   \
    ROW(munmap, ANY, "memory")                                                                     \
    ROW(mremap, ANY, "memory")                                                                     \
    ROW(madvise, ANY, "memory")                                                                    \
    ROW(brk, ANY, "memory")                                                                        \
    ROW(getrandom, ANY, "the C library's memory allocator")                                        \
    ROW(futex, ANY, "locks; waiting for the log writer")                                           \
    ROW(clone, THREADS, "more threads when more requests come")                                    \
    ROW(set_robust_list, ANY, "starting a thread")                                                 \
    ROW(rseq, ANY, "starting a thread")                                                            \
    ROW(sched_setaffinity, ANY, "a ring's thread stays on its processor")                          \
    ROW(sched_getaffinity, ANY, "starting a thread")                                               \
    ROW(sched_yield, ANY, "the C library")                                                         \
    ROW(rt_sigprocmask, ANY, "threads take no signals")                                            \
    ROW(rt_sigaction, ANY, "the C library's thread cancellation")                                  \
    ROW(rt_sigreturn, ANY, "returning from a signal")                                              \
    ROW(tgkill, ANY, "the C library's thread cancellation; abort")                                 \
    ROW(gettid, ANY, "the same")                                                                   \
    ROW(getpid, ANY, "the same")                                                                   \
    ROW(poll, ANY, "whether the log writer lives")                                                 \
    ROW(clock_gettime, ANY, "times, where the kernel gives no faster way")                         \
    ROW(clock_nanosleep, ANY, "waiting")                                                           \
    ROW(nanosleep, ANY, "waiting")                                                                 \
    ROW(restart_syscall, ANY, "the kernel's own way to go on waiting")                             \
    ROW(exit, ANY, "the end of a thread")                                                          \
    ROW(exit_group, ANY, "the end")

#endif
