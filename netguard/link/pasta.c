#include "netguard/link/pasta.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netguard/child_process.h"
#include "netguard/clock.h"
#include "shared/base/cleanup.h"
#include "shared/confine/descriptors.h"
#include "shared/confine/privileges.h"

#define CONNECT_MS 5000U
#define PATH_TEXT  64

/* The host's administrator chose these; the caller's PATH is not asked. */
static const char *const places[] = {"/usr/bin/pasta", "/usr/local/bin/pasta", "/bin/pasta"};

static const char *find_pasta(void)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (access(places[i], X_OK) == 0) {
            return places[i];
        }
    }
    return NULL;
}

static _Noreturn void become_pasta(pid_t guard, pid_t keeper)
{
    char netns[PATH_TEXT], userns[PATH_TEXT];
    const char *words[] = {"pasta",   "--foreground", "--quiet",  "--config-net", "--no-map-gw",
                           "-I",      "uplink0",      "-t",       "none",         "-u",
                           "none",    "-T",           "none",     "-U",           "none",
                           "--netns", netns,          "--userns", userns,         NULL};

    snprintf(netns, sizeof(netns), "/proc/%d/ns/net", (int)guard);
    snprintf(userns, sizeof(userns), "/proc/%d/ns/user", (int)guard);
    if (process_die_with_parent(keeper, SIGKILL) < 0 || descriptors_close_except(NULL, 0) < 0 ||
        descriptors_fill_standard() < 0) {
        _exit(1);
    }
    char *const *argv = (char *const *)(const void *)words;
    sigset_t none;

    /* A service manager starts its services with SIGPIPE ignored, which older pastas take for a
     * failure. */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    execv(find_pasta(), argv);
    _exit(1);
}

/* Waits for the order, then for the end of either side. */
static _Noreturn void keep(int socket)
{
    struct pollfd ended = {.fd = socket, .events = POLLIN};
    pid_t keeper = getpid(), guard, pasta;

    if (descriptors_close_except(&socket, 1) < 0 || descriptors_fill_standard() < 0 ||
        recv(socket, &guard, sizeof(guard), 0) != sizeof(guard)) {
        _exit(1);
    }
    pasta = fork();
    if (pasta == 0) {
        become_pasta(guard, keeper);
    }
    while (pasta > 0) {
        if (poll(&ended, 1, 200) != 0) {
            kill(pasta, SIGKILL);
            break;
        }
        if (waitpid(pasta, NULL, WNOHANG) != 0) {
            break;
        }
    }
    _exit(0);
}

pid_t pasta_keeper_start(int *ret_socket, struct failure *reterr)
{
    int ends[2];
    pid_t pid;

    if (find_pasta() == NULL) {
        failure_set(reterr, -ENOENT, "there is no pasta on this machine");
        failure_set_needed(reterr, "--uplink pasta");
        failure_set_mend(reterr, "apt install passt");
        return -ENOENT;
    }
    pid = child_process_start(ends, reterr);
    if (pid == 0) {
        keep(ends[1]);
    }
    if (pid > 0) {
        *ret_socket = ends[0];
    }
    return pid;
}

/* Up, and with an address that is not only the link's own. */
static bool link_is_ready(const char *link)
{
    struct ifaddrs *all, *one;
    bool ready = false;

    if (getifaddrs(&all) < 0) {
        return false;
    }
    for (one = all; one != NULL; one = one->ifa_next) {
        if (one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET &&
            strcmp(one->ifa_name, link) == 0 && (one->ifa_flags & IFF_UP) != 0) {
            ready = true;
        }
    }
    freeifaddrs(all);
    return ready;
}

int pasta_connect(int keeper, bool owned, const char *link, struct failure *reterr)
{
    pid_t guard = getpid();
    struct pollfd ended = {.fd = keeper, .events = POLLIN};
    uint64_t until = clock_now_ms() + CONNECT_MS;

    if (!owned) {
        failure_set(reterr, -EPERM, "pasta carries no network that root has made");
        failure_set_needed(reterr, "--uplink pasta");
        failure_set_mend(reterr, "--uplink veth, or start it as an ordinary user");
        return -EPERM;
    }
    if (send(keeper, &guard, sizeof(guard), MSG_NOSIGNAL) != sizeof(guard)) {
        return failure_set(reterr, -EPIPE, "pasta's keeper does not answer");
    }
    while (!link_is_ready(link)) {
        if (poll(&ended, 1, 20) != 0 || clock_now_ms() > until) {
            failure_set(reterr, -ENETUNREACH, "pasta did not connect the guard's namespace");
            failure_set_needed(reterr, "--uplink pasta");
            failure_set_mend(reterr,
                             "check that /dev/net/tun can be opened and that the host has a "
                             "default route");
            return -ENETUNREACH;
        }
    }
    return 0;
}
