#include "netguard/netns/netns_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define SOCKET_NAME "control"
#define LOCK_NAME   "lock"
#define WORDS_NAME  "policies"
#define WORDS_MAX   (256U << 10)

bool netns_name_is_valid(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t length = strlen(name);

    return length > 0 && length <= NETNS_NAME_MAX && strspn(name, allowed) == length &&
           name[0] != '-';
}

static int explain(struct failure *reterr, int error, const char *what, const char *path)
{
    failure_set(reterr, error, "%s %s: %s", what, path, strerror(-error));
    return error;
}

/* Opens a directory below another, making it when it is not there; ours alone. */
static int open_directory(int parent, const char *name, bool create)
{
    int fd;

    if (create && mkdirat(parent, name, 0700) < 0 && errno != EEXIST) {
        return -errno;
    }
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int netns_root_open(char path[static 200], struct failure *reterr)
{
    static const char *const below[] = {"failcore", "netns"};
    const char *runtime = geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
    AUTO_CLOSE int fd = -1;

    if (runtime == NULL || runtime[0] != '/' || strlen(runtime) > 150) {
        failure_set(reterr, -ENOENT, "XDG_RUNTIME_DIR names no directory");
        failure_set_mend(reterr, "export XDG_RUNTIME_DIR=/run/user/$(id -u)");
        return -ENOENT;
    }
    snprintf(path, 200, "%s/failcore/netns", runtime);
    fd = open(runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return explain(reterr, -errno, "cannot open", runtime);
    }
    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
        int next = open_directory(fd, below[i], true);

        if (next < 0) {
            return explain(reterr, next, "cannot open", path);
        }
        close(fd);
        fd = next;
    }
    return take_fd(&fd);
}

int netns_place_open(const char *name, bool create, struct netns_place *ret_place,
                     struct failure *reterr)
{
    struct netns_place place = {.directory = -1, .lock = -1};
    char root_path[200];
    AUTO_CLOSE int root = -1;

    if (!netns_name_is_valid(name)) {
        failure_set(reterr, -EINVAL, "not a name: %s", name);
        failure_set_mend(reterr, "use a-z, 0-9, _ and - only");
        return -EINVAL;
    }
    root = netns_root_open(root_path, reterr);
    if (root < 0) {
        return root;
    }
    snprintf(place.name, sizeof(place.name), "%s", name);
    if (snprintf(place.path, sizeof(place.path), "%.190s/%.64s", root_path, name) < 0) {
        return -EINVAL;
    }
    place.directory = open_directory(root, name, create);
    if (place.directory < 0) {
        failure_set(reterr, place.directory, "there is no network named %s", name);
        failure_set_mend(reterr, "failcore-netns create %s", name);
        return place.directory;
    }
    place.lock =
        openat(place.directory, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (place.lock < 0 || flock(place.lock, LOCK_EX) < 0) {
        int error = -errno;

        netns_place_close(&place);
        return explain(reterr, error, "cannot lock", root_path);
    }
    *ret_place = place;
    return 0;
}

void netns_place_close(struct netns_place *place)
{
    close_fd(&place->lock);
    close_fd(&place->directory);
}

/* A file is remembered by its whole path: the next caller may be elsewhere. */
static void add_word(struct text_buffer *text, const char *word)
{
    AUTO_FREE char *path = NULL;
    size_t length = strlen(word);

    if (strchr(word, '/') != NULL || (length > 5 && strcmp(word + length - 5, ".yaml") == 0)) {
        path = realpath(word, NULL);
    }
    text_buffer_printf(text, "%s\n", path == NULL ? word : path);
}

int netns_place_write_policies(const struct netns_place *place, const char *const *words,
                               size_t count, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {.limit = WORDS_MAX};
    AUTO_CLOSE int fd = openat(place->directory, WORDS_NAME,
                               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error = fd < 0 ? -errno : 0;

    for (size_t i = 0; i < count; i++) {
        add_word(&text, words[i]);
    }
    if (error == 0) {
        error = text_buffer_error(&text);
    }
    if (error == 0) {
        error = write_all(fd, text_buffer_text(&text), text.length);
    }
    return error < 0 ? explain(reterr, error, "cannot write in", place->path) : 0;
}

int netns_place_read_policies(const struct netns_place *place, char **ret_text, const char **words,
                              size_t room, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO_CLOSE int fd = openat(place->directory, WORDS_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int error = fd < 0 ? -errno : read_to_end(fd, WORDS_MAX, &text), count = 0;

    if (error < 0) {
        return explain(reterr, error, "cannot read the policy's words in", place->path);
    }
    *ret_text = text_buffer_take(&text);
    if (*ret_text == NULL) {
        return -ENOMEM;
    }
    for (char *line = *ret_text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        if ((size_t)count == room) {
            break;
        }
        *end = '\0';
        words[count++] = line;
    }
    return count;
}

void netns_place_remove(struct netns_place *place)
{
    (void)unlinkat(place->directory, SOCKET_NAME, 0);
    (void)unlinkat(place->directory, WORDS_NAME, 0);
    (void)unlinkat(place->directory, LOCK_NAME, 0);
    (void)rmdir(place->path);
}

/* Through the directory's descriptor: a path may be longer than a socket address holds. */
static struct sockaddr_un address_in(int directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET_NAME,
             directory);
    return address;
}

/* Connecting, sending and receiving: a guard that is stopped does none of it. */
static int limit_patience(int fd)
{
    static const struct timeval patience = {.tv_sec = NETNS_ANSWER_SECONDS};

    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
                   setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0
               ? -errno
               : 0;
}

int netns_connect(const char *name, struct failure *reterr)
{
    char root_path[200];
    AUTO_CLOSE int root = netns_root_open(root_path, reterr), directory = -1, fd = -1;
    struct sockaddr_un address;

    if (root < 0) {
        return root;
    }
    if (!netns_name_is_valid(name)) {
        return failure_set(reterr, -EINVAL, "not a name: %s", name);
    }
    directory = open_directory(root, name, false);
    if (directory < 0) {
        return -ENOENT;
    }
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    address = address_in(directory);
    if (fd < 0 || limit_patience(fd) < 0) {
        return -errno;
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        /* A directory without a socket is what a guard leaves that ended in its first steps. */
        return errno == ENOENT ? -ECONNREFUSED : -errno;
    }
    return take_fd(&fd);
}

int netns_explain(const char *name, int error, struct failure *reterr)
{
    switch (error) {
    case -ENOENT:
        failure_set(reterr, error, "there is no network named %s", name);
        failure_set_mend(reterr, "failcore-netns create %s", name);
        return error;
    case -ECONNREFUSED:
        failure_set(reterr, error, "the guard of %s is dead; nothing leaves the network", name);
        failure_set_mend(reterr, "failcore-netns create %s", name);
        return error;
    case -EAGAIN:
        failure_set(reterr, error, "the guard of %s does not answer within %d seconds", name,
                    NETNS_ANSWER_SECONDS);
        failure_set_mend(reterr, "try again later; failcore-netns delete %s ends it", name);
        return error;
    default:
        failure_set(reterr, error, "the guard of %s broke the conversation off: %s", name,
                    strerror(-error));
        failure_set_mend(reterr, "failcore-netns list");
        return error;
    }
}

int netns_bind(const struct netns_place *place, struct failure *reterr)
{
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = address_in(place->directory);

    (void)unlinkat(place->directory, SOCKET_NAME, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        return explain(reterr, -errno, "cannot make a socket in", place->path);
    }
    return take_fd(&fd);
}
