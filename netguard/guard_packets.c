/*
 * The guard's judgement of one packet from the queue.
 *
 * Theory of operation. The kernel queues the first packet of every flow, and then each packet of
 * the agent until the flow is released. A TCP flow whose rule wants the name inside checked goes
 * through three states:
 *
 *     NAMELESS   SYN, bare acknowledgements and resets pass (of the latter two the kernel shows us
 *                only those with unusual options); data is held, put together and read.
 *     INSPECTED  the name is right: what was held passes. Every further packet still comes here, a
 *                byte that was judged must come again as it was judged, and the server's packets
 *                come here too, because
 *     RELEASED   only the server's acknowledgement of the last judged byte shows that it has those
 *                bytes and no others. From then on the kernel carries the flow.
 *
 * So a decoy that the server never gets (bad checksum, bad timestamp, outside its window) releases
 * nothing, and the bytes that the server does get are those that were judged (SR22). Whether a
 * packet begins a flow is conntrack's word (FLOW_MARK_NEW), not the SYN flag's: a second SYN with
 * another sequence number must not move the place where the first byte is looked for.
 */
#include <string.h>

#include "netguard/clock.h"
#include "netguard/flow/flow_mark.h"
#include "netguard/flow/name_inspection.h"
#include "netguard/flow/packet_view.h"
#include "netguard/guard.h"
#include "netguard/guard_flows.h"
#include "netguard/nft/ruleset.h"

static struct flow_question question_about(const struct flow_key *key, const char *operation)
{
    return (struct flow_question){
        .operation = operation,
        .protocol = key->protocol,
        .source = key->agent,
        .source_port = key->agent_port,
        .address = key->remote,
        .port = key->remote_port,
    };
}

static struct flow_key key_of(const struct packet_view *view, bool from_agent)
{
    return (struct flow_key){
        .agent = from_agent ? view->source : view->destination,
        .agent_port = from_agent ? view->source_port : view->destination_port,
        .remote = from_agent ? view->destination : view->source,
        .remote_port = from_agent ? view->destination_port : view->source_port,
        .protocol = view->protocol,
    };
}

static const char *operation_of(enum net_protocol protocol)
{
    return protocol == NET_TCP ? "connect" : "send";
}

static void refuse_packet(struct guard *guard, struct packet_place place)
{
    guard->packets_refused++;
    packet_queue_accept(&guard->queue, place, FLOW_MARK_DENIED);
}

/* What was held goes the way of the flow: on, or refused (one answer is enough for the agent). */
static void let_held_go(struct guard *guard, struct flow *flow, uint32_t mark)
{
    for (size_t i = 0; i < flow->held_count; i++) {
        packet_queue_accept(&guard->queue, flow->held[i], mark);
    }
    flow->held_count = 0;
}

/* The end of a flow that was judged and lost, and of `flow`; what comes of it later finds no flow.
 * Other flows that have ended may go with it. */
static void refuse_held(struct guard *guard, struct flow *flow)
{
    const struct flow_key key = flow->key;

    for (size_t i = 0; i < flow->held_count; i++) {
        if (i == 0) {
            refuse_packet(guard, flow->held[i]);
        } else {
            packet_queue_drop(&guard->queue, flow->held[i]);
        }
    }
    flow->held_count = 0;
    conntrack_forget(&guard->conntrack, &key);
    guard_record_ended(guard); /* its end, with what it has carried */
    flow = flow_table_find(guard->flows, &key);
    if (flow != NULL) {
        flow_table_remove(guard->flows, flow);
    }
}

static void refuse_flow(struct guard *guard, struct flow *flow, enum denial_code code,
                        const char *reason)
{
    struct flow_question question = question_about(&flow->key, "hello");
    struct str_view name = str_view_from(flow->name);

    question.names = &name;
    question.name_count = flow->name[0] == '\0' ? 0 : 1;
    question.sni = str_view_from(flow->sni[0] == '\0' ? NULL : flow->sni);
    (void)net_gate_refuse_flow(&guard->gate, &question, code, reason);
    refuse_held(guard, flow);
}

/* ---- a flow begins --------------------------------------------------------------------------- */

/* An allowed address that no name led to: an address rule. The kernel's set must know it too. */
static bool open_in_kernel(struct guard *guard, const struct flow_key *key, size_t names)
{
    return names > 0 || ruleset_pin(&guard->tables, &key->remote, 1, GUARD_PIN_GRACE_MS) == 0;
}

static void remember_name(char name[static FLOW_NAME_BYTES], struct str_view from)
{
    size_t length = from.length < FLOW_NAME_BYTES - 1 ? from.length : FLOW_NAME_BYTES - 1;

    if (length > 0) {
        memcpy(name, from.bytes, length);
    }
    name[length] = '\0';
}

/* Asks the gate about a flow by its address; `flow` gets what the answer rests on. */
static bool judge_address(struct guard *guard, const struct flow_key *key, struct flow *flow)
{
    struct str_view names[PIN_NAMES_MAX];
    struct flow_question question = question_about(key, operation_of(key->protocol));
    struct decision decision;

    question.names = names;
    question.name_count =
        pin_table_names(guard->pins, &key->remote, clock_now_ms(), names, PIN_NAMES_MAX);
    question.nameless_kind = key->protocol != NET_TCP;
    question.no_room =
        guard->tracked >= GUARD_TRACKED_MAX || !flow_table_has_room(guard->flows, key);
    net_gate_lead_with_decider(&guard->gate, &question, names);
    decision = net_gate_flow(&guard->gate, &question, &flow->ticket);
    flow->check = decision.name_check;
    remember_name(flow->name, question.name_count > 0 ? names[0] : (struct str_view){0});
    return decision_permits(decision) && open_in_kernel(guard, key, question.name_count);
}

static bool begins_well(struct guard *guard, const struct packet_view *view,
                        const struct flow_key *key)
{
    struct flow_question question = question_about(key, operation_of(key->protocol));
    const char *reason = NULL;

    if (view->protocol == NET_OTHER) {
        reason = "only tcp and udp pass";
    } else if (view->protocol == NET_TCP && view->payload_length > 0) {
        reason = "data in the first segment";
    } else if (view->protocol == NET_TCP && view->odd_tcp_option) {
        reason = "an unknown TCP option";
    }
    if (reason == NULL) {
        return true;
    }
    (void)net_gate_refuse_flow(
        &guard->gate, &question,
        view->protocol == NET_OTHER ? DENIAL_PROTOCOL_DENIED : DENIAL_PACKET_MALFORMED, reason);
    return false;
}

static void begin_flow(struct guard *guard, const struct queued_packet *packet,
                       const struct packet_view *view, const struct flow_key *key)
{
    struct flow judged = {.key = *key}, *flow;

    if (!begins_well(guard, view, key) || !judge_address(guard, key, &judged)) {
        refuse_packet(guard, packet->place);
        return;
    }
    flow = flow_table_add(guard->flows, key);
    if (flow == NULL) {
        struct flow_question question = question_about(key, operation_of(key->protocol));

        (void)net_gate_refuse_flow(&guard->gate, &question, DENIAL_BUDGET_EXCEEDED,
                                   "no memory for one more flow");
        refuse_packet(guard, packet->place);
        return;
    }
    guard->tracked++;
    flow->check = judged.check;
    flow->ticket = judged.ticket;
    memcpy(flow->name, judged.name, sizeof(flow->name));
    flow->generation = guard->generation;
    flow->began_ms = clock_now_ms();
    flow->first_byte = view->sequence + 1;
    if (flow->check == NAME_CHECK_ADDRESS_ONLY) {
        flow_table_release(guard->flows, flow);
        packet_queue_accept(&guard->queue, packet->place, flow_mark_released(guard->generation));
        return;
    }
    flow->state = FLOW_NAMELESS;
    packet_queue_accept(&guard->queue, packet->place, flow_mark_pending(guard->generation));
}

/* ---- the name inside ------------------------------------------------------------------------- */

static bool name_is_pinned(struct guard *guard, const struct flow *flow, struct str_view name)
{
    struct str_view names[PIN_NAMES_MAX];
    size_t count =
        pin_table_names(guard->pins, &flow->key.remote, clock_now_ms(), names, PIN_NAMES_MAX);

    /* The pin that let the flow begin may have ended meanwhile; the flow has not. */
    if (str_view_equals_text(name, flow->name)) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (str_view_equals(names[i], name)) {
            return true;
        }
    }
    return false;
}

/* Allowed by its own name, and by a name that led to this address. */
static bool judge_name(struct guard *guard, struct flow *flow, const struct inspection *found)
{
    struct flow_question question = question_about(&flow->key, "hello");
    struct str_view name = {found->name, found->name_length};
    struct str_view judged_by = str_view_from(flow->name);
    bool named = found->state == INSPECTION_NAMED;
    uint64_t ticket;

    remember_name(flow->sni, named ? name : (struct str_view){0});
    if (named && !name_is_pinned(guard, flow, name)) {
        refuse_flow(guard, flow, DENIAL_NAME_MISMATCH,
                    "the name inside the connection did not lead to this address");
        return false;
    }
    question.names = named ? &name : &judged_by;
    question.name_count = 1;
    question.sni = named ? name : (struct str_view){0};
    question.remark = named ? NULL : "the policy lets hidden names pass unchecked";
    if (!decision_permits(net_gate_flow(&guard->gate, &question, &ticket))) {
        refuse_held(guard, flow);
        return false;
    }
    return true;
}

static void inspect(struct guard *guard, struct flow *flow)
{
    struct inspection found =
        inspect_first_bytes(flow->check, guard->gate.settings.ech, guard->gate.settings.no_sni,
                            flow->stream->bytes, flow->stream->contiguous);

    switch (found.state) {
    case INSPECTION_MORE:
        if (flow->held_count == FLOW_PACKETS || flow->stream->contiguous == HELD_STREAM_BYTES) {
            refuse_flow(guard, flow, DENIAL_NAME_MISMATCH,
                        "the connection's first message is too long to be checked");
        }
        return;
    case INSPECTION_REFUSED:
        refuse_flow(guard, flow, DENIAL_NAME_MISMATCH, found.reason);
        return;
    case INSPECTION_NAMED:
    case INSPECTION_UNCHECKED:
        if (judge_name(guard, flow, &found)) {
            flow->state = FLOW_INSPECTED;
            flow->judged_bytes = found.judged_bytes;
            let_held_go(guard, flow, flow_mark_inspected(guard->generation));
        }
        return;
    }
}

static void take_data(struct guard *guard, struct flow *flow, const struct queued_packet *packet,
                      const struct packet_view *view)
{
    uint32_t offset = view->sequence - flow->first_byte;

    /* Before the first byte (a keep-alive), far ahead, or no room: what matters comes again. */
    if (offset >= HELD_STREAM_BYTES || flow->held_count == FLOW_PACKETS ||
        !flow_table_hold(guard->flows, flow, clock_now_ms())) {
        packet_queue_drop(&guard->queue, packet->place);
        return;
    }
    flow->held[flow->held_count++] = packet->place;
    if (held_stream_add(flow->stream, offset, view->payload, view->payload_length) ==
        HELD_CONFLICT) {
        refuse_flow(guard, flow, DENIAL_PACKET_MALFORMED,
                    "a repeated segment differs from the first");
        return;
    }
    inspect(guard, flow);
}

static void pass_inspected(struct guard *guard, struct flow *flow,
                           const struct queued_packet *packet, const struct packet_view *view)
{
    uint32_t offset = view->sequence - flow->first_byte;

    if (!held_stream_agrees(flow->stream, flow->judged_bytes, offset, view->payload,
                            view->payload_length)) {
        refuse_flow(guard, flow, DENIAL_PACKET_MALFORMED,
                    "a repeated segment differs from what was judged");
        packet_queue_drop(&guard->queue, packet->place);
        return;
    }
    packet_queue_accept(&guard->queue, packet->place, flow_mark_inspected(guard->generation));
}

/* ---- a flow goes on ---------------------------------------------------------------------------
 */

/* After a reload: the flow of an older generation is judged again, once. */
static bool judge_again(struct guard *guard, struct flow *flow)
{
    struct str_view name = str_view_from(flow->sni[0] != '\0' ? flow->sni : flow->name);
    struct flow_question question = question_about(&flow->key, operation_of(flow->key.protocol));

    question.names = &name;
    question.name_count = name.length > 0 ? 1 : 0;
    question.sni = str_view_from(flow->sni[0] != '\0' ? flow->sni : NULL);
    question.remark = "judged again";
    question.again = true;
    if (!decision_permits(net_gate_flow(&guard->gate, &question, &flow->ticket))) {
        refuse_held(guard, flow);
        return false;
    }
    flow->generation = guard->generation;
    return true;
}

static void go_on_from_agent(struct guard *guard, struct flow *flow,
                             const struct queued_packet *packet, const struct packet_view *view)
{
    switch (flow->state) {
    case FLOW_NONE:
        refuse_packet(guard, packet->place);
        return;
    case FLOW_RELEASED:
        packet_queue_accept(&guard->queue, packet->place, flow_mark_released(guard->generation));
        return;
    case FLOW_NAMELESS:
    case FLOW_INSPECTED:
        break;
    }
    if (view->odd_tcp_option ||
        ((view->tcp_flags & PACKET_SYN) != 0 && view->sequence + 1 != flow->first_byte) ||
        ((view->tcp_flags & PACKET_SYN) != 0 && view->payload_length > 0)) {
        packet_queue_drop(&guard->queue, packet->place);
        return;
    }
    if (flow->state == FLOW_INSPECTED) {
        pass_inspected(guard, flow, packet, view);
    } else if (view->payload_length > 0) {
        take_data(guard, flow, packet, view);
    } else {
        packet_queue_accept(&guard->queue, packet->place, flow_mark_pending(guard->generation));
    }
}

static void go_on_from_world(struct guard *guard, struct flow *flow,
                             const struct queued_packet *packet, const struct packet_view *view)
{
    uint32_t covered = view->acknowledged - flow->first_byte;

    switch (flow->state) {
    case FLOW_NONE:
        packet_queue_drop(&guard->queue, packet->place);
        return;
    case FLOW_NAMELESS:
        packet_queue_accept(&guard->queue, packet->place, flow_mark_pending(guard->generation));
        return;
    case FLOW_INSPECTED:
        if ((view->tcp_flags & (PACKET_ACK | PACKET_RST)) != PACKET_ACK ||
            (int32_t)(covered - (uint32_t)flow->judged_bytes) < 0) {
            packet_queue_accept(&guard->queue, packet->place,
                                flow_mark_inspected(guard->generation));
            return;
        }
        flow_table_release(guard->flows, flow);
        break;
    case FLOW_RELEASED:
        break;
    }
    packet_queue_accept(&guard->queue, packet->place, flow_mark_released(guard->generation));
}

void guard_judge_packet(void *context, const struct queued_packet *packet)
{
    struct guard *guard = context;
    bool from_agent = packet->in_link == guard->agent_link;
    struct packet_view view;
    struct flow_key key;
    struct flow *flow;

    guard->packets_judged++;
    if (packet->cut || packet_view_parse(packet->bytes, packet->length, &view) < 0) {
        struct flow_question unknown = {.operation = "send", .protocol = NET_OTHER};

        (void)net_gate_refuse_flow(&guard->gate, &unknown, DENIAL_PACKET_MALFORMED,
                                   "a packet that cannot be parsed safely");
        packet_queue_drop(&guard->queue, packet->place);
        return;
    }
    key = key_of(&view, from_agent);
    if (from_agent && (packet->mark & FLOW_MARK_NEW) != 0) {
        flow = flow_table_find(guard->flows, &key);
        if (flow != NULL) {
            /* The end of an earlier flow of the same ports was told before this packet came: it
             * must not be taken for the end of this one. */
            guard_record_ended(guard);
            flow = flow_table_find(guard->flows, &key);
        }
        if (flow != NULL && flow->key.protocol == NET_TCP && flow->held_count == 0 &&
            flow->first_byte == view.sequence + 1 && flow->generation == guard->generation) {
            /* The same SYN once more: it was judged. */
            go_on_from_agent(guard, flow, packet, &view);
            return;
        }
        begin_flow(guard, packet, &view, &key);
        return;
    }
    flow = flow_table_find(guard->flows, &key);
    if (flow == NULL || (flow->generation != guard->generation && !judge_again(guard, flow))) {
        if (from_agent) {
            refuse_packet(guard, packet->place);
        } else {
            packet_queue_drop(&guard->queue, packet->place);
        }
        return;
    }
    if (from_agent) {
        go_on_from_agent(guard, flow, packet, &view);
    } else {
        go_on_from_world(guard, flow, packet, &view);
    }
}

static struct flow *first_overdue(const struct guard *guard, uint64_t now_ms)
{
    struct flow *flow = flow_table_first_held(guard->flows);

    while (flow != NULL &&
           (flow->state != FLOW_NAMELESS || now_ms - flow->held_since_ms <= FLOW_HOLD_MS)) {
        flow = flow->held_after;
    }
    return flow;
}

void guard_end_waiting(struct guard *guard)
{
    const uint64_t now = clock_now_ms();
    struct flow *flow;

    while ((flow = first_overdue(guard, now)) != NULL) {
        refuse_flow(guard, flow, DENIAL_NAME_MISMATCH,
                    "the connection's first message did not come to an end");
    }
}
