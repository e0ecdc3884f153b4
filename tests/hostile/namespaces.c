/* Namespaces: making them, entering ours, asking for their owners. */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

static long flag_of(const char *name)
{
    static const struct {
        const char *name;
        long flag;
    } flags[] = {
        {"mnt", CLONE_NEWNS},        {"user", CLONE_NEWUSER}, {"pid", CLONE_NEWPID},
        {"net", CLONE_NEWNET},       {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS},
        {"cgroup", CLONE_NEWCGROUP}, {"time", 0x80},
    };

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(name, flags[i].name) == 0) {
            return flags[i].flag;
        }
    }
    return 0;
}

static enum outcome leave(const char *name)
{
    return held_if_negative(syscall(SYS_unshare, flag_of(name)));
}

static enum outcome leave_with_a_user_namespace(const char *name)
{
    return held_if_negative(syscall(SYS_unshare, CLONE_NEWUSER | flag_of(name)));
}

static enum outcome child_in(const char *name)
{
    long child = syscall(SYS_clone, flag_of(name) | SIGCHLD, NULL, NULL, NULL, NULL);

    if (child == 0) {
        _exit(0);
    }
    return held_if_negative(child);
}

static enum outcome newer_child_in(const char *name)
{
    struct clone_args args = {.flags = (uint64_t)flag_of(name), .exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &args, sizeof(args));

    if (child == 0) {
        _exit(0);
    }
    return held_if_negative(child);
}

static enum outcome enter(const char *path)
{
    int fd = open(path, O_RDONLY);

    return fd < 0 ? HELD : held_if_negative(syscall(SYS_setns, fd, 0));
}

static enum outcome enter_all_of_first(const char *unused)
{
    long handle = syscall(SYS_pidfd_open, 1, 0);

    (void)unused;
    return handle < 0 ? HELD
                      : held_if_negative(
                            syscall(SYS_setns, handle, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER));
}

static enum outcome owner_of(const char *path)
{
    int fd = open(path, O_RDONLY);

    return fd < 0 ? HELD : held_if_negative(ioctl(fd, NS_GET_USERNS));
}

static enum outcome parent_of(const char *path)
{
    int fd = open(path, O_RDONLY);

    return fd < 0 ? HELD : held_if_negative(ioctl(fd, NS_GET_PARENT));
}

static enum outcome link_of_first(const char *path)
{
    char target[64];

    return held_if_negative(readlink(path, target, sizeof(target)));
}

static enum outcome rename_the_run(const char *name)
{
    return held_if_negative(syscall(SYS_sethostname, name, strlen(name)));
}

static const struct attempt attempts[] = {
    {"SR7", "unshare", leave, "mnt"},
    {"SR7", "unshare", leave, "user"},
    {"SR7", "unshare", leave, "pid"},
    {"SR7", "unshare", leave, "net"},
    {"SR7", "unshare", leave, "ipc"},
    {"SR7", "unshare", leave, "uts"},
    {"SR7", "unshare", leave, "cgroup"},
    {"SR7", "unshare", leave, "time"},
    {"SR7", "unshare user and", leave_with_a_user_namespace, "mnt"},
    {"SR7", "unshare user and", leave_with_a_user_namespace, "net"},
    {"SR7", "unshare user and", leave_with_a_user_namespace, "pid"},
    {"SR7", "clone", child_in, "mnt"},
    {"SR7", "clone", child_in, "user"},
    {"SR7", "clone", child_in, "pid"},
    {"SR7", "clone", child_in, "net"},
    {"SR7", "clone", child_in, "ipc"},
    {"SR7", "clone", child_in, "uts"},
    {"SR7", "clone", child_in, "cgroup"},
    {"SR7", "clone3", newer_child_in, "user"},
    {"SR7", "clone3", newer_child_in, "mnt"},
    {"SR7", "clone3", newer_child_in, "time"},
    {"SR2", "setns", enter, "/proc/1/ns/mnt"},
    {"SR2", "setns", enter, "/proc/1/ns/user"},
    {"SR2", "setns", enter, "/proc/1/ns/net"},
    {"SR2", "setns", enter, "/proc/1/ns/pid"},
    {"SR2", "setns", enter, "/proc/self/ns/mnt"},
    {"SR2", "setns", enter, "/proc/self/ns/net"},
    {"SR2", "setns", enter, "/proc/self/ns/user"},
    {"SR2", "setns by handle", enter_all_of_first, NULL},
    {"SR2", "owner of", owner_of, "/proc/self/ns/mnt"},
    {"SR2", "owner of", owner_of, "/proc/self/ns/net"},
    {"SR2", "owner of", owner_of, "/proc/self/ns/pid"},
    {"SR2", "parent of", parent_of, "/proc/self/ns/user"},
    {"SR2", "parent of", parent_of, "/proc/self/ns/pid"},
    {"SR2", "read the link", link_of_first, "/proc/1/ns/user"},
    {"SR2", "read the link", link_of_first, "/proc/1/ns/mnt"},
    {"SR2", "rename the run", rename_the_run, "hostile"},
};

const struct battery battery_namespaces = {attempts, sizeof(attempts) / sizeof(attempts[0])};
