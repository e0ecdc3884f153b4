#include "netguard/link/host_networks.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

void host_networks_close(struct host_networks *networks)
{
    netlink_close(&networks->changes);
    netlink_close(&networks->asks);
}

int host_networks_fd(const struct host_networks *networks)
{
    return networks->changes.socket == NULL ? -1 : netlink_fd(&networks->changes);
}

/* The network that the address lies in. */
static void add(struct host_networks *networks, const struct ip_address *address,
                unsigned int length)
{
    struct ip_prefix prefix = {.address = *address, .length = length};
    unsigned int bits = ip_family_bits(address->family);

    for (unsigned int bit = length; bit < bits; bit++) {
        prefix.address.bytes[bit / 8] &= (uint8_t) ~(0x80U >> (bit % 8));
    }
    if (networks->count < HOST_NETWORKS_MAX) {
        networks->prefixes[networks->count] = prefix;
    }
    networks->count++;
}

static struct ip_address address_in(const struct nlattr *attribute)
{
    struct ip_address none = {.family = IP_NONE};
    uint16_t length = mnl_attr_get_payload_len(attribute);

    if (length == 4) {
        return ip_address_v4(mnl_attr_get_payload(attribute));
    }
    return length == 16 ? ip_address_v6(mnl_attr_get_payload(attribute)) : none;
}

struct wanted_attributes {
    uint16_t first, second;
    struct ip_address found[2];
};

static int take_wanted(const struct nlattr *attribute, void *context)
{
    struct wanted_attributes *wanted = context;
    uint16_t type = mnl_attr_get_type(attribute);

    if (type == wanted->first) {
        wanted->found[0] = address_in(attribute);
    } else if (type == wanted->second) {
        wanted->found[1] = address_in(attribute);
    }
    return MNL_CB_OK;
}

static int on_address(const struct nlmsghdr *message, void *context)
{
    struct wanted_attributes wanted = {.first = IFA_ADDRESS, .second = IFA_LOCAL};
    const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);

    (void)mnl_attr_parse(message, sizeof(*header), take_wanted, &wanted);
    for (size_t i = 0; i < 2; i++) {
        const struct ip_address *address = &wanted.found[i];

        if (address->family != IP_NONE &&
            header->ifa_prefixlen <= ip_family_bits(address->family)) {
            add(context, address, header->ifa_prefixlen);
        }
    }
    return MNL_CB_OK;
}

static int on_route(const struct nlmsghdr *message, void *context)
{
    struct wanted_attributes wanted = {.first = RTA_GATEWAY, .second = RTA_DST};
    const struct rtmsg *header = mnl_nlmsg_get_payload(message);
    const struct ip_address *gateway = &wanted.found[0], *network = &wanted.found[1];

    (void)mnl_attr_parse(message, sizeof(*header), take_wanted, &wanted);
    if (gateway->family != IP_NONE) {
        add(context, gateway, ip_family_bits(gateway->family));
    } else if (network->family != IP_NONE && header->rtm_type == RTN_UNICAST &&
               header->rtm_dst_len > 0 && header->rtm_dst_len <= ip_family_bits(network->family)) {
        add(context, network, header->rtm_dst_len); /* reached without a gateway: a neighbour */
    }
    return MNL_CB_OK;
}

static int dump(struct host_networks *networks, uint16_t type, mnl_cb_t each)
{
    char buffer[NETLINK_MESSAGE_MAX];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

    message->nlmsg_type = type;
    /* Both messages begin with the family: unspecified, that is all. */
    mnl_nlmsg_put_extra_header(message, type == RTM_GETADDR ? sizeof(struct ifaddrmsg)
                                                            : sizeof(struct rtmsg));
    return netlink_dump(&networks->asks, message, each, networks);
}

static int read_networks(struct host_networks *networks)
{
    int error;

    networks->count = 0;
    error = dump(networks, RTM_GETADDR, on_address);
    if (error == 0) {
        error = dump(networks, RTM_GETROUTE, on_route);
    }
    if (error == 0 && networks->count > HOST_NETWORKS_MAX) {
        error = -E2BIG;
    }
    if (error < 0) {
        networks->count = 0;
    }
    return error;
}

int host_networks_open(struct host_networks *ret_networks)
{
    static const int groups[] = {RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                                 RTNLGRP_IPV6_ROUTE};
    struct host_networks networks = {.count = 0};
    int error = netlink_open(NETLINK_ROUTE, &networks.changes);

    if (error == 0) {
        error = netlink_open(NETLINK_ROUTE, &networks.asks);
    }
    for (size_t i = 0; error == 0 && i < sizeof(groups) / sizeof(groups[0]); i++) {
        int group = groups[i];

        if (mnl_socket_setsockopt(networks.changes.socket, NETLINK_ADD_MEMBERSHIP, &group,
                                  sizeof(group)) < 0) {
            error = -errno;
        }
    }
    if (error == 0) {
        error = read_networks(&networks);
    }
    if (error < 0) {
        host_networks_close(&networks);
        return error;
    }
    *ret_networks = networks;
    return 0;
}

int host_networks_refresh(struct host_networks *networks)
{
    char buffer[NETLINK_ANSWER_MAX];

    /* What exactly was heard does not matter; an overflow (ENOBUFS) only says that it was much. */
    while (recv(host_networks_fd(networks), buffer, sizeof(buffer), MSG_DONTWAIT) > 0) {
    }
    return read_networks(networks);
}

bool host_networks_contain(const struct host_networks *networks, const struct ip_address *address)
{
    for (size_t i = 0; i < networks->count; i++) {
        if (ip_prefix_contains(&networks->prefixes[i], address)) {
            return true;
        }
    }
    return false;
}
