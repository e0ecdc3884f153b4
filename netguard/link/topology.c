#include "netguard/link/topology.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netguard/child_process.h"
#include "netguard/flow/flow_mark.h"
#include "netguard/link/link.h"
#include "netguard/link/sysctl.h"
#include "shared/base/cleanup.h"
#include "shared/confine/capabilities.h"
#include "shared/confine/namespaces.h"
#include "shared/confine/user_map.h"

static const struct link_end agent_end = {
    .name = "eth0",
    .mac = {0x02, 0xfc, 0, 0, 0, 2},
    .v4 = {.family = IP_V4, .bytes = {10, 77, 0, 2}},
    .v6 = {.family = IP_V6, .bytes = {0xfd, 0x77, 0, 0xfc, [15] = 2}},
};
static const struct link_end guard_end = {
    .name = TOPOLOGY_AGENT_LINK,
    .mac = {0x02, 0xfc, 0, 0, 0, 1},
    .v4 = {.family = IP_V4, .bytes = {10, 77, 0, 1}},
    .v6 = {.family = IP_V6, .bytes = {0xfd, 0x77, 0, 0xfc, [15] = 1}},
};

struct ip_address topology_agent_v4(void)
{
    return agent_end.v4;
}

struct ip_address topology_agent_v6(void)
{
    return agent_end.v6;
}

struct ip_address topology_guard_v4(void)
{
    return guard_end.v4;
}

void topology_close(struct topology *topology)
{
    close_fd(&topology->owner);
    close_fd(&topology->guard);
    close_fd(&topology->guard_owner);
    close_fd(&topology->agent);
}

static int explain(struct failure *reterr, int error, const char *what)
{
    failure_set(reterr, error, "%s: %s", what, strerror(-error));
    failure_set_needed(reterr, "the namespaces of the network guard");
    failure_set_mend(reterr, "failcore doctor");
    return error;
}

static bool needs_no_owner(void)
{
    return capabilities_have(CAPABILITY(CAP_NET_ADMIN) | CAPABILITY(CAP_SYS_ADMIN));
}

/* An ordinary user owns the namespaces through a user namespace in which they are root. */
static int make_owner(struct topology *topology, struct failure *reterr)
{
    struct user_map_range users = {.outside = (uint32_t)geteuid(), .count = 1};
    struct user_map_range groups = {.outside = (uint32_t)getegid(), .count = 1};
    struct user_map map = {.users = &users,
                           .user_count = 1,
                           .groups = &groups,
                           .group_count = 1,
                           .deny_setgroups = true};
    int error;

    if (needs_no_owner()) {
        return 0;
    }
    error = namespace_new(CLONE_NEWUSER);
    if (error < 0) {
        return explain(reterr, error, "cannot make a user namespace");
    }
    error = user_map_write(0, &map);
    if (error < 0) {
        return explain(reterr, error, "cannot map the user into its namespace");
    }
    topology->owner = namespace_open_own(CLONE_NEWUSER);
    return topology->owner < 0 ? explain(reterr, topology->owner, "cannot open the user namespace")
                               : 0;
}

static int make_network(int *ret_fd, struct failure *reterr)
{
    int error = namespace_new(CLONE_NEWNET);

    if (error < 0) {
        return explain(reterr, error, "cannot make a network namespace");
    }
    error = sysctl_close_namespace(reterr);
    if (error < 0) {
        return error;
    }
    *ret_fd = namespace_open_own(CLONE_NEWNET);
    return *ret_fd < 0 ? explain(reterr, *ret_fd, "cannot open the network namespace") : 0;
}

#define NOBODY 65534U

/* Root's guard has root to talk to and nobody to be. An ordinary user has but one id, and so may
 * the root of a user namespace. */
static bool may_be_nobody(const struct topology *topology)
{
    uint32_t highest;

    return topology->owner < 0 && geteuid() == 0 && user_map_own_highest(&highest) == 0 &&
           highest >= NOBODY;
}

static int map_guard_owner(pid_t pid, bool with_nobody)
{
    static const struct user_map_range ids[] = {{.inside = 0, .outside = 0, .count = 1},
                                                {.inside = NOBODY, .outside = NOBODY, .count = 1}};
    size_t count = with_nobody ? 2 : 1;
    struct user_map map = {.users = ids, .user_count = count, .groups = ids, .group_count = count};

    return user_map_write(pid, &map);
}

/* In the child: makes the namespaces, says so, and keeps them until they have been opened. */
static _Noreturn void make_guard_namespaces(int socket)
{
    int error = namespace_new(CLONE_NEWUSER | CLONE_NEWNET);

    if (send(socket, &error, sizeof(error), MSG_NOSIGNAL) == sizeof(error)) {
        (void)recv(socket, &error, sizeof(error), 0);
    }
    _exit(0);
}

static int open_namespace_of(pid_t pid, const char *type)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, type);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int take_guard_namespaces(struct topology *topology, pid_t pid, int socket)
{
    int error;

    if (recv(socket, &error, sizeof(error), 0) != sizeof(error)) {
        return -EPIPE;
    }
    if (error == 0) {
        error = map_guard_owner(pid, may_be_nobody(topology));
    }
    if (error < 0) {
        return error;
    }
    topology->guard_owner = open_namespace_of(pid, "user");
    topology->guard = open_namespace_of(pid, "net");
    if (topology->guard_owner < 0 || topology->guard < 0) {
        return topology->guard_owner < 0 ? topology->guard_owner : topology->guard;
    }
    return namespace_enter(topology->guard, CLONE_NEWNET);
}

static int make_guard_network(struct topology *topology, struct failure *reterr)
{
    int sockets[2], error;
    pid_t pid = child_process_start(sockets, reterr);

    if (pid == 0) {
        make_guard_namespaces(sockets[1]);
    }
    if (pid < 0) {
        return pid;
    }
    error = take_guard_namespaces(topology, pid, sockets[0]);
    close_fd(&sockets[0]);
    waitpid(pid, NULL, 0);
    if (error < 0) {
        return explain(reterr, error, "cannot make the guard's own user and network namespaces");
    }
    return sysctl_close_namespace(reterr);
}

int topology_retire(struct topology *topology)
{
    bool become_nobody = may_be_nobody(topology);
    int error;

    if (become_nobody && setgroups(0, NULL) < 0) {
        return -errno;
    }
    error = namespace_enter(topology->guard_owner, CLONE_NEWUSER);
    close_fd(&topology->guard_owner);
    /* Entering has reset it: the capabilities are to outlive the uid. */
    if (error == 0 && become_nobody &&
        (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
         setresuid(NOBODY, NOBODY, NOBODY) < 0)) {
        error = -errno;
    }
    return error;
}

int topology_make_agent(struct topology *topology, struct failure *reterr)
{
    int error;

    if (topology->agent >= 0) {
        return 0; /* prepared; topology_make_guard() enters what is left to enter */
    }
    error = make_owner(topology, reterr);
    return error < 0 ? error : make_network(&topology->agent, reterr);
}

static int make_guard(struct topology *topology, struct failure *reterr)
{
    struct netlink netlink = {0};
    int error = make_guard_network(topology, reterr);

    if (error < 0) {
        return error;
    }
    error = netlink_open(NETLINK_ROUTE, &netlink);
    if (error == 0) {
        error = link_create_veth(&netlink, &guard_end, &agent_end, topology->agent);
    }
    netlink_close(&netlink);
    return error < 0 ? explain(reterr, error, "cannot make the link to the agent") : 0;
}

int topology_make_guard(struct topology *topology, struct failure *reterr)
{
    int error;

    if (topology->guard < 0) {
        return make_guard(topology, reterr);
    }
    error = namespace_enter(topology->guard, CLONE_NEWNET);
    return error < 0 ? explain(reterr, error, "cannot enter the guard's network namespace") : 0;
}

int topology_prepare(struct topology *topology)
{
    AUTO_CLOSE int home = namespace_open_own(CLONE_NEWNET);
    struct failure left_to_later = {0};

    *topology = TOPOLOGY_NONE;
    if (home < 0 || !needs_no_owner()) {
        return 0;
    }
    if (topology_make_agent(topology, &left_to_later) < 0 ||
        topology_make_guard(topology, &left_to_later) < 0) {
        topology_close(topology);
    }
    return namespace_enter(home, CLONE_NEWNET);
}

static int raise_end(const struct link_end *own, const struct link_end *peer, bool default_routes)
{
    struct netlink netlink = {0};
    int error = netlink_open(NETLINK_ROUTE, &netlink);

    if (error == 0) {
        error = link_raise(&netlink, own, peer, default_routes);
    }
    netlink_close(&netlink);
    return error;
}

/* Before anything can come in by it. */
static int route_only_marked(void)
{
    struct netlink netlink = {0};
    int error = netlink_open(NETLINK_ROUTE, &netlink);

    if (error == 0) {
        error = link_route_marked(&netlink, TOPOLOGY_AGENT_LINK, FLOW_MARK_SEEN);
    }
    netlink_close(&netlink);
    return error;
}

int topology_raise_agent_link(const struct topology *topology, struct failure *reterr)
{
    int back, error = namespace_enter(topology->agent, CLONE_NEWNET);

    if (error == 0) {
        error = namespace_loopback_up();
        if (error == 0) {
            error = raise_end(&agent_end, &guard_end, true);
        }
        back = namespace_enter(topology->guard, CLONE_NEWNET);
        error = error < 0 ? error : back;
    }
    if (error == 0) {
        error = route_only_marked();
    }
    if (error == 0) {
        error = raise_end(&guard_end, &agent_end, false);
    }
    return error < 0 ? explain(reterr, error, "cannot raise the link to the agent") : 0;
}
