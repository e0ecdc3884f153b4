#include "fusefs/server_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/confine/call_list.h"
#include "shared/confine/capabilities.h"
#include "shared/confine/descriptors.h"
#include "shared/confine/privileges.h"
#include "shared/confine/process_handle.h"
#include "shared/confine/sanitizer_syscalls.h"

#define NAME    "failcore-watch"
#define LOOK_MS 1000
#define CLOSED  'C'

/* aarch64 has no poll of the old kind: the C library uses the newer one. */
#ifndef SYS_poll
#define SYS_poll SYS_ppoll
#endif

/* name, condition, reason */
#define WATCH_SYSCALL_TABLE(ROW)                                                                   \
    ROW(poll, ANY, "waiting for the next look, or for the server's end")                           \
    ROW(pread64, ANY, "the server's state")                                                        \
    ROW(pidfd_send_signal, ANY, "ending it")                                                       \
    ROW(write, ANY, "saying so")                                                                   \
    ROW(restart_syscall, ANY, "the kernel's own way to go on waiting")                             \
    ROW(exit_group, ANY, "the end")

static const struct call_row calls[] = {
#define CALL_ROW(name, condition, reason) {SYS_##name, CALL_##condition, {0}},
    WATCH_SYSCALL_TABLE(CALL_ROW) SANITIZER_SYSCALL_TABLE(CALL_ROW) SANITIZER_MEMORY_TABLE(CALL_ROW)
#undef CALL_ROW
};

struct watch {
    int server; /* its process */
    int status; /* its /proc/PID/stat, opened by itself: nobody has to be asked for it again */
    char last_words[4352];
};

bool server_watch_is_stopped(struct str_view status)
{
    /* PID (NAME) STATE: the name may hold anything, a parenthesis as well. */
    for (size_t i = status.length; i-- > 0;) {
        if (status.bytes[i] == ')') {
            return i + 2 >= status.length || status.bytes[i + 2] == 'T' ||
                   status.bytes[i + 2] == 't';
        }
    }
    return true;
}

static bool is_stopped(const struct watch *watch)
{
    char text[256];
    ssize_t length = pread(watch->status, text, sizeof(text), 0);

    return length <= 0 || server_watch_is_stopped((struct str_view){text, (size_t)length});
}

/*
 * Looks are counted, not time: a machine that slept, or a control group that was frozen with all of
 * us in it, is no server that was stopped.
 */
static void keep_watch(const struct watch *watch)
{
    unsigned int looks = 0;

    while (process_handle_wait(watch->server, LOOK_MS) == -ETIMEDOUT) {
        looks = is_stopped(watch) ? looks + 1 : 0;
        if (looks == SERVER_WATCH_SECONDS * 1000 / LOOK_MS) {
            (void)process_handle_signal(watch->server, SIGKILL);
            (void)!write(STDERR_FILENO, watch->last_words, strlen(watch->last_words));
            return;
        }
    }
}

static int leave_everything(const struct watch *watch, int ready)
{
    const int kept[] = {STDERR_FILENO, watch->server, watch->status, ready};
    int r = descriptors_close_except(kept, sizeof(kept) / sizeof(kept[0]));

    /* The terminal's job control stops the server's process group: not us with it. */
    if (r == 0 && setsid() < 0) {
        r = -errno;
    }
    if (r == 0 && (chdir("/") < 0 || prctl(PR_SET_NAME, NAME) < 0)) {
        r = -errno;
    }
    if (r == 0) {
        r = process_hide();
    }
    if (r == 0) {
        r = privileges_forbid_new();
    }
    if (r == 0) {
        r = capabilities_keep_only(CAPABILITIES_NONE);
    }
    return r;
}

static _Noreturn void be_the_watch(const struct watch *watch, int ready)
{
    const char closed = CLOSED;

    if (leave_everything(watch, ready) == 0 && write(ready, &closed, 1) == 1) {
        close(ready);
        if (call_list_enter(calls, sizeof(calls) / sizeof(calls[0])) == 0) {
            keep_watch(watch);
        }
    }
    _exit(0); /* who is not watched any more sees it by our end */
}

int server_watch_start(const char *mountpoint, int *ret_watch, struct failure *reterr)
{
    struct watch watch = {.server = process_handle_open(getpid()), .status = -1};
    AUTO_CLOSE int server = watch.server;
    AUTO_CLOSE int status = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    AUTO_CLOSE int handle = -1;
    int ready[2] = {-1, -1};
    char said = 0;
    pid_t pid = -1;

    watch.status = status;
    snprintf(watch.last_words, sizeof(watch.last_words),
             "failcore-mount: stopped for %d seconds, and ended: %s is closed\n"
             "  needed by: whoever waits for an answer of the mount\n"
             "  try: failcore-mount --unmount %s\n",
             SERVER_WATCH_SECONDS, mountpoint, mountpoint);
    if (server >= 0 && status >= 0 && pipe2(ready, O_CLOEXEC) == 0) {
        pid = process_fork(&handle);
        if (pid == 0) {
            be_the_watch(&watch, ready[1]);
        }
        close(ready[1]);
        if (pid < 0 || read(ready[0], &said, 1) != 1) {
            said = 0;
        }
        close(ready[0]);
    }
    if (said != CLOSED) {
        failure_set(reterr, -EAGAIN, "cannot start a process that watches over the server");
        failure_set_needed(reterr, "nobody may wait for ever when the server is stopped");
        failure_set_mend(reterr, "check the number of processes this user may have (ulimit -u)");
        return -EAGAIN;
    }
    *ret_watch = take_fd(&handle);
    return 0;
}
