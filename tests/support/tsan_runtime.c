/*
 * Linked into every program of a ThreadSanitizer build, and into no other: what its runtime leaves
 * out.
 *
 * Namespaces. The kernel makes no user namespace for a process of two threads, and lets none change
 * its mounts; the runtime has a thread of its own in each process that was forked. It ends that one
 * when it hears that a sandbox begins (__sanitizer_sandbox_on_notify), if it knows how: since the
 * program's first thread.
 *
 * pthread_clockjoin_np(3), which it does not see: threads that were joined would be leaks, and what
 * they did before their end would race with what follows.
 *
 * Reports. A daemon's end may go unnoticed, and its environment is not the test's: the options are
 * built in, the first finding ends the program, and lies in TSAN_REPORTS for scripts/test to find.
 */
#include <errno.h>
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
    return "halt_on_error=1:second_deadlock_stack=1:log_path=" TSAN_REPORTS;
}

static bool ended;

static void has_one_again(void)
{
    ended = false;
}

static void *nothing(void *unused)
{
    return unused;
}

__attribute__((constructor)) static void make_first_thread(void)
{
    pthread_t thread;

    if (pthread_atfork(NULL, NULL, has_one_again) != 0 ||
        pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0) {
        abort();
    }
}

/*
 * Only after the kernel has refused: a child of clone(2) has no such thread to wait for. One that
 * was waited for may still be on its way out of the kernel.
 */
static bool end_runtime_thread(void)
{
    __sanitizer_sandbox_arguments none = {0};

    if (errno != EINVAL || ended) {
        return false;
    }
    ended = true;
    __sanitizer_sandbox_on_notify(&none);
    usleep(10000);
    return true;
}

int unshare(int flags)
{
    long result = syscall(SYS_unshare, flags);

    if (result < 0 && end_runtime_thread()) {
        result = syscall(SYS_unshare, flags);
    }
    return (int)result;
}

int setns(int fd, int type)
{
    long result = syscall(SYS_setns, fd, type);

    if (result < 0 && end_runtime_thread()) {
        result = syscall(SYS_setns, fd, type);
    }
    return (int)result;
}

int pthread_clockjoin_np(pthread_t thread, void **ret_value, clockid_t clock,
                         const struct timespec *until)
{
    const long second = 1000000000;
    struct timespec now;
    struct timespec end;

    clock_gettime(clock, &now);
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += until->tv_sec - now.tv_sec;
    end.tv_nsec += until->tv_nsec - now.tv_nsec;
    if (end.tv_nsec < 0) {
        end.tv_sec--;
        end.tv_nsec += second;
    } else if (end.tv_nsec >= second) {
        end.tv_sec++;
        end.tv_nsec -= second;
    }
    return pthread_timedjoin_np(thread, ret_value, &end);
}
