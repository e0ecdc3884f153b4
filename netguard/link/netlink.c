#include "netguard/link/netlink.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

int netlink_open(int bus, struct netlink *ret_netlink)
{
    /* The kernel answers at once or not at all: a lost answer must not stop the guard. */
    static const struct timeval patience = {.tv_sec = 5};
    struct mnl_socket *opened = mnl_socket_open2(bus, SOCK_CLOEXEC);

    if (opened == NULL) {
        return -errno;
    }
    if (mnl_socket_bind(opened, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(opened), SOL_SOCKET, SO_RCVTIMEO, &patience,
                   sizeof(patience)) < 0) {
        int error = -errno;

        mnl_socket_close(opened);
        return error;
    }
    *ret_netlink = (struct netlink){.socket = opened, .sequence = 1};
    return 0;
}

void netlink_close(struct netlink *netlink)
{
    if (netlink->socket != NULL) {
        mnl_socket_close(netlink->socket);
        netlink->socket = NULL;
    }
}

int netlink_fd(const struct netlink *netlink)
{
    return mnl_socket_get_fd(netlink->socket);
}

static int exchange(struct netlink *netlink, struct nlmsghdr *message, mnl_cb_t each, void *context)
{
    char answer[NETLINK_ANSWER_MAX];
    int state = MNL_CB_OK;

    message->nlmsg_seq = netlink->sequence++;
    if (mnl_socket_sendto(netlink->socket, message, message->nlmsg_len) < 0) {
        return -errno;
    }
    while (state > MNL_CB_STOP) {
        ssize_t count = mnl_socket_recvfrom(netlink->socket, answer, sizeof(answer));

        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return -errno;
        }
        state = mnl_cb_run(answer, (size_t)count, message->nlmsg_seq,
                           mnl_socket_get_portid(netlink->socket), each, context);
    }
    return state < 0 ? -errno : 0;
}

int netlink_request(struct netlink *netlink, struct nlmsghdr *message)
{
    message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    return exchange(netlink, message, NULL, NULL);
}

int netlink_dump(struct netlink *netlink, struct nlmsghdr *message, mnl_cb_t each, void *context)
{
    message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
    return exchange(netlink, message, each, context);
}
