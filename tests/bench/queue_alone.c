/*
 * A queue with nobody who thinks: every new flow that is forwarded goes to user space and comes
 * back accepted at once. What the guard's table calls "queue round trip alone": the part of a
 * judged connect that no daemon behind this kernel's packet queue can do without. It keeps to the
 * processor that packets come from, as the guard does.
 *
 *   queue_alone          in the router's network namespace; until it is killed
 */
#include <netinet/in.h> /* before the kernel's own */

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "netguard/clock.h"
#include "netguard/flow/packet_queue.h"
#include "netguard/flow/processor_choice.h"
#include "netguard/nft/nft_batch.h"
#include "netguard/nft/nft_rule.h"
#include "netguard/nft/ruleset.h"
#include "shared/base/cleanup.h"

static int install_rule(struct netlink *netlink, struct failure *reterr)
{
    static const struct nft_base_chain hook = {
        .name = "forward", .hook = NF_INET_FORWARD, .priority = -10};
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    enum queue_statement statement;
    int error = ruleset_probe_queue(netlink, &statement, reterr);

    if (error == 0) {
        error = nft_batch_init(&batch, "queue_alone");
    }
    if (error < 0) {
        return error;
    }
    nft_table_replace(&batch);
    nft_chain_add(&batch, "ask");
    nft_rule_begin(&batch, "ask");
    do_queue(&batch, statement, RULESET_QUEUE, packet_queue_numbers());
    nft_rule_end(&batch);
    nft_chain_add_base(&batch, &hook);
    nft_rule_begin(&batch, hook.name);
    match_state(&batch, NF_CT_STATE_BIT(IP_CT_NEW));
    do_goto(&batch, "ask");
    nft_rule_end(&batch);
    return nft_batch_commit(&batch, netlink);
}

struct answerer {
    struct packet_queue queue;
    struct processor_choice processor;
};

static void accept_packet(void *context, const struct queued_packet *packet)
{
    struct answerer *answerer = context;

    packet_queue_accept(&answerer->queue, packet->place, 0);
    processor_choice_on_packet(&answerer->processor, packet->place.number);
    if (processor_choice_on_verdict(&answerer->processor, clock_now_ns())) {
        processor_choice_take(&answerer->processor);
    }
}

int main(void)
{
    struct failure failure = {0};
    struct netlink tables;
    struct answerer answerer;
    struct pollfd polled = {.events = POLLIN};
    int error = netlink_open(NETLINK_NETFILTER, &tables);

    if (error == 0) {
        error = packet_queue_open(RULESET_QUEUE, packet_queue_numbers(), &answerer.queue);
    }
    if (error == 0) {
        error = install_rule(&tables, &failure);
    }
    if (error < 0) {
        fprintf(stderr, "queue_alone: %s\n",
                failure.what[0] == '\0' ? strerror(-error) : failure.what);
        return 1;
    }
    answerer.processor = processor_choice_init(answerer.queue.count);
    polled.fd = packet_queue_fd(&answerer.queue);
    while (poll(&polled, 1, -1) > 0 || errno == EINTR) {
        (void)packet_queue_read(&answerer.queue, accept_packet, &answerer);
    }
    return 1;
}
