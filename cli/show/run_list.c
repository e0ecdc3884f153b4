#include "cli/show/run_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cli/log/event_words.h"
#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"

static void append_inert(struct text_buffer *text, const char *value)
{
    inert_text_append(text, str_view_from(value), INERT_TERMINAL);
}

static void append_policy(struct text_buffer *text, const struct run_entry *run)
{
    append_inert(text, run->policy_name[0] == '\0' ? "no policy" : run->policy_name);
    if (run->policy_version[0] != '\0') {
        text_buffer_append_char(text, ' ');
        append_inert(text, run->policy_version);
    }
}

static void append_time(struct text_buffer *text, int64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm when = {0};
    char words[40];

    localtime_r(&seconds, &when);
    strftime(words, sizeof(words), "%Y-%m-%d %H:%M:%S", &when);
    text_buffer_append_text(text, words);
}

static void append_line(const struct paint_box *box, struct text_buffer *text,
                        const struct run_entry *run)
{
    enum paint paint = run->counts.blocked > 0 ? PAINT_REFUSED : PAINT_PLAIN;

    inert_text_append_cut(text, str_view_from(run->id), 40, INERT_TERMINAL);
    text_buffer_append_text(text, "  ");
    append_time(text, run->first_ns);
    text_buffer_append_text(text, "  ");
    append_duration(text, (uint64_t)(run->last_ns - run->first_ns));
    if (run->end_seq == UINT64_MAX) {
        text_buffer_append_text(text, " (no end)");
    } else if (run->exit_code != UINT64_MAX) {
        text_buffer_printf(text, "  exit %" PRIu64, run->exit_code);
    }
    text_buffer_append_text(text, "  ");
    if (run->launcher_uid != UINT64_MAX) {
        text_buffer_printf(text, "by user %" PRIu64 "  ", run->launcher_uid);
    }
    append_policy(text, run);
    text_buffer_printf(text, "  %" PRIu64 " decisions  ", run->counts.decisions);
    paint_begin(box, text, paint);
    text_buffer_printf(text, "%" PRIu64 " blocked", run->counts.blocked);
    paint_end(box, text, paint);
    text_buffer_append_char(text, '\n');
}

static void append_member(struct text_buffer *text, const char *name, const char *value)
{
    text_buffer_printf(text, ",\"%s\":", name);
    text_buffer_append_json_string(text, str_view_from(value));
}

static void append_object(struct text_buffer *text, const struct run_entry *run)
{
    const struct run_counts *counts = &run->counts;
    AUTO(text_buffer_clear) struct text_buffer known = {0};

    if (run->launcher_uid != UINT64_MAX) {
        text_buffer_printf(&known, ",\"launcher_uid\":%" PRIu64, run->launcher_uid);
        append_member(&known, "host", run->host);
    }
    if (run->exit_code != UINT64_MAX) {
        text_buffer_printf(&known, ",\"exit\":%" PRIu64, run->exit_code);
        append_member(&known, "cause", run->cause);
    }
    text_buffer_append_text(text, "{\"run\":");
    text_buffer_append_json_string(text, str_view_from(run->id));
    append_member(text, "policy", run->policy_name);
    append_member(text, "policy_version", run->policy_version);
    append_member(text, "policy_hash", run->policy_hash);
    text_buffer_printf(text,
                       ",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64
                       ",\"started_ns\":\"%" PRId64 "\",\"last_ns\":\"%" PRId64
                       "\",\"ended\":%s,\"records\":%" PRIu64 ",\"decisions\":%" PRIu64
                       ",\"blocked\":%" PRIu64 ",\"logged\":%" PRIu64 ",\"failed\":%" PRIu64
                       ",\"limited\":%" PRIu64 ",\"lost\":%" PRIu64 "%s}\n",
                       run->first_seq, run->last_seq, run->first_ns, run->last_ns,
                       run->end_seq == UINT64_MAX ? "false" : "true", counts->records,
                       counts->decisions, counts->blocked, counts->logged, counts->failed,
                       counts->limited, counts->lost, text_buffer_text(&known));
}

void run_list_print(const struct paint_box *box, const struct run_index *index, bool json)
{
    for (size_t i = 0; i < index->count; i++) {
        AUTO(text_buffer_clear) struct text_buffer text = {0};

        if (json) {
            append_object(&text, &index->runs[i]);
        } else {
            append_line(box, &text, &index->runs[i]);
        }
        fwrite(text_buffer_text(&text), 1, text.length, stdout);
    }
}

void run_heading_print(const struct paint_box *box, const struct run_entry *run)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    paint_begin(box, &text, PAINT_BOLD);
    text_buffer_append_text(&text, "run ");
    append_inert(&text, run->id);
    paint_end(box, &text, PAINT_BOLD);
    text_buffer_append_text(&text, " · policy ");
    append_policy(&text, run);
    text_buffer_append_text(&text, " · ");
    append_duration(&text, (uint64_t)(run->last_ns - run->first_ns));
    text_buffer_append_text(&text, run->end_seq == UINT64_MAX ? ", no end recorded\n" : "\n");
    fputs(text_buffer_text(&text), stdout);
}
