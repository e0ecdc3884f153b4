#include "auditd/service.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/audit/directory.h"
#include "shared/base/cleanup.h"

/* SR28: mapped for writing once, here; from then on nobody can map or write it. */
static int make_state(struct service *service)
{
    AUTO_CLOSE int fd = memfd_create("failcore-writer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *mapped;

    if (fd < 0 || ftruncate(fd, (off_t)STATE_BYTES) < 0) {
        return -errno;
    }
    mapped = mmap(NULL, STATE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        return -errno;
    }
    service->state = mapped;
    service->lines = (struct ring_state *)(void *)((uint8_t *)mapped + sizeof(struct writer_state));
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) <
        0) {
        return -errno;
    }
    service->state_file = take_fd(&fd);
    atomic_store(&service->state->condition, WRITER_OK);
    return 0;
}

/* Bound under another name and renamed: a name that exists always leads to a listening socket. */
static int make_listener(struct service *service, const char *directory)
{
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    AUTO_CLOSE int parent = -1;
    char temporary[PATH_MAX];
    struct sockaddr_un address;
    struct stat status;
    int error;

    if (fd < 0) {
        return -errno;
    }
    error = audit_socket_path(directory, service->socket_path);
    if (error < 0) {
        return error;
    }
    if (snprintf(temporary, sizeof(temporary), "%s.new", directory) >= (int)sizeof(temporary)) {
        return -ENAMETOOLONG;
    }
    error = audit_socket_address(temporary, &address, &parent);
    if (error < 0) {
        return error;
    }
    unlink(address.sun_path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 128) < 0 ||
        rename(address.sun_path, service->socket_path) < 0) {
        return -errno;
    }
    if (stat(service->socket_path, &status) < 0) {
        return -errno;
    }
    service->socket_inode = status.st_ino;
    service->listener = take_fd(&fd);
    return 0;
}

/* Its name is not ours to remove: socket_inode stays 0. */
static int borrow_listener(struct service *service, int listener)
{
    int type = 0;
    socklen_t length = sizeof(type);
    int flags = fcntl(listener, F_GETFL);

    if (getsockopt(listener, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || flags < 0) {
        return -errno;
    }
    if (type != SOCK_SEQPACKET) {
        return -EPROTOTYPE;
    }
    service->listener = fcntl(listener, F_DUPFD_CLOEXEC, 0);
    return service->listener < 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int service_open(struct service *service, const char *directory, int listener,
                 struct failure *reterr)
{
    int error;

    *service = (struct service){.listener = -1, .wake = -1, .state_file = -1};
    service->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    error = service->wake < 0 ? -errno : make_state(service);
    if (error == 0) {
        error =
            listener >= 0 ? borrow_listener(service, listener) : make_listener(service, directory);
    }
    if (error < 0) {
        service_close(service);
        return failure_set(reterr, error, "cannot serve the audit directory %s: %s", directory,
                           strerror(-error));
    }
    return 0;
}

void service_close(struct service *service)
{
    struct stat status;

    if (service->listener >= 0 && stat(service->socket_path, &status) == 0 &&
        status.st_ino == service->socket_inode) {
        unlink(service->socket_path);
    }
    if (service->state != NULL) {
        munmap(service->state, STATE_BYTES);
        service->state = NULL;
    }
    close_fd(&service->listener);
    close_fd(&service->wake);
    close_fd(&service->state_file);
}
