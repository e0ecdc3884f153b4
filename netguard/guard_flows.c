#include "netguard/guard_flows.h"

#include "netguard/clock.h"

static void record_end(struct guard *guard, const struct flow *flow,
                       const struct conntrack_flow *counted)
{
    struct flow_question question = {
        .operation = "flow_end",
        .protocol = flow->key.protocol,
        .source = flow->key.agent,
        .source_port = flow->key.agent_port,
        .address = flow->key.remote,
        .port = flow->key.remote_port,
        .sni = str_view_from(flow->sni[0] == '\0' ? NULL : flow->sni),
    };
    struct str_view name = str_view_from(flow->name);
    struct flow_end end = {
        .of = flow->ticket,
        .duration_ns = (clock_now_ms() - flow->began_ms) * 1000000U,
        .bytes_in = counted->bytes_in,
        .bytes_out = counted->bytes_out,
    };

    question.names = &name;
    question.name_count = name.length > 0 ? 1 : 0;
    net_gate_flow_end(&guard->gate, &question, &end);
}

static void on_ended(void *context, const struct conntrack_flow *ended)
{
    struct guard *guard = context;
    struct flow *flow = flow_table_find(guard->flows, &ended->key);

    /* Held packets mean a newer flow of the same endpoints, which has only begun. */
    if (flow != NULL && flow->held_count == 0) {
        record_end(guard, flow, ended);
        flow_table_remove(guard->flows, flow);
    }
}

void guard_record_ended(struct guard *guard)
{
    conntrack_read_ended(&guard->conntrack, on_ended, guard);
}

void guard_record_all(struct guard *guard)
{
    (void)conntrack_each(&guard->conntrack, on_ended, guard);
}
