/*
 * System calls that a run may not make, one row each, with the reason. Everything else passes; a
 * number that this table's authors have not seen yet (SYSCALL_LAST_KNOWN) answers ENOSYS, so that
 * a new kernel brings no new way.
 *
 * SYSCALL_NESTED rows are allowed when the policy says `sandbox.nested: true`: an agent that
 * sandboxes its own children needs mounts and namespaces of its own (SR7). SYSCALL_URING rows are
 * allowed when it says `process.io_uring: true`.
 */
#ifndef FAILCORE_CONFINE_SYSCALL_TABLE_H
#define FAILCORE_CONFINE_SYSCALL_TABLE_H

#define SYSCALL_LAST_KNOWN 469 /* file_setattr, Linux 6.17; the numbers are the same everywhere */

/* name, when denied, reason. A name that this machine's architecture never had is passed over. */
#define SYSCALL_TABLE(ROW)                                                                         \
    ROW(mount, NESTED, "mounts can cover what protects, and uncover what is hidden")               \
    ROW(umount, NESTED, "the same")                                                                \
    ROW(umount2, NESTED, "the same")                                                               \
    ROW(pivot_root, NESTED, "another root, another view")                                          \
    ROW(chroot, NESTED, "another root, another view")                                              \
    ROW(move_mount, NESTED, "the newer mount calls")                                               \
    ROW(open_tree, NESTED, "the newer mount calls")                                                \
    ROW(fsopen, NESTED, "the newer mount calls")                                                   \
    ROW(fsconfig, NESTED, "the newer mount calls")                                                 \
    ROW(fsmount, NESTED, "the newer mount calls")                                                  \
    ROW(fspick, NESTED, "the newer mount calls")                                                   \
    ROW(mount_setattr, NESTED, "the newer mount calls")                                            \
    ROW(setns, NESTED, "enters other namespaces")                                                  \
    ROW(ptrace, ALWAYS, "drives another process past what it was given")                           \
    ROW(process_vm_readv, ALWAYS, "the same, by memory")                                           \
    ROW(process_vm_writev, ALWAYS, "the same, by memory")                                          \
    ROW(pidfd_getfd, ALWAYS, "takes descriptors out of other processes")                           \
    ROW(kcmp, ALWAYS, "compares what processes hold: leaks kernel addresses' order")               \
    ROW(bpf, ALWAYS, "code in the kernel")                                                         \
    ROW(perf_event_open, ALWAYS, "a large and often broken interface; sees other processes")       \
    ROW(userfaultfd, ALWAYS, "stops the kernel in the middle: the exploit writer's clock")         \
    ROW(keyctl, ALWAYS, "kernel keyrings are not namespaced")                                      \
    ROW(add_key, ALWAYS, "kernel keyrings are not namespaced")                                     \
    ROW(request_key, ALWAYS, "kernel keyrings are not namespaced")                                 \
    ROW(open_by_handle_at, ALWAYS, "opens files by number, past every directory")                  \
    ROW(name_to_handle_at, ALWAYS, "gives such numbers")                                           \
    ROW(fanotify_init, ALWAYS, "watches whole file systems")                                       \
    ROW(kexec_load, ALWAYS, "another kernel")                                                      \
    ROW(kexec_file_load, ALWAYS, "another kernel")                                                 \
    ROW(init_module, ALWAYS, "kernel modules")                                                     \
    ROW(finit_module, ALWAYS, "kernel modules")                                                    \
    ROW(delete_module, ALWAYS, "kernel modules")                                                   \
    ROW(create_module, ALWAYS, "kernel modules")                                                   \
    ROW(reboot, ALWAYS, "the machine")                                                             \
    ROW(swapon, ALWAYS, "the machine")                                                             \
    ROW(swapoff, ALWAYS, "the machine")                                                            \
    ROW(acct, ALWAYS, "writes a file that the kernel chooses the moment of")                       \
    ROW(quotactl, ALWAYS, "the machine")                                                           \
    ROW(quotactl_fd, ALWAYS, "the machine")                                                        \
    ROW(syslog, ALWAYS, "the kernel's log")                                                        \
    ROW(settimeofday, ALWAYS, "the machine's clock")                                               \
    ROW(clock_settime, ALWAYS, "the machine's clock")                                              \
    ROW(clock_adjtime, ALWAYS, "the machine's clock")                                              \
    ROW(adjtimex, ALWAYS, "the machine's clock")                                                   \
    ROW(stime, ALWAYS, "the machine's clock")                                                      \
    ROW(sethostname, ALWAYS, "the run's name is not the workload's")                               \
    ROW(setdomainname, ALWAYS, "the run's name is not the workload's")                             \
    ROW(iopl, ALWAYS, "ports of the hardware")                                                     \
    ROW(ioperm, ALWAYS, "ports of the hardware")                                                   \
    ROW(modify_ldt, ALWAYS, "16-bit segments: only exploits and very old programs")                \
    ROW(vm86, ALWAYS, "virtual 8086 mode")                                                         \
    ROW(vm86old, ALWAYS, "virtual 8086 mode")                                                      \
    ROW(uselib, ALWAYS, "obsolete")                                                                \
    ROW(lookup_dcookie, ALWAYS, "obsolete")                                                        \
    ROW(nfsservctl, ALWAYS, "obsolete")                                                            \
    ROW(sysfs, ALWAYS, "obsolete")                                                                 \
    ROW(_sysctl, ALWAYS, "obsolete")                                                               \
    ROW(vhangup, ALWAYS, "takes terminals away")                                                   \
    ROW(move_pages, ALWAYS, "other processes' memory")                                             \
    ROW(migrate_pages, ALWAYS, "other processes' memory")                                          \
    ROW(io_uring_setup, URING, "system calls that no filter sees")                                 \
    ROW(io_uring_enter, URING, "system calls that no filter sees")                                 \
    ROW(io_uring_register, URING, "system calls that no filter sees")

/* Newer than this build's libseccomp may be: by number (include/uapi/asm-generic/unistd.h). */
#define SYSCALL_NUMBER_TABLE(ROW) ROW(open_tree_attr, 467, NESTED, "the newer mount calls")

/* Flags of clone(2) and unshare(2) that make namespaces; clone3(2), whose flags lie in memory where
 * no filter can look, answers ENOSYS, and libraries take clone(2) instead. All NESTED. */
#define SYSCALL_NAMESPACE_FLAGS(ROW)                                                               \
    ROW(CLONE_NEWNS)                                                                               \
    ROW(CLONE_NEWCGROUP)                                                                           \
    ROW(CLONE_NEWUTS)                                                                              \
    ROW(CLONE_NEWIPC)                                                                              \
    ROW(CLONE_NEWUSER)                                                                             \
    ROW(CLONE_NEWPID)                                                                              \
    ROW(CLONE_NEWNET)

/* ioctl requests, for every descriptor. */
#define SYSCALL_IOCTL_TABLE(ROW)                                                                   \
    ROW(TIOCSTI, "types for the user")                                                             \
    ROW(TIOCLINUX, "types for the user, on a console")                                             \
    ROW(TIOCCONS, "takes the console's output")                                                    \
    ROW(TIOCSETD, "loads line disciplines")

/* Socket families that may be used; any other answers EAFNOSUPPORT. */
#define SYSCALL_FAMILY_TABLE(ROW)                                                                  \
    ROW(AF_UNIX, "inside the run; host sockets are not in the view")                               \
    ROW(AF_INET, "through the guard; raw and packet types are refused")                            \
    ROW(AF_INET6, "the same")                                                                      \
    ROW(AF_NETLINK, "NETLINK_ROUTE only: what getifaddrs() asks")

#endif
