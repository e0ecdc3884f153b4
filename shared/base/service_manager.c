#include "shared/base/service_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/str_view.h"

#define FIRST_FD            3 /* SD_LISTEN_FDS_START */
#define BARRIER_PATIENCE_MS 10000

bool service_manager_listens(void)
{
    const char *path = getenv("NOTIFY_SOCKET");

    return path != NULL && (path[0] == '/' || path[0] == '@') && path[1] != '\0';
}

int service_manager_connect(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO_CLOSE int fd = -1;
    size_t length;

    if (!service_manager_listens()) {
        return -ENOTCONN;
    }
    length = strlen(path);
    if (length >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') {
        address.sun_path[0] = '\0'; /* an abstract name */
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0) {
        return -errno;
    }
    return take_fd(&fd);
}

static int send_state(int manager, const char *state, int fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)state, .iov_len = strlen(state)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (fd >= 0) {
        struct cmsghdr *header;

        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    }
    return sendmsg(manager, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int service_manager_say(int manager, const char *state)
{
    return manager < 0 ? 0 : send_state(manager, state, -1);
}

int service_manager_tell(const char *state)
{
    AUTO_CLOSE int manager = service_manager_connect();

    if (manager == -ENOTCONN) {
        return 0;
    }
    return manager < 0 ? manager : send_state(manager, state, -1);
}

/* The manager closes its end of the pipe when it has read all that came before. */
static int wait_for_manager(int manager)
{
    AUTO_CLOSE int ours = -1;
    AUTO_CLOSE int theirs = -1;
    struct pollfd closed = {.events = 0};
    int ends[2];
    int error;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    ours = ends[0];
    theirs = ends[1];
    error = send_state(manager, "BARRIER=1", theirs);
    if (error < 0) {
        return error;
    }
    close_fd(&theirs);
    closed.fd = ours;
    return poll(&closed, 1, BARRIER_PATIENCE_MS) == 1 ? 0 : -ETIMEDOUT;
}

int service_manager_store(const char *name, int fd)
{
    AUTO_CLOSE int manager = service_manager_connect();
    char state[256];
    int error;

    if (manager < 0) {
        return manager;
    }
    if (snprintf(state, sizeof(state), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name) >=
        (int)sizeof(state)) {
        return -ENAMETOOLONG;
    }
    error = send_state(manager, state, fd);
    return error < 0 ? error : wait_for_manager(manager);
}

static bool is_for_us(const char *pid)
{
    char *end;

    return pid != NULL && strtol(pid, &end, 10) == (long)getpid() && *end == '\0';
}

/* The place of a name in "one:two:three"; -1: it is not there. */
static int place_of(const char *names, const char *name)
{
    struct str_view wanted = str_view_from(name);

    for (int place = 0; names != NULL; place++) {
        const char *colon = strchr(names, ':');
        struct str_view one = str_view_from(names);

        if (colon != NULL) {
            one.length = (size_t)(colon - names);
        }
        if (one.length == wanted.length && str_view_starts_with(one, wanted)) {
            return place;
        }
        names = colon == NULL ? NULL : colon + 1;
    }
    return -1;
}

int service_manager_take(const char *name)
{
    const char *count = getenv("LISTEN_FDS");
    int place = place_of(getenv("LISTEN_FDNAMES"), name);
    char state[256];
    int error;
    int fd;

    if (!is_for_us(getenv("LISTEN_PID")) || count == NULL || place < 0 ||
        strtol(count, NULL, 10) <= place) {
        return -ENOENT;
    }
    fd = FIRST_FD + place;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        return -errno;
    }
    if (snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", name) >= (int)sizeof(state)) {
        return -ENAMETOOLONG;
    }
    error = service_manager_tell(state);
    return error < 0 ? error : fd;
}

int service_manager_watchdog_ms(void)
{
    const char *period = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    char *end;
    unsigned long long microseconds;

    if (period == NULL || (pid != NULL && !is_for_us(pid))) {
        return -1;
    }
    errno = 0;
    microseconds = strtoull(period, &end, 10);
    if (errno != 0 || *end != '\0' || microseconds < 2000 || microseconds / 2000 > INT_MAX) {
        return -1;
    }
    return (int)(microseconds / 2000);
}
