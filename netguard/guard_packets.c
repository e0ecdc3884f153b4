/* The guard's judgement of one packet from the queue. */
#include <string.h>

#include "netguard/clock.h"
#include "netguard/flow/flow_mark.h"
#include "netguard/flow/packet_view.h"
#include "netguard/guard.h"
#include "netguard/nft/ruleset.h"

#define NAMES_MAX PIN_NAMES_MAX

static const char *operation_of(const struct packet_view *view)
{
    return view->protocol == NET_TCP ? "connect" : "send";
}

static struct flow_question question_about(const struct packet_view *view)
{
    return (struct flow_question){
        .operation = operation_of(view),
        .protocol = view->protocol,
        .source = view->source,
        .source_port = view->source_port,
        .address = view->destination,
        .port = view->destination_port,
    };
}

static void refuse(struct guard *guard, const struct queued_packet *packet)
{
    guard->packets_refused++;
    packet_queue_accept(&guard->queue, packet->id, FLOW_MARK_DENIED);
}

/* An allowed address that no name led to: an address rule. The kernel's set must know it too. */
static bool open_in_kernel(struct guard *guard, const struct packet_view *view, size_t names)
{
    return names > 0 || ruleset_pin(&guard->tables, &view->destination, 1, GUARD_PIN_GRACE_MS) == 0;
}

static void judge_new_flow(struct guard *guard, const struct queued_packet *packet,
                           const struct packet_view *view)
{
    struct str_view names[NAMES_MAX];
    struct flow_question question = question_about(view);
    struct decision decision;

    question.names = names;
    question.name_count =
        pin_table_names(guard->pins, &view->destination, clock_now_ms(), names, NAMES_MAX);
    question.remark = question.name_count > 0 ? "the name inside was not checked" : NULL;
    decision = net_gate_flow(&guard->gate, &question, NULL);
    if (!decision_permits(decision) || !open_in_kernel(guard, view, question.name_count)) {
        refuse(guard, packet);
        return;
    }
    packet_queue_accept(&guard->queue, packet->id, flow_mark_released(guard->generation));
}

void guard_judge_packet(void *context, const struct queued_packet *packet)
{
    struct guard *guard = context;
    struct packet_view view;

    guard->packets_judged++;
    if (packet->cut || packet_view_parse(packet->bytes, packet->length, &view) < 0) {
        struct flow_question unknown = {.operation = "send", .protocol = NET_OTHER};

        (void)net_gate_refuse_flow(&guard->gate, &unknown, DENIAL_PACKET_MALFORMED,
                                   "a packet that cannot be parsed safely");
        packet_queue_drop(&guard->queue, packet->id);
        return;
    }
    if (packet->in_link != guard->agent_link) {
        packet_queue_drop(&guard->queue, packet->id);
        return;
    }
    if (view.protocol == NET_TCP && (view.payload_length > 0 || view.odd_tcp_option)) {
        struct flow_question question = question_about(&view);

        (void)net_gate_refuse_flow(&guard->gate, &question, DENIAL_PACKET_MALFORMED,
                                   view.odd_tcp_option ? "an unknown TCP option"
                                                       : "data in the first segment");
        refuse(guard, packet);
        return;
    }
    judge_new_flow(guard, packet, &view);
}
