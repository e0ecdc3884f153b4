#include "netguard/drop_log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>
#include <sys/socket.h>

#include "netguard/flow/packet_view.h"
#include "netguard/nft/drop_reasons.h"
#include "shared/base/byte_reader.h"

#define COPIED_BYTES 128U

static struct nlmsghdr *begin_config(char *buffer, uint16_t group)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    struct nfgenmsg *family;

    message->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
    family = mnl_nlmsg_put_extra_header(message, sizeof(*family));
    family->nfgen_family = AF_UNSPEC;
    family->version = NFNETLINK_V0;
    family->res_id = htons(group);
    return message;
}

int drop_log_open(uint16_t group, struct drop_log *ret_log)
{
    char buffer[NETLINK_MESSAGE_MAX];
    struct nfulnl_msg_config_cmd bind_group = {.command = NFULNL_CFG_CMD_BIND};
    struct nfulnl_msg_config_mode mode = {.copy_range = htonl(COPIED_BYTES),
                                          .copy_mode = NFULNL_COPY_PACKET};
    struct drop_log log = {0};
    struct nlmsghdr *message;
    int error = netlink_open(NETLINK_NETFILTER, &log.netlink);

    if (error < 0) {
        return error;
    }
    message = begin_config(buffer, group);
    mnl_attr_put(message, NFULA_CFG_CMD, sizeof(bind_group), &bind_group);
    error = netlink_request(&log.netlink, message);
    if (error == 0) {
        message = begin_config(buffer, group);
        mnl_attr_put(message, NFULA_CFG_MODE, sizeof(mode), &mode);
        mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htonl(1));
        error = netlink_request(&log.netlink, message);
    }
    if (error < 0) {
        drop_log_close(&log);
        return error;
    }
    *ret_log = log;
    return 0;
}

void drop_log_close(struct drop_log *log)
{
    netlink_close(&log->netlink);
}

int drop_log_fd(const struct drop_log *log)
{
    return netlink_fd(&log->netlink);
}

/* A sample is cut and may be anything: addresses if they are there, ports if it is tcp or udp. */
static void read_sample(const uint8_t *bytes, size_t length, struct flow_question *question)
{
    struct byte_reader reader = byte_reader_init(bytes, length);
    uint8_t version = byte_reader_u8(&reader) >> 4, protocol = 0;
    size_t address_bytes = version == 4 ? 4 : 16;
    const uint8_t *source, *destination;

    byte_reader_skip(&reader, version == 4 ? 8 : 5);
    protocol = byte_reader_u8(&reader);
    byte_reader_skip(&reader, version == 4 ? 2 : 1);
    source = byte_reader_take(&reader, address_bytes);
    destination = byte_reader_take(&reader, address_bytes);
    if (!byte_reader_ok(&reader) || (version != 4 && version != 6)) {
        return;
    }
    question->source = version == 4 ? ip_address_v4(source) : ip_address_v6(source);
    question->address = version == 4 ? ip_address_v4(destination) : ip_address_v6(destination);
    question->protocol = NET_OTHER;
    if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) {
        if (version == 4) {
            byte_reader_skip(&reader,
                             (bytes[0] & 0x0fU) * 4U < 20U ? 0 : (bytes[0] & 0x0fU) * 4U - 20U);
        }
        question->protocol = protocol == IPPROTO_TCP ? NET_TCP : NET_UDP;
        question->source_port = byte_reader_u16(&reader);
        question->port = byte_reader_u16(&reader);
    }
}

static int keep_attribute(const struct nlattr *attribute, void *context)
{
    const struct nlattr **attributes = context;

    if (mnl_attr_type_valid(attribute, NFULA_MAX) > 0) {
        attributes[mnl_attr_get_type(attribute)] = attribute;
    }
    return MNL_CB_OK;
}

/* A frame of any other kind has no addresses, whatever its bytes look like. */
static bool is_ip(const struct nlattr *kind)
{
    struct nfulnl_msg_packet_hdr header;

    if (mnl_attr_get_payload_len(kind) < sizeof(header)) {
        return false;
    }
    memcpy(&header, mnl_attr_get_payload(kind), sizeof(header));
    return header.hw_protocol == htons(ETH_P_IP) || header.hw_protocol == htons(ETH_P_IPV6);
}

static int on_sample(const struct nlmsghdr *message, void *context)
{
    const struct net_gate *gate = context;
    struct flow_question question = {.operation = "send", .protocol = NET_OTHER};
    const struct drop_reason_row *reason = NULL;
    struct nlattr *attributes[NFULA_MAX + 1] = {0};
    const struct nlattr *prefix, *payload, *kind;

    (void)mnl_attr_parse(message, sizeof(struct nfgenmsg), keep_attribute, attributes);
    prefix = attributes[NFULA_PREFIX];
    payload = attributes[NFULA_PAYLOAD];
    kind = attributes[NFULA_PACKET_HDR];
    if (prefix != NULL && mnl_attr_validate(prefix, MNL_TYPE_NUL_STRING) == 0) {
        reason = drop_reason_find(mnl_attr_get_str(prefix));
    }
    if (payload != NULL && kind != NULL && is_ip(kind)) {
        read_sample(mnl_attr_get_payload(payload), mnl_attr_get_payload_len(payload), &question);
    }
    if (reason != NULL) {
        (void)net_gate_refuse_flow(gate, &question, reason->code, reason->text);
    }
    return MNL_CB_OK;
}

void drop_log_read(struct drop_log *log, const struct net_gate *gate)
{
    char buffer[NETLINK_ANSWER_MAX];
    struct net_gate recorded = *gate;
    ssize_t count = recv(drop_log_fd(log), buffer, sizeof(buffer), MSG_DONTWAIT);

    if (count < 0) {
        log->overruns += errno == ENOBUFS ? 1 : 0;
        return;
    }
    (void)mnl_cb_run(buffer, (size_t)count, 0, 0, on_sample, &recorded);
}
