#include "auditd/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

static bool is_wanted(int directory)
{
    struct statvfs status;

    return fstatvfs(directory, &status) == 0 &&
           (uint64_t)status.f_blocks * status.f_frsize >= RESERVE_SMALLEST;
}

int reserve_hold(struct reserve *reserve)
{
    AUTO_CLOSE int fd = -1;
    int error = 0;

    reserve->wanted = is_wanted(reserve->directory);
    if (reserve->held || !reserve->wanted) {
        return 0;
    }
    fd =
        openat(reserve->directory, RESERVE_NAME, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fallocate(fd, 0, 0, (off_t)RESERVE_BYTES) < 0) {
        error = -errno;
    }
    if (error == -EOPNOTSUPP) {
        error = 0; /* no room is kept on such a file system: a hole would be none */
        reserve->wanted = false;
    }
    reserve->held = error == 0 && reserve->wanted;
    if (!reserve->held) {
        unlinkat(reserve->directory, RESERVE_NAME, 0);
    }
    return error;
}

bool reserve_spend(struct reserve *reserve)
{
    bool was_held = reserve->held;

    if (was_held) {
        unlinkat(reserve->directory, RESERVE_NAME, 0);
        reserve->held = false;
    }
    return was_held;
}
