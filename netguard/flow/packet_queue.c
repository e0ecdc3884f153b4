#include "netguard/flow/packet_queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libnetfilter_queue/libnetfilter_queue.h>

#define COPIED_BYTES  0xffffU
#define BUFFER_BYTES  (COPIED_BYTES + 8192U)
#define RECEIVE_BYTES (8 << 20)

static struct nlmsghdr *begin_message(char *buffer, uint16_t type, uint16_t number)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    struct nfgenmsg *family;

    message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
    message->nlmsg_flags = NLM_F_REQUEST;
    family = mnl_nlmsg_put_extra_header(message, sizeof(*family));
    family->nfgen_family = AF_UNSPEC;
    family->version = NFNETLINK_V0;
    family->res_id = htons(number);
    return message;
}

static int configure(struct packet_queue *queue, uint16_t number, uint8_t command,
                     uint32_t flags_on)
{
    char buffer[NETLINK_MESSAGE_MAX];
    struct nlmsghdr *message = begin_message(buffer, NFQNL_MSG_CONFIG, number);

    if (command != NFQNL_CFG_CMD_NONE) {
        nfq_nlmsg_cfg_put_cmd(message, AF_UNSPEC, command);
    } else {
        nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, COPIED_BYTES);
        nfq_nlmsg_cfg_put_qmaxlen(message, PACKET_QUEUE_LENGTH);
        /* FAIL_OPEN stands in the mask and not in the flags: off, whatever it was. */
        mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(flags_on));
        mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(flags_on | NFQA_CFG_F_FAIL_OPEN));
    }
    return netlink_request(&queue->netlink, message);
}

static int bind_number(struct packet_queue *queue, uint16_t number)
{
    int error = configure(queue, number, NFQNL_CFG_CMD_BIND, 0);

    return error < 0 ? error : configure(queue, number, NFQNL_CFG_CMD_NONE, NFQA_CFG_F_GSO);
}

uint16_t packet_queue_numbers(void)
{
    long processors = sysconf(_SC_NPROCESSORS_CONF);

    if (processors < 1) {
        return 1;
    }
    return processors < PACKET_QUEUES_MAX ? (uint16_t)processors : PACKET_QUEUES_MAX;
}

int packet_queue_open(uint16_t first, uint16_t count, struct packet_queue *ret_queue)
{
    struct packet_queue queue = {.first = first, .count = count};
    int size = RECEIVE_BYTES;
    int error = netlink_open(NETLINK_NETFILTER, &queue.netlink);

    if (error < 0) {
        return error;
    }
    queue.buffer = malloc(BUFFER_BYTES);
    error = queue.buffer == NULL ? -ENOMEM : 0;
    for (uint16_t i = 0; error == 0 && i < count; i++) {
        error = bind_number(&queue, (uint16_t)(first + i));
    }
    if (error < 0) {
        packet_queue_close(&queue);
        return error;
    }
    /* A larger buffer is a wish: what does not fit is dropped and counted. */
    if (setsockopt(netlink_fd(&queue.netlink), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) <
        0) {
        (void)setsockopt(netlink_fd(&queue.netlink), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
    *ret_queue = queue;
    return 0;
}

void packet_queue_close(struct packet_queue *queue)
{
    netlink_close(&queue->netlink);
    free(queue->buffer);
    queue->buffer = NULL;
}

int packet_queue_fd(const struct packet_queue *queue)
{
    return netlink_fd(&queue->netlink);
}

struct handler_call {
    const struct packet_queue *queue;
    packet_queue_handler *handle;
    void *context;
};

static int on_message(const struct nlmsghdr *message, void *context)
{
    const struct handler_call *call = context;
    struct nlattr *attributes[NFQA_MAX + 1] = {0};
    const struct nfqnl_msg_packet_hdr *header;
    const struct nfgenmsg *family = mnl_nlmsg_get_payload(message);
    struct queued_packet packet = {0};

    if (nfq_nlmsg_parse(message, attributes) < 0 || attributes[NFQA_PACKET_HDR] == NULL) {
        return MNL_CB_OK;
    }
    header = mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]);
    packet.place.number = (uint16_t)(ntohs(family->res_id) - call->queue->first);
    packet.place.id = ntohl(header->packet_id);
    if (attributes[NFQA_PAYLOAD] != NULL) {
        packet.bytes = mnl_attr_get_payload(attributes[NFQA_PAYLOAD]);
        packet.length = mnl_attr_get_payload_len(attributes[NFQA_PAYLOAD]);
    }
    if (attributes[NFQA_IFINDEX_INDEV] != NULL) {
        packet.in_link = ntohl(mnl_attr_get_u32(attributes[NFQA_IFINDEX_INDEV]));
    }
    if (attributes[NFQA_MARK] != NULL) {
        packet.mark = ntohl(mnl_attr_get_u32(attributes[NFQA_MARK]));
    }
    packet.cut = attributes[NFQA_CAP_LEN] != NULL;
    call->handle(call->context, &packet);
    return MNL_CB_OK;
}

int packet_queue_read(struct packet_queue *queue, packet_queue_handler *handle, void *context)
{
    struct handler_call call = {queue, handle, context};
    ssize_t count = recv(netlink_fd(&queue->netlink), queue->buffer, BUFFER_BYTES, MSG_DONTWAIT);

    if (count < 0 && errno == ENOBUFS) {
        queue->overruns++;
        return 0;
    }
    if (count < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    /* Errors in here answer verdicts on packets that are gone: nothing to do. */
    (void)mnl_cb_run(queue->buffer, (size_t)count, 0, 0, on_message, &call);
    return 0;
}

static void send_verdict(struct packet_queue *queue, struct packet_place place, uint32_t verdict,
                         uint32_t mark)
{
    char buffer[256];
    struct nlmsghdr *message =
        begin_message(buffer, NFQNL_MSG_VERDICT, (uint16_t)(queue->first + place.number));

    nfq_nlmsg_verdict_put(message, (int)place.id, (int)verdict);
    if (mark != 0) {
        nfq_nlmsg_verdict_put_mark(message, mark);
    }
    /* Not sent means not judged: the packet stays in the queue and is dropped with it. */
    (void)send(netlink_fd(&queue->netlink), message, message->nlmsg_len, MSG_DONTWAIT);
}

void packet_queue_accept(struct packet_queue *queue, struct packet_place place, uint32_t mark)
{
    send_verdict(queue, place, NF_ACCEPT, mark);
}

void packet_queue_drop(struct packet_queue *queue, struct packet_place place)
{
    send_verdict(queue, place, NF_DROP, 0);
}
