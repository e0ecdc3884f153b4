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

struct wanted {
    pid_t guard;
    char owned; /* bool that crosses a socket */
};

static const char *find_pasta(void)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (access(places[i], X_OK) == 0) {
            return places[i];
        }
    }
    return NULL;
}

static _Noreturn void become_pasta(const struct wanted *wanted, pid_t keeper)
{
    char netns[PATH_TEXT], userns[PATH_TEXT];
    const char *words[24] = {"pasta",   "--foreground", "--quiet", "--config-net", "--no-map-gw",
                             "-I",      "uplink0",      "-t",      "none",         "-u",
                             "none",    "-T",           "none",    "-U",           "none",
                             "--netns", netns};
    size_t count = 17;

    snprintf(netns, sizeof(netns), "/proc/%d/ns/net", (int)wanted->guard);
    snprintf(userns, sizeof(userns), "/proc/%d/ns/user", (int)wanted->guard);
    if (wanted->owned) {
        words[count++] = "--userns";
        words[count++] = userns;
    } else {
        words[count++] = "--netns-only";
    }
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
    struct pollfd guard = {.fd = socket, .events = POLLIN};
    struct wanted wanted;
    pid_t keeper = getpid(), pasta;

    if (descriptors_close_except(&socket, 1) < 0 || descriptors_fill_standard() < 0 ||
        recv(socket, &wanted, sizeof(wanted), 0) != sizeof(wanted)) {
        _exit(1);
    }
    pasta = fork();
    if (pasta == 0) {
        become_pasta(&wanted, keeper);
    }
    while (pasta > 0) {
        if (poll(&guard, 1, 200) != 0) {
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
    struct wanted wanted = {.guard = getpid(), .owned = owned ? 1 : 0};
    struct pollfd ended = {.fd = keeper, .events = POLLIN};
    uint64_t until = clock_now_ms() + CONNECT_MS;

    if (send(keeper, &wanted, sizeof(wanted), MSG_NOSIGNAL) != sizeof(wanted)) {
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
