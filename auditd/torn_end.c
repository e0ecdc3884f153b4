#include "auditd/torn_end.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

static int save(const struct torn_end *torn, int recovered)
{
    AUTO_CLOSE int fd = -1;
    char name[64];
    int error;

    snprintf(name, sizeof(name), "%" PRIu64 "-%lld.torn", torn->seq, (long long)time(NULL));
    fd = openat(recovered, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    error = write_all(fd, torn->text.bytes, torn->text.length);
    if (error == 0 && fsync(fd) < 0) {
        error = -errno;
    }
    if (error < 0) {
        unlinkat(recovered, name, 0); /* half of it takes room, and says nothing */
    }
    return error;
}

int torn_end_settle(struct torn_end *torn, int recovered, int segment, uint64_t segment_bytes)
{
    int error;

    if (torn->text.length == 0) {
        return 0;
    }
    error = save(torn, recovered);
    if (error == 0 && (ftruncate(segment, (off_t)segment_bytes) < 0 || fsync(segment) < 0)) {
        error = -errno;
    }
    if (error == 0) {
        torn_end_clear(torn);
    }
    return error;
}

void torn_end_clear(struct torn_end *torn)
{
    text_buffer_clear(&torn->text);
}
