#include "netguard/child_process.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/confine/capabilities.h"
#include "shared/confine/descriptors.h"
#include "shared/confine/namespaces.h"
#include "shared/confine/privileges.h"

#define NOBODY 65534

pid_t child_process_start(int ret_sockets[static 2], struct failure *reterr)
{
    pid_t parent = getpid(), pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_sockets) < 0) {
        return failure_set(reterr, -errno, "cannot make a socket pair: %s", strerror(errno));
    }
    pid = fork();
    if (pid < 0) {
        int error = -errno;

        close_fd(&ret_sockets[0]);
        close_fd(&ret_sockets[1]);
        return failure_set(reterr, error, "cannot fork: %s", strerror(-error));
    }
    if (pid > 0) {
        close_fd(&ret_sockets[1]);
        return pid;
    }
    close_fd(&ret_sockets[0]);
    if (process_die_with_parent(parent, SIGKILL) < 0) {
        _exit(1);
    }
    return 0;
}

/* Root without capabilities still owns root's files: become nobody (SR1). Inside a user namespace
 * uid 0 is the ordinary user who started us, and there is nobody else to become. */
static int leave_root(void)
{
    if (geteuid() != 0 || !namespace_user_is_initial()) {
        return 0;
    }
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0) {
        return -errno;
    }
    return 0;
}

int child_process_confine(enum guard_process process, const int *kept, size_t count)
{
    pid_t parent = getppid();
    int error = descriptors_close_except(kept, count);

    prctl(PR_SET_NAME, process == GUARD_RESOLVER ? "failcore-dns" : "failcore-ask");
    if (error == 0) {
        error = descriptors_fill_standard();
    }
    if (error == 0) {
        error = privileges_forbid_new();
    }
    if (error == 0) {
        error = capabilities_bound(CAPABILITIES_NONE);
    }
    if (error == 0) {
        error = leave_root();
    }
    if (error == 0) {
        error = capabilities_keep_only(CAPABILITIES_NONE);
    }
    if (error == 0) {
        error = process_hide();
    }
    if (error == 0) {
        error = process_forbid_core();
    }
    if (error == 0) {
        error = process_die_with_parent(parent, SIGKILL); /* the change of uid has cleared it */
    }
    return error < 0 ? error : guard_calls_enter(process);
}
