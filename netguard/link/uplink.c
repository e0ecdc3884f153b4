#include "netguard/link/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "netguard/link/link.h"
#include "netguard/link/pasta.h"
#include "netguard/link/sysctl.h"
#include "netguard/nft/host_table.h"
#include "shared/base/cleanup.h"
#include "shared/confine/capabilities.h"
#include "shared/confine/namespaces.h"

/* Outer ends are named fcw0, fcw1, …: the name is the lock on the /30 that goes with the number. */
#define OUTER_LINKS_MAX 16384U

struct outer_link {
    struct link_end outer, inner;
};

int uplink_parse(const char *text, struct uplink_choice *ret_choice, struct failure *reterr)
{
    static const char netns[] = "netns:";
    struct uplink_choice choice = {.kind = UPLINK_NONE};

    if (text == NULL) {
        text = capabilities_have(CAPABILITY(CAP_NET_ADMIN) | CAPABILITY(CAP_SYS_ADMIN)) ? "veth"
                                                                                        : "pasta";
    }
    if (strcmp(text, "none") == 0) {
        choice.kind = UPLINK_NONE;
    } else if (strcmp(text, "veth") == 0) {
        choice.kind = UPLINK_VETH;
    } else if (strcmp(text, "pasta") == 0) {
        choice.kind = UPLINK_PASTA;
    } else if (strncmp(text, netns, sizeof(netns) - 1) == 0 && text[sizeof(netns) - 1] != '\0') {
        const char *where = text + sizeof(netns) - 1;
        int length = snprintf(choice.where, sizeof(choice.where), "%s%s",
                              strchr(where, '/') == NULL ? "/run/netns/" : "", where);

        choice.kind = UPLINK_NETNS;
        if (length < 0 || (size_t)length >= sizeof(choice.where)) {
            return failure_set(reterr, -ENAMETOOLONG, "the uplink's path is too long");
        }
    } else {
        failure_set(reterr, -EINVAL, "no such uplink: %s", text);
        failure_set_mend(reterr, "pasta, veth, none or netns:WHERE");
        return -EINVAL;
    }
    *ret_choice = choice;
    return 0;
}

/* The namespace beyond the uplink; -1 with reterr untouched for none and pasta. */
static int open_world(const struct uplink_choice *choice, struct failure *reterr)
{
    int fd = -1;

    switch (choice->kind) {
    case UPLINK_NONE:
    case UPLINK_PASTA:
        return -1;
    case UPLINK_VETH:
        fd = namespace_open_own(CLONE_NEWNET);
        break;
    case UPLINK_NETNS:
        fd = open(choice->where, O_RDONLY | O_CLOEXEC);
        fd = fd < 0 ? -errno : fd;
        break;
    }
    if (fd < 0) {
        failure_set(reterr, fd, "cannot open the uplink's namespace %s: %s", choice->where,
                    strerror(-fd));
        failure_set_mend(reterr, "ip netns add NAME");
    }
    return fd;
}

int uplink_prepare(const struct uplink_choice *choice, struct uplink *ret_uplink,
                   struct failure *reterr)
{
    struct uplink uplink = {.world = -1, .keeper = -1};

    if (choice->kind == UPLINK_VETH && !sysctl_forwards()) {
        failure_set(reterr, -EHOSTUNREACH, "this host does not forward packets");
        failure_set_needed(reterr, "--uplink veth");
        failure_set_mend(reterr,
                         "sysctl -w net.ipv4.ip_forward=1, or as an ordinary user --uplink pasta");
        return -EHOSTUNREACH;
    }
    if (choice->kind == UPLINK_PASTA) {
        uplink.keeper_pid = pasta_keeper_start(&uplink.keeper, reterr);
        if (uplink.keeper_pid < 0) {
            return uplink.keeper_pid;
        }
    }
    uplink.world = open_world(choice, reterr);
    if (uplink.world < 0 && reterr->what[0] != '\0') {
        return uplink.world;
    }
    *ret_uplink = uplink;
    return 0;
}

void uplink_close(struct uplink *uplink)
{
    close_fd(&uplink->world);
    close_fd(&uplink->keeper);
    netlink_close(&uplink->host_table);
}

static struct outer_link outer_link_numbered(unsigned int number)
{
    uint8_t high = (uint8_t)(number >> 8), low = (uint8_t)number;
    struct outer_link link = {
        .outer = {.mac = {0x02, 0xfc, 1, high, low, 1},
                  .v4 = {.family = IP_V4,
                         .bytes = {10, 78, (uint8_t)(number >> 6),
                                   (uint8_t)((number & 63) * 4 + 1)}},
                  .v6 = {.family = IP_V6,
                         .bytes = {0xfd, 0x78, 0, 0xfc, 0, 0, high, low, [15] = 1}}},
    };

    link.inner = link.outer;
    snprintf(link.outer.name, sizeof(link.outer.name), "fcw%u", number);
    snprintf(link.inner.name, sizeof(link.inner.name), TOPOLOGY_UPLINK_LINK);
    link.inner.mac[5]++;
    link.inner.v4.bytes[3]++;
    link.inner.v6.bytes[15]++;
    return link;
}

/* The first free number, looked for from a random one on so that guards do not queue up. */
static int create_pair(struct netlink *netlink, int guard, struct outer_link *ret_link)
{
    unsigned int start = 0;
    int error = -EEXIST;

    if (getrandom(&start, sizeof(start), 0) != sizeof(start)) {
        start = (unsigned int)getpid();
    }
    for (unsigned int i = 0; i < OUTER_LINKS_MAX && error == -EEXIST; i++) {
        *ret_link = outer_link_numbered((start + i) % OUTER_LINKS_MAX);
        error = link_create_veth(netlink, &ret_link->outer, &ret_link->inner, guard);
    }
    return error;
}

static int raise_inner(const struct outer_link *link)
{
    struct netlink netlink = {0};
    int error = netlink_open(NETLINK_ROUTE, &netlink);

    if (error == 0) {
        error = link_raise(&netlink, &link->inner, &link->outer, true);
    }
    netlink_close(&netlink);
    return error;
}

/* In the host's namespace: the table that lends the guard's traffic an address. */
static int install_host_table(struct uplink *uplink, const struct outer_link *link,
                              struct failure *reterr)
{
    int error = netlink_open(NETLINK_NETFILTER, &uplink->host_table);

    return error < 0 ? error
                     : host_table_install(&uplink->host_table, &link->outer, &link->inner, reterr);
}

/* Makes the pair from the world's side, then comes back. */
static int raise_outer(int guard, struct uplink *uplink, bool lends, struct outer_link *ret_link,
                       struct failure *reterr)
{
    struct netlink netlink = {0};
    int back, error = namespace_enter(uplink->world, CLONE_NEWNET);

    if (error < 0) {
        return error;
    }
    error = netlink_open(NETLINK_ROUTE, &netlink);
    if (error == 0) {
        error = create_pair(&netlink, guard, ret_link);
    }
    if (error == 0) {
        error = link_raise(&netlink, &ret_link->outer, &ret_link->inner, false);
    }
    if (error == 0 && lends) {
        error = install_host_table(uplink, ret_link, reterr);
    }
    netlink_close(&netlink);
    back = namespace_enter(guard, CLONE_NEWNET);
    return error < 0 ? error : back;
}

/*
 * A link to nowhere: packets still meet the rules and the daemon on their way to it, so that every
 * attempt is judged and recorded.
 */
static int raise_dead_end(int guard)
{
    struct outer_link link = outer_link_numbered(0);
    struct netlink netlink = {0};
    int error = netlink_open(NETLINK_ROUTE, &netlink);

    snprintf(link.outer.name, sizeof(link.outer.name), "nowhere0");
    if (error == 0) {
        error = link_create_veth(&netlink, &link.outer, &link.inner, guard);
    }
    netlink_close(&netlink);
    return error < 0 ? error : raise_inner(&link);
}

int uplink_raise(const struct uplink_choice *choice, const struct topology *topology,
                 struct uplink *uplink, struct failure *reterr)
{
    struct outer_link link;
    int error = 0;

    switch (choice->kind) {
    case UPLINK_NONE:
        error = raise_dead_end(topology->guard);
        break;
    case UPLINK_NETNS:
    case UPLINK_VETH:
        error = raise_outer(topology->guard, uplink, choice->kind == UPLINK_VETH, &link, reterr);
        if (error == 0) {
            error = raise_inner(&link);
        }
        break;
    case UPLINK_PASTA:
        error = pasta_connect(uplink->keeper, topology->owner >= 0, TOPOLOGY_UPLINK_LINK, reterr);
        break;
    }
    if (error < 0) {
        failure_set(reterr, error, "cannot raise the guard's uplink: %s", strerror(-error));
        failure_set_mend(reterr, "failcore doctor");
    }
    return error;
}
