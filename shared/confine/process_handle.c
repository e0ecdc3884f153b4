#include "shared/confine/process_handle.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int process_handle_open(pid_t pid)
{
    long fd = syscall(SYS_pidfd_open, pid, 0);

    return fd < 0 ? -errno : (int)fd;
}

int process_handle_signal(int handle, int signal)
{
    return syscall(SYS_pidfd_send_signal, handle, signal, NULL, 0) < 0 ? -errno : 0;
}

int process_handle_wait(int handle, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = handle, .events = POLLIN};
    int ready;

    do {
        ready = poll(&poll_fd, 1, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0) {
        return -errno;
    }
    return ready == 0 ? -ETIMEDOUT : 0;
}

bool process_handle_ended(int handle)
{
    return process_handle_wait(handle, 0) == 0;
}

bool process_handle_stopped(int handle)
{
    siginfo_t info = {0};

    return waitid((idtype_t)P_PIDFD, (id_t)handle, &info, WSTOPPED | WNOHANG) == 0 &&
           info.si_pid != 0 && info.si_code == CLD_STOPPED;
}

int process_handle_reap(int handle, struct process_end *ret_end)
{
    siginfo_t info = {0};
    int result;

    do {
        result = waitid((idtype_t)P_PIDFD, (id_t)handle, &info, WEXITED);
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
        return -errno;
    }
    *ret_end = info.si_code == CLD_EXITED
                   ? (struct process_end){.exit_code = info.si_status}
                   : (struct process_end){.exit_code = -1, .signal = info.si_status};
    return 0;
}

static pid_t clone_with_handle(uint64_t flags, uint64_t exit_signal, int *ret_handle)
{
    int handle = -1;
    struct clone_args args = {
        .flags = flags | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&handle,
        .exit_signal = exit_signal,
    };
    long pid = syscall(SYS_clone3, &args, sizeof(args));

    if (pid < 0) {
        return -errno;
    }
    *ret_handle = pid == 0 ? -1 : handle;
    return (pid_t)pid;
}

pid_t process_fork(int *ret_handle)
{
    AUTO_CLOSE int handle = -1;
    pid_t pid = fork(); /* glibc's: its locks and its idea of the thread are right in the child */

    if (pid < 0) {
        return -errno;
    }
    if (pid == 0) {
        *ret_handle = -1;
        return 0;
    }
    handle = process_handle_open(pid); /* our child, not waited for: the number is still its own */
    if (handle < 0) {
        int error = handle;

        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return error;
    }
    *ret_handle = take_fd(&handle);
    return pid;
}

pid_t process_fork_for_parent(int *ret_handle)
{
    /* With CLONE_PARENT the kernel wants no exit signal of its own: ours is inherited. */
    return clone_with_handle(CLONE_PARENT, 0, ret_handle);
}
