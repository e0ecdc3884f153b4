#include "netguard/guard_flows.h"

#include <errno.h>

#include "netguard/clock.h"
#include "netguard/guard_breaker.h"

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

/* As the gate charges it: by name, or by the address as text. */
static struct str_view host_of(const struct flow *flow, char text[static IP_ADDRESS_TEXT_MAX])
{
    if (flow->sni[0] != '\0') {
        return str_view_from(flow->sni);
    }
    return str_view_from(flow->name[0] != '\0' ? flow->name
                                               : ip_address_format(&flow->key.remote, text));
}

static void on_counted(void *context, const struct conntrack_flow *counted)
{
    struct guard *guard = context;
    struct flow *flow = flow_table_find(guard->flows, &counted->key);
    char text[IP_ADDRESS_TEXT_MAX];

    if (flow != NULL) {
        budget_count_live(guard->gate.budget, host_of(flow, text), counted->bytes_out);
    }
}

static void on_live(void *context, const struct conntrack_flow *counted)
{
    struct guard *guard = context;
    struct flow *flow = flow_table_find(guard->flows, &counted->key);

    if (flow != NULL) {
        flow->bytes_out = counted->bytes_out;
        flow->bytes_in = counted->bytes_in;
    }
}

int guard_count_live(struct guard *guard)
{
    return conntrack_each(&guard->conntrack, on_live, guard);
}

int guard_count_bytes(struct guard *guard)
{
    const struct net_settings *settings = &guard->gate.settings;

    if (settings->budget.bytes_out == 0 && settings->budget.bytes_out_per_host == 0 &&
        !breaker_counts(&guard->breaker, BREAKER_BYTES_OUT)) {
        return 0;
    }
    budget_count_begin(guard->gate.budget);
    if (flow_table_count(guard->flows) > 0 &&
        conntrack_each(&guard->conntrack, on_counted, guard) < 0) {
        return -EIO; /* what cannot be counted is not granted */
    }
    guard_breaker_count_bytes(guard);
    return budget_count_end(guard->gate.budget, settings) ? guard_judge_all_again(guard) : 0;
}

static void on_ended(void *context, const struct conntrack_flow *ended)
{
    struct guard *guard = context;
    struct flow *flow = flow_table_find(guard->flows, &ended->key);

    /* Held packets mean a newer flow of the same endpoints, which has only begun. */
    if (flow != NULL && flow->held_count == 0) {
        char text[IP_ADDRESS_TEXT_MAX];

        record_end(guard, flow, ended);
        budget_count_ended(guard->gate.budget, host_of(flow, text), ended->bytes_out);
        flow_table_remove(guard->flows, flow);
    }
}

/* While we look nothing is judged: a millisecond, and all flows there can be have their turn within
 * twenty seconds. */
#define LOOKS_PER_BEAT 512U

struct looks {
    struct flow_key keys[LOOKS_PER_BEAT];
    size_t count;
};

static bool look_at(void *context, struct flow *flow)
{
    struct looks *looks = context;

    looks->keys[looks->count++] = flow->key;
    return looks->count < LOOKS_PER_BEAT;
}

/* The kernel has no such flow. If that is news, then because the word of its end was lost. */
static void forget(struct guard *guard, const struct flow_key *key)
{
    const struct flow *flow = flow_table_find(guard->flows, key);

    if (flow != NULL) {
        on_ended(guard, &(struct conntrack_flow){
                            .key = *key, .bytes_out = flow->bytes_out, .bytes_in = flow->bytes_in});
    }
}

void guard_look_for_ended(struct guard *guard)
{
    struct looks looks = {.count = 0};
    bool gone[CONNTRACK_LOOKS_MAX];

    flow_table_walk(guard->flows, &guard->look_place, LOOKS_PER_BEAT, look_at, &looks);
    for (size_t first = 0; first < looks.count; first += CONNTRACK_LOOKS_MAX) {
        size_t count =
            looks.count - first < CONNTRACK_LOOKS_MAX ? looks.count - first : CONNTRACK_LOOKS_MAX;

        conntrack_look_at(&guard->conntrack, looks.keys + first, count, gone);
        guard_record_ended(guard); /* with the bytes, if they are known */
        for (size_t i = 0; i < count; i++) {
            if (gone[i]) {
                forget(guard, &looks.keys[first + i]);
            }
        }
    }
}

void guard_record_ended(struct guard *guard)
{
    conntrack_read_ended(&guard->conntrack, on_ended, guard);
}

void guard_record_all(struct guard *guard)
{
    /* The kernel looks through its whole table, of all namespaces: 9 ms here, for nothing. */
    if (flow_table_count(guard->flows) == 0) {
        return;
    }
    (void)conntrack_each(&guard->conntrack, on_ended, guard);
}
