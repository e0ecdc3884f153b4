#include "fusefs/control_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "fusefs/mount_device.h"
#include "shared/base/cleanup.h"

static const char *const words[] = {[CONTROL_RELOAD] = "reload", [CONTROL_RESUME] = "resume"};

int control_directory(char *ret_path, size_t size)
{
    const char *user = getenv("XDG_RUNTIME_DIR");
    int length;

    if (geteuid() == 0) {
        length = snprintf(ret_path, size, "/run/failcore");
    } else if (user != NULL && user[0] == '/') {
        length = snprintf(ret_path, size, "%s/failcore", user);
    } else {
        return -ENOENT;
    }
    if (length < 0 || (size_t)length >= size) {
        return -ENAMETOOLONG;
    }
    if (mkdir(ret_path, 0755) < 0 && errno != EEXIST) {
        return -errno;
    }
    return 0;
}

int control_socket_path(const char *mountpoint, char *ret_path, size_t size)
{
    char directory[80];
    unsigned int device = 0;
    int length;
    int r = mount_device_number(mountpoint, &device);

    if (r == 0) {
        r = control_directory(directory, sizeof(directory));
    }
    if (r < 0) {
        return r;
    }
    length = snprintf(ret_path, size, "%s/mount-%u.socket", directory, device);
    return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

static int address_of(const char *path, struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(ret_address->sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(ret_address->sun_path, path, strlen(path) + 1);
    return 0;
}

int control_socket_listen(const char *path)
{
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address;
    int r = address_of(path, &address);

    if (fd < 0 || r < 0) {
        return fd < 0 ? -errno : r;
    }
    (void)unlink(path); /* of a mount that had this number before and was killed */
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0600) < 0 ||
        listen(fd, 4) < 0) {
        return -errno;
    }
    return take_fd(&fd);
}

static int word_of(const char *text, enum control_word *ret_word)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i]) == 0) {
            *ret_word = (enum control_word)i;
            return 0;
        }
    }
    return -EAGAIN;
}

int control_socket_accept(int listening, enum control_word *ret_asked)
{
    AUTO_CLOSE int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    const struct timeval patience = {.tv_sec = 1};
    struct ucred peer = {0};
    socklen_t length = sizeof(peer);
    char asked[16] = "";

    if (fd < 0) {
        return -errno;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 ||
        (peer.uid != 0 && peer.uid != geteuid()) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        recv(fd, asked, sizeof(asked) - 1, 0) <= 0 || word_of(asked, ret_asked) < 0) {
        return -EAGAIN;
    }
    return take_fd(&fd);
}

int control_socket_answer(int connection, const struct control_answer *answer)
{
    return send(connection, answer, sizeof(*answer), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int control_socket_ask(const char *path, enum control_word word, struct control_answer *ret_answer)
{
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un address;
    int r = address_of(path, &address);

    if (fd < 0 || r < 0) {
        return fd < 0 ? -errno : r;
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        send(fd, words[word], strlen(words[word]), MSG_NOSIGNAL) < 0) {
        return -errno;
    }
    if (recv(fd, ret_answer, sizeof(*ret_answer), 0) != (ssize_t)sizeof(*ret_answer)) {
        return -EPROTO;
    }
    ret_answer->text[sizeof(ret_answer->text) - 1] = '\0';
    return 0;
}
