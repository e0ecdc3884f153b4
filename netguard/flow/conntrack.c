#include "netguard/flow/conntrack.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define EVENT_BYTES    (4 << 20)
#define EVENTS_AT_ONCE 256U
#define QUESTION_BYTES 128U /* two IPv6 addresses and two ports, with their headers: 116 */

int conntrack_open(struct conntrack *ret_conntrack)
{
    struct conntrack conntrack = {0};
    int group = NFNLGRP_CONNTRACK_DESTROY, size = EVENT_BYTES;
    int error = netlink_open(NETLINK_NETFILTER, &conntrack.events);

    if (error == 0) {
        error = netlink_open(NETLINK_NETFILTER, &conntrack.asks);
    }
    if (error == 0 && mnl_socket_setsockopt(conntrack.events.socket, NETLINK_ADD_MEMBERSHIP, &group,
                                            sizeof(group)) < 0) {
        error = -errno;
    }
    if (error < 0) {
        conntrack_close(&conntrack);
        return error;
    }
    /* A larger buffer is a wish: ends that are lost are counted. */
    if (setsockopt(netlink_fd(&conntrack.events), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) <
        0) {
        (void)setsockopt(netlink_fd(&conntrack.events), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
    *ret_conntrack = conntrack;
    return 0;
}

void conntrack_close(struct conntrack *conntrack)
{
    netlink_close(&conntrack->events);
    netlink_close(&conntrack->asks);
}

int conntrack_fd(const struct conntrack *conntrack)
{
    return netlink_fd(&conntrack->events);
}

#define ATTRIBUTES_MAX 32

struct attributes {
    const struct nlattr *at[ATTRIBUTES_MAX];
};

static int keep(const struct nlattr *attribute, void *context)
{
    struct attributes *attributes = context;
    uint16_t type = mnl_attr_get_type(attribute);

    if (type < ATTRIBUTES_MAX) {
        attributes->at[type] = attribute;
    }
    return MNL_CB_OK;
}

static struct attributes nested(const struct nlattr *attribute)
{
    struct attributes attributes = {{NULL}};

    if (attribute != NULL) {
        (void)mnl_attr_parse_nested(attribute, keep, &attributes);
    }
    return attributes;
}

static struct ip_address read_address(const struct attributes *ip, int type4, int type6)
{
    const struct nlattr *v4 = ip->at[type4], *v6 = ip->at[type6];
    struct ip_address none = {.family = IP_NONE};

    if (v4 != NULL && mnl_attr_get_payload_len(v4) == 4) {
        return ip_address_v4(mnl_attr_get_payload(v4));
    }
    if (v6 != NULL && mnl_attr_get_payload_len(v6) == 16) {
        return ip_address_v6(mnl_attr_get_payload(v6));
    }
    return none;
}

static uint16_t read_port(const struct nlattr *attribute)
{
    return attribute != NULL && mnl_attr_get_payload_len(attribute) == 2
               ? ntohs(mnl_attr_get_u16(attribute))
               : 0;
}

static uint64_t read_bytes(const struct nlattr *counters)
{
    struct attributes attributes = nested(counters);
    const struct nlattr *bytes = attributes.at[CTA_COUNTERS_BYTES];

    return bytes != NULL && mnl_attr_get_payload_len(bytes) == 8 ? be64toh(mnl_attr_get_u64(bytes))
                                                                 : 0;
}

struct handler_call {
    conntrack_handler *each;
    void *context;
};

static int on_flow(const struct nlmsghdr *message, void *context)
{
    const struct handler_call *call = context;
    struct attributes all = {{NULL}}, tuple, ip, transport;
    struct conntrack_flow flow = {.key = {.protocol = NET_OTHER}};
    const struct nlattr *number;

    (void)mnl_attr_parse(message, sizeof(struct nfgenmsg), keep, &all);
    tuple = nested(all.at[CTA_TUPLE_ORIG]);
    ip = nested(tuple.at[CTA_TUPLE_IP]);
    transport = nested(tuple.at[CTA_TUPLE_PROTO]);
    number = transport.at[CTA_PROTO_NUM];
    if (number == NULL || mnl_attr_get_payload_len(number) != 1) {
        return MNL_CB_OK;
    }
    if (mnl_attr_get_u8(number) == IPPROTO_TCP) {
        flow.key.protocol = NET_TCP;
    } else if (mnl_attr_get_u8(number) == IPPROTO_UDP) {
        flow.key.protocol = NET_UDP;
    }
    flow.key.agent = read_address(&ip, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
    flow.key.remote = read_address(&ip, CTA_IP_V4_DST, CTA_IP_V6_DST);
    flow.key.agent_port = read_port(transport.at[CTA_PROTO_SRC_PORT]);
    flow.key.remote_port = read_port(transport.at[CTA_PROTO_DST_PORT]);
    flow.bytes_out = read_bytes(all.at[CTA_COUNTERS_ORIG]);
    flow.bytes_in = read_bytes(all.at[CTA_COUNTERS_REPLY]);
    if (all.at[CTA_MARK] != NULL && mnl_attr_get_payload_len(all.at[CTA_MARK]) == 4) {
        flow.mark = ntohl(mnl_attr_get_u32(all.at[CTA_MARK]));
    }
    call->each(call->context, &flow);
    return MNL_CB_OK;
}

void conntrack_read_ended(struct conntrack *conntrack, conntrack_handler *each, void *context)
{
    struct handler_call call = {each, context};
    char buffer[NETLINK_ANSWER_MAX];

    for (unsigned int i = 0; i < EVENTS_AT_ONCE; i++) {
        ssize_t count = recv(conntrack_fd(conntrack), buffer, sizeof(buffer), MSG_DONTWAIT);

        if (count < 0) {
            conntrack->overruns += errno == ENOBUFS ? 1 : 0;
            return;
        }
        (void)mnl_cb_run(buffer, (size_t)count, 0, 0, on_flow, &call);
    }
}

static void put_address(struct nlmsghdr *message, uint16_t type4, uint16_t type6,
                        const struct ip_address *address)
{
    if (address->family == IP_V4) {
        mnl_attr_put(message, type4, 4, address->bytes);
    } else {
        mnl_attr_put(message, type6, 16, address->bytes);
    }
}

static void put_flow(struct nlmsghdr *message, uint16_t type, const struct flow_key *key)
{
    struct nfgenmsg *family;
    struct nlattr *tuple, *part;

    message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
    message->nlmsg_flags = NLM_F_REQUEST;
    family = mnl_nlmsg_put_extra_header(message, sizeof(*family));
    family->nfgen_family = key->agent.family == IP_V4 ? AF_INET : AF_INET6;
    family->version = NFNETLINK_V0;
    tuple = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
    part = mnl_attr_nest_start(message, CTA_TUPLE_IP);
    put_address(message, CTA_IP_V4_SRC, CTA_IP_V6_SRC, &key->agent);
    put_address(message, CTA_IP_V4_DST, CTA_IP_V6_DST, &key->remote);
    mnl_attr_nest_end(message, part);
    part = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
    mnl_attr_put_u8(message, CTA_PROTO_NUM, key->protocol == NET_TCP ? IPPROTO_TCP : IPPROTO_UDP);
    mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(key->agent_port));
    mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(key->remote_port));
    mnl_attr_nest_end(message, part);
    mnl_attr_nest_end(message, tuple);
}

/* An answer to question `nlmsg_seq`: the flow, or why there is none. */
static void note_gone(const char *bytes, size_t length, size_t count, bool *gone)
{
    const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)bytes;
    const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

    if (length >= sizeof(*message) + sizeof(*error) && message->nlmsg_type == NLMSG_ERROR &&
        error->error == -ENOENT && message->nlmsg_seq < count) {
        gone[message->nlmsg_seq] = true;
    }
}

void conntrack_look_at(struct conntrack *conntrack, const struct flow_key *keys, size_t count,
                       bool *ret_gone)
{
    char buffer[CONNTRACK_LOOKS_MAX * QUESTION_BYTES];
    _Alignas(struct nlmsghdr) char answers[NETLINK_ANSWER_MAX];
    ssize_t answered;
    size_t length = 0;

    memset(ret_gone, 0, count * sizeof(*ret_gone));
    for (size_t i = 0; i < count && i < CONNTRACK_LOOKS_MAX; i++) {
        struct nlmsghdr *message = mnl_nlmsg_put_header(buffer + length);

        put_flow(message, IPCTNL_MSG_CT_GET, &keys[i]);
        message->nlmsg_seq = (uint32_t)i;
        length += (message->nlmsg_len + 3U) & ~3U;
    }
    if (length == 0 || send(netlink_fd(&conntrack->asks), buffer, length, MSG_DONTWAIT) < 0) {
        return;
    }
    /* The kernel has answered by now, each question by itself. */
    while ((answered = recv(netlink_fd(&conntrack->asks), answers, sizeof(answers), MSG_DONTWAIT)) >
           0) {
        note_gone(answers, (size_t)answered, count, ret_gone);
    }
}

void conntrack_forget(struct conntrack *conntrack, const struct flow_key *key)
{
    char buffer[NETLINK_MESSAGE_MAX];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

    put_flow(message, IPCTNL_MSG_CT_DELETE, key);
    /* What is not there any more is forgotten, too. */
    (void)netlink_request(&conntrack->asks, message);
}

static int on_statistics(const struct nlmsghdr *message, void *context)
{
    struct attributes all = {{NULL}};
    const struct nlattr *entries;
    int *count = context;

    (void)mnl_attr_parse(message, sizeof(struct nfgenmsg), keep, &all);
    entries = all.at[CTA_STATS_GLOBAL_ENTRIES];
    if (entries != NULL && mnl_attr_get_payload_len(entries) == 4) {
        *count = (int)ntohl(mnl_attr_get_u32(entries));
    }
    return MNL_CB_OK;
}

int conntrack_count(struct conntrack *conntrack)
{
    char buffer[NETLINK_MESSAGE_MAX];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    struct nfgenmsg *family = mnl_nlmsg_put_extra_header(message, sizeof(*family));
    ssize_t length;
    int count = -EPROTO;

    message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS;
    message->nlmsg_flags = NLM_F_REQUEST;
    family->nfgen_family = AF_UNSPEC;
    family->version = NFNETLINK_V0;
    if (send(netlink_fd(&conntrack->asks), message, message->nlmsg_len, MSG_DONTWAIT) < 0) {
        return -errno;
    }
    length = recv(netlink_fd(&conntrack->asks), buffer, sizeof(buffer), MSG_DONTWAIT);
    if (length < 0) {
        return -errno;
    }
    (void)mnl_cb_run(buffer, (size_t)length, 0, 0, on_statistics, &count);
    return count;
}

int conntrack_each(struct conntrack *conntrack, conntrack_handler *each, void *context)
{
    struct handler_call call = {each, context};
    char buffer[NETLINK_MESSAGE_MAX];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    struct nfgenmsg *family;

    message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
    family = mnl_nlmsg_put_extra_header(message, sizeof(*family));
    family->nfgen_family = AF_UNSPEC;
    family->version = NFNETLINK_V0;
    return netlink_dump(&conntrack->asks, message, on_flow, &call);
}
