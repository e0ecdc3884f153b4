#include "shared/confine/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By the system call: glibc's close_range() and older kernel headers need not agree. */
static int close_span(unsigned int first, unsigned int last)
{
    return syscall(SYS_close_range, first, last, 0) < 0 ? -errno : 0;
}

static void sort(int *fds, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        int fd = fds[i];
        size_t j = i;

        for (; j > 0 && fds[j - 1] > fd; j--) {
            fds[j] = fds[j - 1];
        }
        fds[j] = fd;
    }
}

int descriptors_close_except(const int *kept, size_t count)
{
    int sorted[DESCRIPTORS_KEPT_MAX];
    unsigned int first = 0;

    if (count > DESCRIPTORS_KEPT_MAX) {
        return -E2BIG;
    }
    if (count > 0) { /* else kept may be NULL */
        memcpy(sorted, kept, count * sizeof(*kept));
    }
    sort(sorted, count);
    for (size_t i = 0; i < count; i++) {
        unsigned int fd = (unsigned int)sorted[i];

        if (sorted[i] < 0 || fd < first) {
            continue; /* absent, or named twice */
        }
        if (fd > first) {
            int error = close_span(first, fd - 1);

            if (error < 0) {
                return error;
            }
        }
        first = fd + 1;
    }
    return close_span(first, UINT_MAX);
}

int descriptor_inherit(int fd)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags < 0 || fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) < 0) {
        return -errno;
    }
    return 0;
}

int descriptors_fill_standard(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        int opened;

        if (fcntl(fd, F_GETFD) >= 0) {
            continue;
        }
        /* The lowest free number is this one: all below it are open. Meant to be inherited. */
        opened = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (opened < 0) {
            return -errno;
        }
        if (opened != fd) {
            close(opened);
            return -EBADF;
        }
        if (descriptor_inherit(fd) < 0) {
            return -errno;
        }
    }
    return 0;
}
