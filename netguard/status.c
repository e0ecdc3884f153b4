#include "netguard/status.h"

#include <inttypes.h>
#include <unistd.h>

#include "netguard/nft/nft_counters.h"
#include "netguard/nft/ruleset.h"

static void write_counter(void *context, const char *name, uint64_t packets, uint64_t bytes)
{
    struct text_buffer *text = context;

    text_buffer_append_text(text, text->bytes[text->length - 1] == '{' ? "" : ",");
    text_buffer_append_json_string(text, str_view_from(name));
    text_buffer_printf(text, ":{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", packets, bytes);
}

void status_write(struct guard *guard, struct text_buffer *text)
{
    text_buffer_printf(text, "{\"pid\":%d,\"run\":", (int)getpid());
    text_buffer_append_json_string(text, str_view_from(audit_producer_run(guard->gate.audit)));
    text_buffer_append_text(text, ",\"policy\":");
    text_buffer_append_json_string(text, policy_name(guard->gate.policy));
    text_buffer_append_text(text, ",\"policy_hash\":");
    text_buffer_append_json_string(text, str_view_from(policy_hash(guard->gate.policy)));
    text_buffer_printf(text, ",\"breaker\":\"%s\"",
                       breaker_tripped(&guard->breaker) ? "tripped" : "closed");
    text_buffer_printf(text,
                       ",\"generation\":%" PRIu32 ",\"pinned_addresses\":%zu,\"packets\":{"
                       "\"judged\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"queue_overruns\":%" PRIu64
                       ",\"log_overruns\":%" PRIu64 "},\"counters\":{",
                       guard->generation, pin_table_count(guard->pins), guard->packets_judged,
                       guard->packets_refused, guard->queue.overruns, guard->drop_log.overruns);
    (void)nft_counters_read(&guard->tables, RULESET_TABLE, write_counter, text);
    text_buffer_printf(
        text, "},\"flows\":{\"known\":%zu,\"held\":%zu,\"lost_ends\":%" PRIu64 "}}\n",
        flow_table_count(guard->flows), flow_table_held(guard->flows), guard->conntrack.overruns);
}
