#include "shared/confine/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

int namespace_enter(int fd, int type)
{
    return setns(fd, type) < 0 ? -errno : 0;
}

int namespace_new(int types)
{
    return unshare(types) < 0 ? -errno : 0;
}

int namespace_open_own(int type)
{
    static const struct {
        int type;
        const char *path;
    } paths[] = {
        {CLONE_NEWUSER, "/proc/self/ns/user"},     {CLONE_NEWNET, "/proc/self/ns/net"},
        {CLONE_NEWNS, "/proc/self/ns/mnt"},        {CLONE_NEWPID, "/proc/self/ns/pid"},
        {CLONE_NEWIPC, "/proc/self/ns/ipc"},       {CLONE_NEWUTS, "/proc/self/ns/uts"},
        {CLONE_NEWCGROUP, "/proc/self/ns/cgroup"},
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (paths[i].type == type) {
            int fd = open(paths[i].path, O_RDONLY | O_CLOEXEC);

            return fd < 0 ? -errno : fd;
        }
    }
    return -EINVAL;
}

bool namespace_user_is_initial(void)
{
    const ino_t initial = 0xEFFFFFFDU; /* PROC_USER_INIT_INO: part of the kernel's ABI */
    struct stat stat_own;

    return stat("/proc/self/ns/user", &stat_own) == 0 && stat_own.st_ino == initial;
}

int namespace_loopback_up(void)
{
    AUTO_CLOSE int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo"};

    if (socket_fd < 0 || ioctl(socket_fd, SIOCGIFFLAGS, &request) < 0) {
        return -errno;
    }
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    return ioctl(socket_fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}
