#include "fusefs/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define GROUPS_MAX 256 /* of a caller that count; the kernel allows 65,536, nobody has them */

/* setfsuid(2) reports no errors: asking again tells what is in force. */
static bool take_fsuid(uid_t uid)
{
    setfsuid(uid);
    return (uid_t)setfsuid((uid_t)-1) == uid;
}

static bool take_fsgid(gid_t gid)
{
    setfsgid(gid);
    return (gid_t)setfsgid((gid_t)-1) == gid;
}

/* glibc's setgroups() changes all threads; this is the thread's own. */
static int set_thread_groups(size_t count, const gid_t *groups)
{
    return syscall(SYS_setgroups, count, groups) < 0 ? -errno : 0;
}

/* The "Groups:" line of /proc/TID/status. */
static size_t read_groups(pid_t tid, gid_t groups[static GROUPS_MAX])
{
    char path[64];
    char status[8192];
    AUTO_CLOSE int fd = -1;
    ssize_t length;
    char *line;
    size_t count = 0;

    if (tid <= 0) {
        return 0;
    }
    snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)tid, (int)tid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        /* The header's pid is a thread's, and the thread may have gone. */
        snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    length = fd < 0 ? -1 : read_upto(fd, status, sizeof(status) - 1);
    if (length < 0) {
        return 0;
    }
    status[length] = '\0';
    line = strstr(status, "\nGroups:");
    if (line == NULL) {
        return 0;
    }
    for (line += strlen("\nGroups:"); count < GROUPS_MAX;) {
        char *end;
        unsigned long group;

        while (*line == ' ' || *line == '\t') {
            line++;
        }
        if (*line < '0' || *line > '9') {
            break;
        }
        group = strtoul(line, &end, 10);
        groups[count++] = (gid_t)group;
        line = end;
    }
    return count;
}

int caller_enter(const struct caller *caller, enum caller_groups wanted, struct acting *ret_acting)
{
    gid_t groups[GROUPS_MAX];
    size_t count = 0;

    *ret_acting = (struct acting){0};
    if (caller->uid == 0 && caller->gid == 0) {
        return 0; /* the server is root itself */
    }
    if (wanted == CALLER_GROUPS_ALL) {
        count = read_groups(caller->tid, groups);
    }
    /* Groups while still root; the server itself has none (main drops them). */
    if (count > 0) {
        if (set_thread_groups(count, groups) < 0) {
            return -EPERM;
        }
        ret_acting->groups_changed = true;
    }
    ret_acting->changed = true;
    if (!take_fsgid(caller->gid) || !take_fsuid(caller->uid)) {
        caller_leave(ret_acting);
        return -EPERM;
    }
    return 0;
}

void caller_leave(struct acting *acting)
{
    int saved = errno;

    if (acting->changed && (!take_fsuid(0) || !take_fsgid(0))) {
        abort();
    }
    if (acting->groups_changed && set_thread_groups(0, NULL) < 0) {
        abort();
    }
    *acting = (struct acting){0};
    errno = saved;
}

int caller_use_umask(const struct caller *caller)
{
    /* What this thread has set: the umask belongs to the process until CLONE_FS is undone. */
    static _Thread_local bool own_umask;
    static _Thread_local mode_t current;

    if (!own_umask) {
        if (unshare(CLONE_FS) < 0) {
            return -errno;
        }
        own_umask = true;
        current = (mode_t)-1;
    }
    if (current != caller->umask) {
        umask(caller->umask);
        current = caller->umask;
    }
    return 0;
}

int caller_become_owner(uid_t uid, gid_t gid)
{
    if (geteuid() != 0) {
        return geteuid() == uid ? 0 : -EPERM;
    }
    /* In a user namespace of one's own, where one is called root, groups cannot be given up: they
     * are the owner's own, who started us. */
    if (set_thread_groups(0, NULL) < 0 && (errno != EPERM || uid != geteuid())) {
        return -errno;
    }
    return take_fsgid(gid) && take_fsuid(uid) ? 0 : -EPERM;
}
