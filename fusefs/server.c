#include "fusefs/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "fusefs/fuse_abi.h"
#include "fusefs/request_check.h"
#include "fusefs/requests.h"
#include "fusefs/ring_transport.h"
#include "fusefs/server_confinement.h"
#include "shared/base/cleanup.h"

#define FORGETS_GATHER_NS 2000000 /* so many at once cost one awakening */

/* ---- the descriptor ------------------------------------------------------------------------- */

static ssize_t device_read(int fd, void *bytes, size_t length, void *userdata)
{
    /* Rings bring all but what is forgotten; for that nobody waits, and it comes by one. */
    static _Thread_local bool forgot;
    struct server *server = userdata;
    const struct fuse_in_header *header = bytes;
    ssize_t count;

    if (forgot && atomic_load_explicit(&server->rings_promised, memory_order_relaxed)) {
        nanosleep(&(struct timespec){.tv_nsec = FORGETS_GATHER_NS}, NULL);
    }
    forgot = false;
    count = read(fd, bytes, length);

    if (count > 0 && !request_fits(bytes, (size_t)count)) {
        errno = EPROTO; /* the library ends the session */
        return -1;
    }
    if (count >= (ssize_t)sizeof(*header)) {
        request_counts_add(&server->counts, header->opcode);
        forgot = header->opcode == FUSE_FORGET || header->opcode == FUSE_BATCH_FORGET;
    }
    if (count >= (ssize_t)sizeof(*header)) {
        request_translate(bytes);
    }
    if (count >= (ssize_t)sizeof(*header) && header->opcode == FUSE_INIT) {
        const struct fuse_init_in *init = (const void *)(header + 1);

        server->offered2 = 0;
        if (count >= (ssize_t)(sizeof(*header) + sizeof(*init)) &&
            (init->flags & FUSE_INIT_EXT) != 0) {
            server->offered2 = init->flags2;
        }
        atomic_store(&server->init_unique, header->unique);
    }
    return count;
}

static void announce(int event)
{
    const uint64_t one = 1;

    (void)!write(event, &one, sizeof(one));
}

/* INIT's reply says more than the library knows of. Only this one reply is ever touched. */
static void amend_init(struct server *server, struct fuse_abi_init_out *reply)
{
    /* We clear set-id bits where a write or truncation has to (by acting as the caller): the
     * kernel need not ask for security.capability before each small write. */
    reply->flags |= FUSE_HANDLE_KILLPRIV_V2;
    if ((reply->flags & FUSE_INIT_EXT) == 0) {
        return; /* the second word means nothing to this kernel */
    }
    if (server->options.passthrough && (server->offered2 & FUSE_ABI_PASSTHROUGH2) != 0) {
        reply->flags2 |= FUSE_ABI_PASSTHROUGH2;
        /* How many file systems may lie on one another below us, ourselves included. */
        reply->max_stack_depth = server->options.stacked ? 2 : 1;
        server->backing.enabled = true;
    }
    if ((server->offered2 & FUSE_ABI_OVER_URING2) != 0 && server->rings != NULL) {
        reply->flags2 |= FUSE_ABI_OVER_URING2;
        server->rings_promised = true;
    }
}

static ssize_t device_write(int fd, struct iovec *parts, int count, void *userdata)
{
    struct server *server = userdata;
    const struct fuse_out_header *header = parts[0].iov_base;
    uint64_t init = atomic_load_explicit(&server->init_unique, memory_order_relaxed);
    ssize_t written;

    if (ring_transport_put(parts, count)) {
        return (ssize_t)header->len;
    }
    if (init == 0 || header->unique != init) {
        return writev(fd, parts, count);
    }
    if (count > 1 && header->error == 0 && parts[1].iov_len >= sizeof(struct fuse_abi_init_out)) {
        amend_init(server, parts[1].iov_base);
    }
    written = writev(fd, parts, count);
    atomic_store(&server->init_unique, 0);
    if (written > 0 && server->rings_promised) {
        /* A ring that cannot be filled now is as good as a dead server: the kernel waits for it. */
        if (ring_transport_start(server->rings, REQUEST_DATA_MAX) < 0) {
            abort();
        }
    }
    if (written > 0 && header->error == 0) {
        announce(server->started_event);
    }
    return written;
}

/* ---- life ----------------------------------------------------------------------------------- */

int server_init(struct server *server, struct tree *tree, int device,
                const struct server_options *options, struct failure *reterr)
{
    static const struct fuse_custom_io io = {.read = device_read, .writev = device_write};
    char name[] = "failcore-mount";
    char *argv[] = {name, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, argv);
    struct fuse_lowlevel_ops table = requests_table(options->attributes, tree->options.shared);
    int r;

    *server = (struct server){
        .tree = tree,
        .options = *options,
        .device = device,
        .started_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
        .ended_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
    };
    backing_files_init(&server->backing, device);
    server->session = fuse_session_new(&args, &table, sizeof(table), server);
    fuse_opt_free_args(&args);
    if (server->session == NULL || server->started_event < 0 || server->ended_event < 0) {
        server_clear(server);
        return failure_set(reterr, -ENOMEM, "cannot prepare the FUSE session");
    }
    r = fuse_session_custom_io(server->session, &io, device);
    if (r != 0) {
        server_clear(server);
        return failure_set(reterr, -EIO, "the FUSE library does not take our device descriptor");
    }
    return 0;
}

static void *serve(void *argument)
{
    struct server *server = argument;
    struct fuse_loop_config *config = NULL;
    const struct server_confinement confinement = {
        .act_as_callers = server->tree->options.shared,
        .passthrough = server->options.passthrough,
        .owner_is_root = server->tree->owner_uid == 0,
    };

    /* A thread that cannot be confined answers nobody: the mount ends instead. */
    if (server_confine(&confinement) == 0) {
        config = fuse_loop_cfg_create();
    }
    if (config != NULL) {
        fuse_loop_cfg_set_clone_fd(config, 0);
        fuse_loop_cfg_set_max_threads(config, server->options.threads);
        (void)fuse_session_loop_mt(server->session, config);
        fuse_loop_cfg_destroy(config);
    }
    announce(server->ended_event);
    return NULL;
}

/* The module's switch, which INIT goes by as well. */
static bool rings_are_offered(void)
{
    AUTO_CLOSE int fd = open("/sys/module/fuse/parameters/enable_uring", O_RDONLY | O_CLOEXEC);
    char text[2] = "";

    return fd >= 0 && read(fd, text, 1) == 1 && text[0] == 'Y';
}

int server_start(struct server *server, struct failure *reterr)
{
    sigset_t all;
    sigset_t before;
    int error;

    /* Before the threads are confined: no ring is made afterwards. */
    if (rings_are_offered()) {
        (void)ring_transport_new(server->session, server->device, &server->counts, &server->rings);
    }
    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&server->thread, NULL, serve, server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        return failure_set(reterr, -error, "cannot start a thread: %s", strerror(error));
    }
    server->running = true;
    return 0;
}

void server_print_counts(const struct server *server, struct text_buffer *text)
{
    static const char *const names[REQUEST_KINDS] = {
        [FUSE_LOOKUP] = "LOOKUP",
        [FUSE_FORGET] = "FORGET",
        [FUSE_GETATTR] = "GETATTR",
        [FUSE_SETATTR] = "SETATTR",
        [FUSE_READLINK] = "READLINK",
        [FUSE_SYMLINK] = "SYMLINK",
        [FUSE_MKNOD] = "MKNOD",
        [FUSE_MKDIR] = "MKDIR",
        [FUSE_UNLINK] = "UNLINK",
        [FUSE_RMDIR] = "RMDIR",
        [FUSE_RENAME] = "RENAME",
        [FUSE_LINK] = "LINK",
        [FUSE_OPEN] = "OPEN",
        [FUSE_READ] = "READ",
        [FUSE_WRITE] = "WRITE",
        [FUSE_STATFS] = "STATFS",
        [FUSE_RELEASE] = "RELEASE",
        [FUSE_FSYNC] = "FSYNC",
        [FUSE_SETXATTR] = "SETXATTR",
        [FUSE_GETXATTR] = "GETXATTR",
        [FUSE_LISTXATTR] = "LISTXATTR",
        [FUSE_REMOVEXATTR] = "REMOVEXATTR",
        [FUSE_FLUSH] = "FLUSH",
        [FUSE_INIT] = "INIT",
        [FUSE_OPENDIR] = "OPENDIR",
        [FUSE_READDIR] = "READDIR",
        [FUSE_RELEASEDIR] = "RELEASEDIR",
        [FUSE_FSYNCDIR] = "FSYNCDIR",
        [FUSE_ACCESS] = "ACCESS",
        [FUSE_CREATE] = "CREATE",
        [FUSE_INTERRUPT] = "INTERRUPT",
        [FUSE_DESTROY] = "DESTROY",
        [FUSE_IOCTL] = "IOCTL",
        [FUSE_BATCH_FORGET] = "BATCH_FORGET",
        [FUSE_FALLOCATE] = "FALLOCATE",
        [FUSE_READDIRPLUS] = "READDIRPLUS",
        [FUSE_RENAME2] = "RENAME2",
        [FUSE_LSEEK] = "LSEEK",
        [FUSE_COPY_FILE_RANGE] = "COPY_FILE_RANGE",
        [FUSE_SYNCFS] = "SYNCFS",
        [FUSE_ABI_TMPFILE] = "TMPFILE",
    };

    for (unsigned int i = 0; i < REQUEST_KINDS; i++) {
        uint64_t count = atomic_load(&server->counts.by_opcode[i]);

        if (count > 0) {
            text_buffer_printf(text, "%s%s %llu", text->length > 0 ? " " : "",
                               names[i] != NULL ? names[i] : "OTHER", (unsigned long long)count);
        }
    }
}

/* ---- a new policy --------------------------------------------------------------------------- */

struct revocation {
    struct server *server;
    bool names_too; /* this kernel knows no epochs: name by name */
    unsigned int still_carried;
};

static bool node_permits(struct tree *tree, const struct node *node, unsigned int needs)
{
    enum fs_operation operation;

    return needs == 0 ||
           decision_permits(node_table_decide(&tree->nodes, node, needs, &operation, NULL));
}

static void revoke_node(void *context, struct node *node)
{
    struct revocation *revocation = context;
    struct server *server = revocation->server;
    struct tree *tree = server->tree;

    /* Listings may show other names now; pages of a file only if it may still be read. */
    if (node->type == S_IFDIR || !node_permits(tree, node, 1u << FS_READ)) {
        (void)fuse_lowlevel_notify_inval_inode(server->session, node->id, 0, 0);
    }
    revocation->still_carried += open_file_count_carried(&tree->files, node, tree, node_permits);
    for (unsigned int i = 0; revocation->names_too; i++) {
        struct node *directory = NULL;
        char name[256];

        if (node_table_name(&tree->nodes, node, i, &directory, name) < 0) {
            break;
        }
        (void)fuse_lowlevel_notify_inval_entry(server->session, directory->id, name, strlen(name));
        node_table_unpin(&tree->nodes, directory);
    }
}

unsigned int server_revoke(struct server *server)
{
    const struct fuse_out_header epoch = {
        .len = sizeof(epoch),
        .error = FUSE_ABI_NOTIFY_INC_EPOCH,
    };
    struct revocation revocation = {.server = server};

    revocation.names_too = write(server->device, &epoch, sizeof(epoch)) != sizeof(epoch);
    node_table_each(&server->tree->nodes, revoke_node, &revocation);
    return revocation.still_carried;
}

const char *server_transport(const struct server *server)
{
    if (server->rings_promised) {
        return "io_uring";
    }
    return (server->offered2 & FUSE_ABI_OVER_URING2) != 0
               ? "/dev/fuse (rings could not be made)"
               : "/dev/fuse (the kernel offers no rings: fuse.enable_uring)";
}

const char *server_data_path(const struct server *server)
{
    int error = atomic_load(&server->backing.error);

    if (!server->options.passthrough) {
        return "by this program";
    }
    if (!server->backing.enabled) {
        return "by this program (the kernel has no passthrough)";
    }
    return error == 0 ? "by the kernel" : "by this program where the kernel refused";
}

bool server_wait(const struct server *server, int timeout_ms)
{
    struct pollfd ended = {.fd = server->ended_event, .events = POLLIN};

    return poll(&ended, 1, timeout_ms) > 0;
}

void server_leave(struct server *server)
{
    if (server->running && server_wait(server, 0)) {
        pthread_join(server->thread, NULL);
    } else if (server->running) {
        pthread_detach(server->thread);
    }
    server->running = false;
}

void server_clear(struct server *server)
{
    if (server->running) {
        fuse_session_exit(server->session);
        pthread_join(server->thread, NULL);
        server->running = false;
    }
    ring_transport_free(server->rings);
    server->rings = NULL;
    if (server->session != NULL) {
        fuse_session_destroy(server->session);
        server->session = NULL;
    }
    close_fd(&server->started_event);
    close_fd(&server->ended_event);
}
