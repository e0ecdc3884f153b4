/*
 * A wall clock that a test sets, for the programs of one directory and not for the machine.
 *
 * The linker leads our programs' calls of clock_gettime() and time() here (--wrap,
 * clock_step.cmake). What is added to CLOCK_REALTIME are the nanoseconds, eight bytes, in the file
 * `clock-step` beside the program. It is mapped before main: so whoever has confined itself sees
 * each change as well.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const _Atomic int64_t *step_ns;

int __real_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time);
time_t __wrap_time(time_t *ret_time);

__attribute__((constructor)) static void map_step(void)
{
    char program[PATH_MAX], path[PATH_MAX + 16];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    char *name;
    void *mapped;
    int fd;

    if (length < 0) {
        return;
    }
    program[length] = '\0';
    name = strrchr(program, '/');
    if (name == NULL) {
        return;
    }
    *name = '\0';
    snprintf(path, sizeof(path), "%s/clock-step", program);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    mapped = mmap(NULL, sizeof(*step_ns), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    step_ns = mapped == MAP_FAILED ? NULL : mapped;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    int result = __real_clock_gettime(clock, ret_time);
    int64_t nanoseconds;

    if (result < 0 || step_ns == NULL ||
        (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) {
        return result;
    }
    nanoseconds = (int64_t)ret_time->tv_sec * 1000000000 + ret_time->tv_nsec + atomic_load(step_ns);
    ret_time->tv_sec = nanoseconds / 1000000000;
    ret_time->tv_nsec = nanoseconds % 1000000000;
    return 0;
}

time_t __wrap_time(time_t *ret_time)
{
    struct timespec now = {0};

    __wrap_clock_gettime(CLOCK_REALTIME, &now);
    if (ret_time != NULL) {
        *ret_time = now.tv_sec;
    }
    return now.tv_sec;
}
