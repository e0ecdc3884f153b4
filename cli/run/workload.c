#include "cli/run/workload.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/run/command_path.h"
#include "cli/run/test_hooks.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/confine/capabilities.h"
#include "shared/confine/descriptors.h"
#include "shared/confine/exec_watch.h"
#include "shared/confine/landlock.h"
#include "shared/confine/namespaces.h"
#include "shared/confine/privileges.h"
#include "shared/confine/syscall_filter.h"

#define LANDLOCK_TREES_MAX 64

_Noreturn static void fail(const struct workload_start *start, const char *stage, int error)
{
    struct workload_failure failure = {.error = error < 0 ? -error : error};

    snprintf(failure.stage, sizeof(failure.stage), "%s", stage);
    (void)write_all(start->socket, &failure, sizeof(failure));
    _exit(125);
}

static int set_standard_descriptors(const struct workload_start *start)
{
    /* All of them are above 2: nothing is overwritten before it was copied. */
    for (int fd = 0; fd <= 2; fd++) {
        if (dup2(start->standard[fd], fd) < 0) {
            return -errno;
        }
    }
    return 0;
}

/* Its own process group, so that signals from a terminal reach all of it and nothing of ours. */
static int become_a_job(const struct workload_start *start)
{
    sigset_t block;

    if (setpgid(0, 0) < 0) {
        return -errno;
    }
    if (!start->terminal) {
        return 0;
    }
    /* A background group that takes the terminal is stopped by SIGTTOU otherwise. */
    sigemptyset(&block);
    sigaddset(&block, SIGTTOU);
    sigprocmask(SIG_BLOCK, &block, NULL);
    for (int fd = 0; fd <= 2; fd++) {
        if (isatty(fd) == 1) {
            return tcsetpgrp(fd, getpid()) < 0 ? -errno : 0;
        }
    }
    return 0;
}

static int become_the_worker(const struct identity *identity)
{
    if (identity->separate && setgroups(0, NULL) < 0) {
        return -errno;
    }
    if (setresgid(identity->worker_gid, identity->worker_gid, identity->worker_gid) < 0 ||
        setresuid(identity->worker_uid, identity->worker_uid, identity->worker_uid) < 0) {
        return -errno;
    }
    return 0;
}

/* A user namespace that owns none of the others: no right over any of them is left. */
static int enter_worker_namespace(const struct identity *identity)
{
    int error;

    /* Hidden, /proc/self would belong to root and the maps could not be written. Nobody else runs
     * in here yet. */
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0) {
        return -errno;
    }
    error = namespace_new(CLONE_NEWUSER);
    return error < 0 ? error : identity_write_worker_maps(identity);
}

static int drop_everything(void)
{
    int error = layer_is_off("no-new-privileges") ? 0 : privileges_forbid_new();

    if (error == 0) {
        error = capabilities_keep_only(CAPABILITIES_NONE);
    }
    return error < 0 ? error : process_die_with_parent(1, SIGKILL);
}

/* What the mounts say, once more, where no mount can change it. */
static int restrict_files(const struct run_plan *plan)
{
    struct landlock_tree trees[LANDLOCK_TREES_MAX] = {
        {"/", LANDLOCK_READ},
        {plan->mount_path, LANDLOCK_WRITE},
        {plan->home, LANDLOCK_WRITE},
        {"/tmp", LANDLOCK_WRITE},
        {"/dev/shm", LANDLOCK_WRITE},
        {"/dev", LANDLOCK_DEVICES},
        {"/proc", LANDLOCK_WRITE_FILES},
    };

    size_t count = 0;

    while (trees[count].path != NULL) {
        count++;
    }
    for (size_t i = 0; i < plan->binds.count; i++) {
        if (plan->binds.items[i].kind == RUN_READ_WRITE) {
            if (count == LANDLOCK_TREES_MAX) {
                return -E2BIG;
            }
            trees[count++] = (struct landlock_tree){plan->binds.items[i].path, LANDLOCK_WRITE};
        }
    }
    return landlock_restrict(trees, count);
}

static void reset_signals(void)
{
    sigset_t none;

    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction action = {0};

        action.sa_handler = SIG_DFL;
        (void)sigaction(signal, &action, NULL); /* KILL, STOP and glibc's own refuse */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A policy that denies even the workspace's own directory leaves the run at the root. */
static int enter_workspace(const struct run_plan *plan)
{
    if (chdir(plan->mount_path) == 0) {
        return 0;
    }
    return errno == EACCES && chdir("/") == 0 ? 0 : -errno;
}

/* The listener goes out over the socket; no copy stays here. */
static int watch_execs(const struct workload_start *start)
{
    AUTO_CLOSE int listener = exec_watch_begin();

    return listener < 0 ? listener : send_with_fds(start->socket, "W", 1, &listener, 1);
}

/* Like execvpe(3), but a file that is no program is an error and not handed to a shell. */
static int execute(const struct run_plan *plan)
{
    const char *name = plan->arguments[0];
    const char *path = environment_path(plan->environment);
    int found = ENOENT;
    char file[PATH_MAX];

    if (strchr(name, '/') != NULL) {
        execve(name, plan->arguments, plan->environment);
        return -errno;
    }
    if (name[0] == '\0') {
        return -ENOENT;
    }
    while (*path != '\0') {
        size_t length = strcspn(path, ":");

        if (length > 0 &&
            snprintf(file, sizeof(file), "%.*s/%s", (int)length, path, name) < (int)sizeof(file)) {
            /* Each execve waits for its record: none is asked for where nothing is. */
            if (faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
                execve(file, plan->arguments, plan->environment);
            }
            if (errno != ENOENT && errno != ENOTDIR) {
                found = errno;
                if (errno != EACCES) {
                    break;
                }
            }
        }
        path += length;
        path += *path == ':' ? 1 : 0;
    }
    return -found;
}

_Noreturn void workload_become(const struct workload_start *start)
{
    const struct run_plan *plan = start->plan;
    const int kept[] = {0, 1, 2, start->socket};
    int error = set_standard_descriptors(start);

    if (error < 0) {
        fail(start, "set up the standard descriptors", error);
    }
    error = become_a_job(start);
    if (error < 0) {
        fail(start, "make a process group", error);
    }
    error = become_the_worker(&plan->identity);
    if (error < 0) {
        fail(start, "take the run's user id", error);
    }
    error = layer_is_off("worker-userns") ? 0 : enter_worker_namespace(&plan->identity);
    if (error < 0) {
        fail(start, "enter a user namespace", error);
    }
    error = layer_is_off("no-capabilities") ? 0 : drop_everything();
    if (error < 0) {
        fail(start, "drop all privileges", error);
    }
    error = enter_workspace(plan);
    if (error < 0) {
        fail(start, "enter the workspace", error);
    }
    /* Landlock's rules for files refuse every mount, those of a nested sandbox as well. */
    error = layer_is_off("landlock") ? 0
            : plan->settings.nested  ? landlock_restrict_scopes()
                                     : restrict_files(plan);
    if (error < 0) {
        fail(start, "restrict itself with Landlock", error);
    }
    error = layer_is_off("closed-descriptors")
                ? 0
                : descriptors_close_except(kept, sizeof(kept) / sizeof(kept[0]));
    if (error < 0) {
        fail(start, "close descriptors", error);
    }
    error = limits_apply_to_self(&plan->limits);
    if (error < 0) {
        fail(start, "set its limits", error);
    }
    umask(plan->umask);
    reset_signals();
    error = watch_execs(start);
    if (error < 0) {
        fail(start, "have its programs recorded", error);
    }
    error = layer_is_off("seccomp") ? 0 : syscall_filter_load(start->filter);
    if (error < 0) {
        fail(start, "load the system call filter", error);
    }
    fail(start, "execve", execute(plan));
}
