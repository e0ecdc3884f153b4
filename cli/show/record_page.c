#include "cli/show/record_page.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/log/event_words.h"
#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"

#define NAME_COLUMNS 12U

struct page {
    const struct paint_box *box;
    struct text_buffer out;
};

static void name(struct page *page, const char *word)
{
    paint_word(page->box, &page->out, PAINT_DIM, word, NAME_COLUMNS);
}

static void line_text(struct page *page, const char *word, struct json_text value)
{
    AUTO(text_buffer_clear) struct text_buffer decoded = {0};

    if (value.escaped.length == 0) {
        return;
    }
    json_text_append(&decoded, value);
    name(page, word);
    inert_text_append(&page->out, text_buffer_view(&decoded), INERT_TERMINAL);
    text_buffer_append_char(&page->out, '\n');
}

static void line_view(struct page *page, const char *word, struct str_view value)
{
    line_text(page, word, (struct json_text){.escaped = value});
}

static void line_bytes(struct page *page, const char *word, const struct record_bytes *value)
{
    AUTO(text_buffer_clear) struct text_buffer bytes = {0};

    if (!record_bytes_present(value)) {
        return;
    }
    record_bytes_append(&bytes, value);
    name(page, word);
    inert_text_append(&page->out, text_buffer_view(&bytes), INERT_TERMINAL);
    if (value->full_length > 0) {
        text_buffer_printf(&page->out, "  (cut; %" PRIu64 " bytes, sha256 %.*s)",
                           value->full_length, STR_VIEW_PRINTF(value->sha256));
    }
    text_buffer_append_char(&page->out, '\n');
}

static void line_number(struct page *page, const char *word, uint64_t value)
{
    if (value > 0) {
        name(page, word);
        text_buffer_printf(&page->out, "%" PRIu64 "\n", value);
    }
}

static void print_order(struct page *page, const struct audit_record *record)
{
    name(page, "record");
    text_buffer_printf(&page->out,
                       "%" PRIu64 "  %s from %s, event %" PRIu64 " of producer %" PRIu64,
                       record->seq, audit_kind_word(record->kind),
                       audit_source_word(record->source), record->pseq, record->producer);
    if (record->count > 1) {
        text_buffer_printf(&page->out, ", stands for %" PRIu64 " events", record->count);
    }
    text_buffer_append_char(&page->out, '\n');
    if (record->has_of) {
        name(page, "of record");
        text_buffer_printf(&page->out, "%" PRIu64 "\n", record->of);
    }
    line_view(page, "time", record->timestamp);
    line_text(page, "run", record->run);
    line_view(page, "id", record->id);
}

static void print_actor(struct page *page, const struct record_actor *actor)
{
    AUTO(text_buffer_clear) struct text_buffer comm = {0};

    json_text_append(&comm, actor->comm);
    name(page, "process");
    inert_text_append(&page->out, text_buffer_view(&comm), INERT_TERMINAL);
    text_buffer_printf(&page->out,
                       ", pid %" PRIu64 ", thread %" PRIu64 ", child of %" PRIu64 ", uid %" PRIu64
                       ", gid %" PRIu64 "\n",
                       actor->pid, actor->tid, actor->ppid, actor->uid, actor->gid);
    line_text(page, "executable", actor->exe);
}

static void print_call(struct page *page, const struct record_call *call)
{
    line_text(page, "operation", call->op);
    line_bytes(page, "path", &call->path);
    line_bytes(page, "to", &call->path2);
    line_bytes(page, "host", &call->host);
    line_view(page, "address", call->address);
    line_number(page, "port", call->port);
    line_text(page, "protocol", call->protocol);
    line_view(page, "from", call->source_address);
    line_number(page, "from port", call->source_port);
    line_bytes(page, "name sent", &call->sni);
    line_text(page, "type", call->type);
    line_view(page, "answers", call->answers);
    line_number(page, "flags", call->flags);
    line_number(page, "inode", call->ino);
    line_number(page, "arguments", call->argc);
    line_view(page, "their hash", call->argv_hash);
    line_number(page, "bytes in", call->bytes_in);
    line_number(page, "bytes out", call->bytes_out);
    line_view(page, "members", call->members);
}

/* The stages of a request in their order; the one that ended it is marked. */
static void print_stages(struct page *page, const struct audit_record *record)
{
    name(page, "stages");
    for (int i = 0; i < AUDIT_PHASE_COUNT; i++) {
        static const enum audit_phase order[] = {AUDIT_PHASE_VALIDATE, AUDIT_PHASE_POLICY,
                                                 AUDIT_PHASE_EXECUTE, AUDIT_PHASE_COMMIT};
        enum audit_phase phase = order[i];

        text_buffer_append_text(&page->out, i == 0 ? "" : " → ");
        if (phase == record->phase) {
            text_buffer_append_char(&page->out, '[');
            paint_word(page->box, &page->out, PAINT_BOLD, audit_phase_word(phase), 0);
            text_buffer_append_char(&page->out, ']');
        } else {
            paint_word(page->box, &page->out, PAINT_DIM, audit_phase_word(phase), 0);
        }
    }
    text_buffer_append_char(&page->out, '\n');
    name(page, "timing");
    text_buffer_printf(&page->out, "decided in %" PRIu64 ".%03" PRIu64 " ms",
                       record->overhead_ns / 1000000U, record->overhead_ns / 1000U % 1000U);
    if (record->duration_ns > 0) {
        text_buffer_append_text(&page->out, ", took ");
        append_duration(&page->out, record->duration_ns);
    }
    text_buffer_append_char(&page->out, '\n');
}

static void print_verdict(struct page *page, const struct audit_record *record)
{
    if (record->has_status) {
        name(page, "status");
        paint_word(page->box, &page->out,
                   record->status == AUDIT_STATUS_BLOCKED ? PAINT_REFUSED : PAINT_BOLD,
                   audit_status_word(record->status), 0);
        if (record->policy.has_decision) {
            text_buffer_printf(&page->out, "  (decision: %s)",
                               audit_decision_word(record->policy.decision));
        }
        text_buffer_append_char(&page->out, '\n');
    }
    line_text(page, "code", record->code);
    line_text(page, "reason", record->reason);
    line_view(page, "errno", record->error);
    line_text(page, "policy", record->policy.name);
    line_text(page, "version", record->policy.version);
    line_text(page, "its hash", record->policy.hash);
    line_text(page, "rule", record->policy.rule);
    if (record->has_status) {
        print_stages(page, record);
    }
}

void record_page_print(const struct paint_box *box, const struct audit_record *record)
{
    struct page page = {.box = box};

    print_order(&page, record);
    if (record->has_actor) {
        print_actor(&page, &record->actor);
    }
    print_call(&page, &record->call);
    print_verdict(&page, record);
    line_view(&page, "previous", record->previous_hash);
    line_view(&page, "entry hash", record->entry_hash);
    fwrite(text_buffer_text(&page.out), 1, page.out.length, stdout);
    text_buffer_clear(&page.out);
}
