#include "netguard/status.h"

#include <inttypes.h>
#include <unistd.h>

#include "netguard/clock.h"
#include "netguard/flow/packet_view.h"
#include "netguard/guard_flows.h"
#include "netguard/nft/nft_counters.h"
#include "netguard/nft/ruleset.h"

static void write_counter(void *context, const char *name, uint64_t packets, uint64_t bytes)
{
    struct text_buffer *text = context;

    text_buffer_append_text(text, text->bytes[text->length - 1] == '{' ? "" : ",");
    text_buffer_append_json_string(text, str_view_from(name));
    text_buffer_printf(text, ":{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", packets, bytes);
}

static void write_text(struct text_buffer *text, const char *key, struct str_view value)
{
    text_buffer_printf(text, "%s\"%s\":", text->bytes[text->length - 1] == '{' ? "" : ",", key);
    text_buffer_append_json_string(text, value);
}

static void write_number(struct text_buffer *text, const char *key, uint64_t value)
{
    text_buffer_printf(text, "%s\"%s\":%" PRIu64, text->bytes[text->length - 1] == '{' ? "" : ",",
                       key, value);
}

static void write_address(struct text_buffer *text, const char *key,
                          const struct ip_address *address)
{
    char shown[IP_ADDRESS_TEXT_MAX];

    write_text(text, key, str_view_from(ip_address_format(address, shown)));
}

static const char *state_word(enum flow_state state)
{
    switch (state) {
    case FLOW_NONE:
        return "none";
    case FLOW_NAMELESS:
        return "nameless";
    case FLOW_INSPECTED:
        return "inspected";
    case FLOW_RELEASED:
        return "released";
    }
    return "none";
}

struct flow_listing {
    struct text_buffer *text;
    size_t left;
    uint64_t now_ms;
};

static bool write_flow(void *context, struct flow *flow)
{
    struct flow_listing *listing = context;
    struct text_buffer *text = listing->text;

    if (listing->left-- == 0) {
        return false;
    }
    text_buffer_append_text(text, text->bytes[text->length - 1] == '[' ? "{" : ",{");
    write_text(text, "protocol", str_view_from(packet_protocol_word(flow->key.protocol)));
    write_address(text, "source_address", &flow->key.agent);
    write_number(text, "source_port", flow->key.agent_port);
    write_address(text, "address", &flow->key.remote);
    write_number(text, "port", flow->key.remote_port);
    if (flow->name[0] != '\0') {
        write_text(text, "host", str_view_from(flow->name));
    }
    if (flow->sni[0] != '\0') {
        write_text(text, "sni", str_view_from(flow->sni));
    }
    write_text(text, "state", str_view_from(state_word(flow->state)));
    write_number(text, "age_ms", listing->now_ms - flow->began_ms);
    write_number(text, "bytes_out", flow->bytes_out);
    write_number(text, "bytes_in", flow->bytes_in);
    text_buffer_append_text(text, "}");
    return true;
}

static void write_flows(struct guard *guard, struct text_buffer *text)
{
    struct flow_listing listing = {
        .text = text, .left = STATUS_FLOWS_MAX, .now_ms = clock_now_ms()};

    (void)guard_count_live(guard);
    text_buffer_append_text(text, ",\"flows\":{");
    write_number(text, "known", flow_table_count(guard->flows));
    write_number(text, "held", flow_table_held(guard->flows));
    write_number(text, "lost_ends", guard->conntrack.overruns);
    text_buffer_append_text(text, ",\"live\":[");
    flow_table_each(guard->flows, write_flow, &listing);
    text_buffer_append_text(text, "]}");
}

static void write_resolver(const struct guard *guard, struct text_buffer *text)
{
    size_t waiting = 0;

    for (size_t i = 0; i < RESOLVER_SLOTS; i++) {
        waiting += guard->questions[i].open ? 1 : 0;
    }
    text_buffer_append_text(text, ",\"resolver\":{");
    write_number(text, "pid", (uint64_t)guard->resolver_pid);
    write_number(text, "asker_pid", (uint64_t)guard->asker_pid);
    write_number(text, "asked", guard->names.asked);
    write_number(text, "refused", guard->names.refused);
    write_number(text, "answered", guard->names.answered);
    write_number(text, "failed", guard->names.failed);
    write_number(text, "waiting", waiting);
    text_buffer_append_text(text, ",\"upstreams\":[");
    for (size_t i = 0; i < guard->upstreams.count; i++) {
        char shown[IP_ADDRESS_TEXT_MAX];

        text_buffer_append_text(text, i == 0 ? "" : ",");
        text_buffer_append_json_string(
            text, str_view_from(ip_address_format(&guard->upstreams.addresses[i], shown)));
    }
    text_buffer_append_text(text, "]}");
}

void status_write(struct guard *guard, struct text_buffer *text)
{
    text_buffer_append_text(text, "{");
    write_number(text, "pid", (uint64_t)getpid());
    write_text(text, "run", str_view_from(audit_producer_run(guard->gate.audit)));
    write_text(text, "policy", policy_name(guard->gate.policy));
    write_text(text, "policy_hash", str_view_from(policy_hash(guard->gate.policy)));
    write_text(text, "breaker",
               str_view_from(breaker_tripped(&guard->breaker) ? "tripped" : "closed"));
    write_number(text, "generation", guard->generation);
    write_number(text, "pinned_addresses", pin_table_count(guard->pins));
    text_buffer_append_text(text, ",\"packets\":{");
    write_number(text, "judged", guard->packets_judged);
    write_number(text, "refused", guard->packets_refused);
    write_number(text, "queue_overruns", guard->queue.overruns);
    write_number(text, "log_overruns", guard->drop_log.overruns);
    text_buffer_append_text(text, "},\"counters\":{");
    (void)nft_counters_read(&guard->tables, RULESET_TABLE, write_counter, text);
    text_buffer_append_text(text, "}");
    write_resolver(guard, text);
    write_flows(guard, text);
    text_buffer_append_text(text, "}\n");
}
