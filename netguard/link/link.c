#include "netguard/link/link.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <unistd.h>

static uint8_t family_of(const struct ip_address *address)
{
    return address->family == IP_V4 ? AF_INET : AF_INET6;
}

static void put_address(struct nlmsghdr *message, uint16_t attribute,
                        const struct ip_address *address)
{
    mnl_attr_put(message, attribute, ip_family_bits(address->family) / 8, address->bytes);
}

static void put_end(struct nlmsghdr *message, const struct link_end *end)
{
    mnl_attr_put_strz(message, IFLA_IFNAME, end->name);
    mnl_attr_put(message, IFLA_ADDRESS, sizeof(end->mac), end->mac);
}

int link_create_veth(struct netlink *netlink, const struct link_end *here,
                     const struct link_end *there, int there_namespace)
{
    char buffer[NETLINK_MESSAGE_MAX];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    struct nlattr *info, *data, *peer;

    message->nlmsg_type = RTM_NEWLINK;
    message->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
    mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
    put_end(message, here);
    info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
    data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    peer = mnl_attr_nest_start(message, VETH_INFO_PEER);
    mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
    put_end(message, there);
    mnl_attr_put_u32(message, IFLA_NET_NS_FD, (uint32_t)there_namespace);
    mnl_attr_nest_end(message, peer);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
    return netlink_request(netlink, message);
}

/* > 0, or negative errno. By ioctl: netlink's answer takes the lock under which the kernel takes
 * whole namespaces apart. */
static int index_of(const char *name)
{
    unsigned int index = if_nametoindex(name);

    return index == 0 ? -errno : (int)index;
}

static int set_up(struct netlink *netlink, const char *name)
{
    char buffer[NETLINK_MESSAGE_MAX];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    struct ifinfomsg *link;

    message->nlmsg_type = RTM_NEWLINK;
    link = mnl_nlmsg_put_extra_header(message, sizeof(*link));
    link->ifi_flags = IFF_UP;
    link->ifi_change = IFF_UP;
    mnl_attr_put_strz(message, IFLA_IFNAME, name);
    return netlink_request(netlink, message);
}

/* Duplicate address detection is left out: the other end is ours. */
static int add_address(struct netlink *netlink, const char *name, const struct ip_address *address,
                       unsigned int prefix_length)
{
    char buffer[NETLINK_MESSAGE_MAX];
    struct nlmsghdr *message;
    struct ifaddrmsg *header;
    int index = index_of(name);

    if (index < 0) {
        return index;
    }
    message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = RTM_NEWADDR;
    message->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
    header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
    header->ifa_family = family_of(address);
    header->ifa_prefixlen = (uint8_t)prefix_length;
    header->ifa_flags = IFA_F_NODAD | IFA_F_PERMANENT;
    header->ifa_index = (uint32_t)index;
    put_address(message, IFA_LOCAL, address);
    put_address(message, IFA_ADDRESS, address);
    return netlink_request(netlink, message);
}

static int add_default_route(struct netlink *netlink, const char *name,
                             const struct ip_address *gateway)
{
    char buffer[NETLINK_MESSAGE_MAX];
    struct nlmsghdr *message;
    struct nlattr *metrics;
    struct rtmsg *header;
    int index = index_of(name);

    if (index < 0) {
        return index;
    }
    message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = RTM_NEWROUTE;
    message->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
    header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
    header->rtm_family = family_of(gateway);
    header->rtm_table = RT_TABLE_MAIN;
    header->rtm_protocol = RTPROT_STATIC;
    header->rtm_scope = RT_SCOPE_UNIVERSE;
    header->rtm_type = RTN_UNICAST;
    put_address(message, RTA_GATEWAY, gateway);
    mnl_attr_put_u32(message, RTA_OIF, (uint32_t)index);
    metrics = mnl_attr_nest_start(message, RTA_METRICS);
    mnl_attr_put_u32(message, RTAX_INITCWND, LINK_FIRST_SEGMENTS);
    mnl_attr_nest_end(message, metrics);
    return netlink_request(netlink, message);
}

/* mark 0: of any packet. */
static int add_rule(struct netlink *netlink, uint8_t family, const char *name, uint32_t mark,
                    uint8_t action, uint32_t priority)
{
    char buffer[NETLINK_MESSAGE_MAX];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    struct fib_rule_hdr *header;

    message->nlmsg_type = RTM_NEWRULE;
    message->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
    header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
    header->family = family;
    header->action = action;
    header->table = action == FR_ACT_TO_TBL ? RT_TABLE_MAIN : RT_TABLE_UNSPEC;
    mnl_attr_put_strz(message, FRA_IIFNAME, name);
    mnl_attr_put_u32(message, FRA_PRIORITY, priority);
    if (mark != 0) {
        mnl_attr_put_u32(message, FRA_FWMARK, mark);
        mnl_attr_put_u32(message, FRA_FWMASK, mark);
    }
    return netlink_request(netlink, message);
}

int link_route_marked(struct netlink *netlink, const char *name, uint32_t mark)
{
    static const uint8_t families[] = {AF_INET, AF_INET6};
    int error = 0;

    for (size_t i = 0; error == 0 && i < sizeof(families); i++) {
        error = add_rule(netlink, families[i], name, mark, FR_ACT_TO_TBL, 100);
        error = error == 0 ? add_rule(netlink, families[i], name, 0, FR_ACT_BLACKHOLE, 200) : error;
        if (families[i] == AF_INET6 && (error == -EAFNOSUPPORT || error == -EOPNOTSUPP)) {
            error = 0;
        }
    }
    return error;
}

/* Never asked for again and never replaced by what the neighbour says (SR23). */
static int add_static_neighbour(struct netlink *netlink, const char *name,
                                const struct ip_address *address, const uint8_t mac[static 6])
{
    char buffer[NETLINK_MESSAGE_MAX];
    struct nlmsghdr *message;
    struct ndmsg *header;
    int index = index_of(name);

    if (index < 0) {
        return index;
    }
    message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = RTM_NEWNEIGH;
    message->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
    header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
    header->ndm_family = family_of(address);
    header->ndm_ifindex = index;
    header->ndm_state = NUD_PERMANENT;
    put_address(message, NDA_DST, address);
    mnl_attr_put(message, NDA_LLADDR, 6, mac);
    return netlink_request(netlink, message);
}

static int raise_family(struct netlink *netlink, const char *name, const struct ip_address *own,
                        const struct ip_address *peer, const uint8_t mac[static 6],
                        bool default_route)
{
    unsigned int bits = own->family == IP_V4 ? LINK_BITS_V4 : LINK_BITS_V6;
    int error = add_address(netlink, name, own, bits);

    if (error == 0) {
        error = add_static_neighbour(netlink, name, peer, mac);
    }
    if (error == 0 && default_route) {
        error = add_default_route(netlink, name, peer);
    }
    return error;
}

int link_raise(struct netlink *netlink, const struct link_end *own, const struct link_end *peer,
               bool default_routes)
{
    int error = set_up(netlink, own->name);

    if (error == 0) {
        error = raise_family(netlink, own->name, &own->v4, &peer->v4, peer->mac, default_routes);
    }
    if (error == 0 && access("/proc/sys/net/ipv6", F_OK) == 0) {
        error = raise_family(netlink, own->name, &own->v6, &peer->v6, peer->mac, default_routes);
    }
    return error;
}
