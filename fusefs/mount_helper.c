#include "fusefs/mount_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/text_buffer.h"

#define HELPER "fusermount3"

/* Runs it to its end (which changes none of the words); 0 when it succeeded. `passed` stays open in
 * it; -1: none. */
static int run_helper(const char *const *words, char *const *environment, int passed)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    int status = 0;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0) {
        return -error;
    }
    if (passed >= 0) {
        /* Onto itself: loses its close-on-exec there and nowhere else. */
        error = posix_spawn_file_actions_adddup2(&actions, passed, passed);
    }
    if (error == 0) {
        error = posix_spawnp(&pid, HELPER, &actions, NULL, (char *const *)(uintptr_t)words,
                             environment);
    }
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        return -error;
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

static int explain(int error, const char *path, const char *what, struct failure *reterr)
{
    if (error == -ENOENT) {
        failure_set(reterr, error, "only root may %s here, and there is no " HELPER, what);
        failure_set_mend(reterr, "install fuse3, or run as root");
    } else {
        failure_set(reterr, error, HELPER " did not %s %s: %s", what, path, strerror(-error));
        failure_set_mend(reterr, "give a directory that you own; what it said stands above");
    }
    return error;
}

/* A comma ends an option: one in the name is escaped, as is what escapes. */
static void append_name(struct text_buffer *options, const char *name)
{
    for (; *name != '\0'; name++) {
        if (*name == ',' || *name == '\\') {
            text_buffer_append_char(options, '\\');
        }
        text_buffer_append_char(options, *name);
    }
}

int mount_helper_open(const char *path, const struct mount_request *request, int *ret_device,
                      struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer options = {0};
    AUTO_CLOSE int ours = -1;
    AUTO_CLOSE int theirs = -1;
    char channel[32];
    char *environment[] = {channel, NULL};
    size_t count = 1;
    char byte;
    int pair[2];
    int r;

    text_buffer_append_text(&options, "nosuid,nodev,subtype=failcore,fsname=");
    append_name(&options, request->source);
    text_buffer_append_text(&options, request->all_users ? ",allow_other" : "");
    text_buffer_append_text(&options, request->permissions ? ",default_permissions" : "");
    r = text_buffer_error(&options);
    if (r == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        r = -errno;
    }
    if (r == 0) {
        const char *const words[] = {HELPER, "-o", text_buffer_text(&options), "--", path, NULL};

        ours = pair[0];
        theirs = pair[1];
        snprintf(channel, sizeof(channel), "_FUSE_COMMFD=%d", theirs);
        r = run_helper(words, environment, theirs);
        close_fd(&theirs);
    }
    if (r == 0 && (receive_with_fds(ours, &byte, 1, ret_device, &count) != 1 || count != 1)) {
        r = -EPROTO;
    }
    return r < 0 ? explain(r, path, "mount", reterr) : 0;
}

int mount_helper_close(const char *path, bool lazily, struct failure *reterr)
{
    const char *const words[] = {
        HELPER, "-u", lazily ? "-z" : "--", lazily ? "--" : path, lazily ? path : NULL, NULL};
    char *environment[] = {NULL};
    int r = run_helper(words, environment, -1);

    return r < 0 ? explain(r, path, "unmount", reterr) : 0;
}
