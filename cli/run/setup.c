#include "cli/run/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/run/first_process.h"
#include "cli/run/messages.h"
#include "cli/run/test_hooks.h"
#include "cli/run/view.h"
#include "cli/run/view_files.h"
#include "cli/run/view_names.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/confine/descriptors.h"
#include "shared/confine/namespaces.h"
#include "shared/confine/privileges.h"
#include "shared/confine/process_handle.h"
#include "shared/confine/syscall_filter.h"

static int fail(struct failure *failure, int error, const char *what)
{
    return failure_set(failure, error, "cannot %s: %s", what, strerror(-error));
}

#define KEPT_MAX 512

/* What belongs to the caller or to other parts of the run must not come along. */
static int keep_only_ours(const struct setup *setup)
{
    const struct extra_binds *binds = &setup->plan->binds;
    int kept[KEPT_MAX] = {setup->socket, setup->streams->inner[0], setup->streams->inner[1],
                          setup->streams->inner[2]};
    size_t count = 4;
    int error;

    if (binds->count > KEPT_MAX - count) {
        return -E2BIG;
    }
    for (size_t i = 0; i < binds->count; i++) {
        kept[count++] = binds->items[i].fd;
    }
    error = descriptors_close_except(kept, count);
    /* 0 to 2 stay taken until the command gets its own: nothing else may become one of them. */
    return error < 0 ? error : descriptors_fill_standard();
}

static int join_network(const struct setup *setup, char resolver[static VIEW_RESOLVER_SIZE],
                        struct failure *failure)
{
    struct message message = {0};
    int fds[MESSAGE_FDS_MAX] = {-1, -1};
    size_t count = MESSAGE_FDS_MAX;
    int error = message_receive(setup->socket, &message, fds, &count, failure);

    if (error < 0) {
        return error;
    }
    if (message.kind != MESSAGE_ENTER) {
        return -EPROTO;
    }
    snprintf(resolver, VIEW_RESOLVER_SIZE, "%s", message.resolver);
    /* First the owner: it gives the right to enter the other one. */
    if (count > 1) {
        error = namespace_enter(fds[1], CLONE_NEWUSER);
    }
    if (error == 0 && count > 0) {
        error = namespace_enter(fds[0], CLONE_NEWNET);
    }
    for (size_t i = 0; i < count; i++) {
        close(fds[i]);
    }
    return error < 0 ? fail(failure, error, "enter the guarded network namespace") : (int)count;
}

static int make_namespaces(const struct setup *setup, bool own_network, struct failure *failure)
{
    const int types = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWCGROUP |
                      (own_network ? CLONE_NEWNET : 0) |
                      (layer_is_off("ipc-namespace") ? 0 : CLONE_NEWIPC);
    const struct message want_maps = {.kind = MESSAGE_WANT_MAPS};
    const uid_t own_uid = geteuid();
    const gid_t own_gid = getegid();
    int error = namespace_new(types);

    if (error < 0) {
        fail(failure, error, "make namespaces");
        failure_set_mend(failure, "failcore doctor says what stops user namespaces here");
        return error;
    }
    if (setup->plan->identity.separate) {
        error = message_send(setup->socket, &want_maps, NULL, 0);
        if (error == 0) {
            error = message_expect(setup->socket, MESSAGE_MAPS_READY, NULL, 0, failure);
        }
    } else {
        error = identity_write_maps(&setup->plan->identity, 0, own_uid, own_gid);
    }
    if (error < 0) {
        return fail(failure, error, "map the run's user id");
    }
    if (own_network) {
        error = namespace_loopback_up();
        if (error < 0) {
            return fail(failure, error, "bring up the loopback");
        }
    }
    return sethostname(VIEW_HOST_NAME, strlen(VIEW_HOST_NAME)) < 0
               ? fail(failure, -errno, "set the host name")
               : 0;
}

/* Opened inside the user namespace, or the kernel refuses the mount, and before the id changes,
 * which the device's mode may not allow afterwards. */
static int open_fuse(struct failure *failure)
{
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        int error = -errno;

        fail(failure, error, "open /dev/fuse");
        failure_set_mend(failure, error == -EACCES ? "chmod 666 /dev/fuse (as root)"
                                                   : "modprobe fuse (as root)");
        return error;
    }
    return fd;
}

static int become_keeper(const struct identity *identity)
{
    if (identity->separate &&
        (setresgid(identity->keeper_gid, identity->keeper_gid, identity->keeper_gid) < 0 ||
         setresuid(identity->keeper_uid, identity->keeper_uid, identity->keeper_uid) < 0)) {
        return -errno;
    }
    return 0;
}

/* What the server gets: the devices of both its mounts and the names in the second. */
struct served {
    int workspace;
    int root;
    int names;
};

static void served_close(struct served *served)
{
    close_fd(&served->workspace);
    close_fd(&served->root);
    close_fd(&served->names);
}

/* The supervisor hands it to the server; no copy stays here. */
static int hand_over(const struct setup *setup, struct served *served)
{
    const struct message mounted = {.kind = MESSAGE_MOUNTED};
    const int fds[] = {served->workspace, served->root, served->names};
    int error = message_send(setup->socket, &mounted, fds, sizeof(fds) / sizeof(fds[0]));

    served_close(served);
    return error;
}

/* As a file, since it can be larger than a message. */
static int print_names(const struct view_tree *names, struct failure *failure)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int file = view_tree_print(names, &text);

    file = file < 0 ? file : memory_file_from("failcore-view", text.bytes, text.length);
    return file < 0 ? fail(failure, file, "write down the names of the view") : file;
}

static int start_first_process(const struct setup *setup, int root,
                               const struct syscall_filter *filter)
{
    const struct message started = {.kind = MESSAGE_STARTED};
    AUTO_CLOSE int handle = -1;
    pid_t pid = process_fork_for_parent(&handle);

    if (pid < 0) {
        return (int)pid;
    }
    if (pid == 0) {
        const struct first_process first = {
            .plan = setup->plan,
            .filter = filter,
            .root = root,
            .socket = setup->socket,
            .streams = setup->streams,
            .original_arguments = setup->original_arguments,
            .original_count = setup->original_count,
        };

        first_process_run(&first);
    }
    return message_send(setup->socket, &started, &handle, 1);
}

/* While the supervisor starts the other parts. */
static int build_filter(const struct setup *setup, struct syscall_filter *ret_filter,
                        struct failure *failure)
{
    const struct syscall_filter_options options = {
        .nested = setup->plan->settings.nested,
        .memory_files_noexec = setup->plan->executables.allow_list,
        .io_uring = setup->plan->settings.io_uring,
    };
    int error = syscall_filter_build(&options, ret_filter);

    return error < 0 ? fail(failure, error, "build the system call filter") : 0;
}

static int run(const struct setup *setup, struct failure *failure)
{
    AUTO(syscall_filter_clear) struct syscall_filter filter = {0};
    AUTO(view_tree_clear) struct view_tree names = {0};
    AUTO(served_close) struct served served = {-1, -1, -1};
    AUTO(view_close) struct view view = {-1, -1};
    char resolver[VIEW_RESOLVER_SIZE];
    int entered;
    int error = keep_only_ours(setup);

    if (error < 0) {
        return fail(failure, error, "close descriptors");
    }
    error = build_filter(setup, &filter, failure);
    error = error < 0 ? error : view_names_collect(setup->plan, &names, failure);
    if (error < 0) {
        return error;
    }
    served.names = print_names(&names, failure);
    if (served.names < 0) {
        return served.names;
    }
    entered = join_network(setup, resolver, failure);
    if (entered < 0) {
        return entered;
    }
    error = make_namespaces(setup, entered == 0 && !layer_is_off("net-namespace"), failure);
    if (error < 0) {
        return error;
    }
    served.workspace = open_fuse(failure);
    served.root = served.workspace < 0 ? -1 : open_fuse(failure);
    if (served.root < 0) {
        return served.workspace < 0 ? served.workspace : served.root;
    }
    umask(0); /* modes here are meant as written */
    error = become_keeper(&setup->plan->identity);
    if (error < 0) {
        return fail(failure, error, "take the run's user id");
    }
    error = view_open(setup->plan, served.workspace, served.root, &view, failure);
    if (error < 0) {
        return error;
    }
    error = hand_over(setup, &served);
    if (error < 0) {
        return fail(failure, error, "hand over the mount");
    }
    error = view_build(setup->plan, &names, resolver, &view, failure);
    if (error < 0) {
        return error;
    }
    error = start_first_process(setup, view.root, &filter);
    return error < 0 ? fail(failure, error, "make the run's first process") : 0;
}

_Noreturn void setup_run(const struct setup *setup)
{
    struct failure failure = {0};
    int error = run(setup, &failure);

    if (error < 0) {
        fail(&failure, error, "prepare the run");
        message_send_failure(setup->socket, error, &failure);
        _exit(125);
    }
    _exit(0);
}
