#include "cli/run/status_lines.h"

#include <inttypes.h>
#include <unistd.h>

#include "cli/log/log_view.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/text_buffer.h"

/* A reader who does not read must not keep the supervisor from its run. */
#define PATIENCE_MS 500

static void begin(struct text_buffer *text, const char *event, const struct run_plan *plan)
{
    text_buffer_printf(text, "{\"event\":\"%s\",\"run\":\"%s\"", event, plan->id);
}

static void finish(struct text_buffer *text, int fd)
{
    text_buffer_append_text(text, "}\n");
    if (text_buffer_error(text) == 0) {
        (void)write_within(fd, text->bytes, text->length, PATIENCE_MS);
    }
}

void status_line_started(int fd, const struct run_plan *plan, const char *audit_directory)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    if (fd < 0) {
        return;
    }
    begin(&text, "started", plan);
    text_buffer_printf(&text, ",\"pid\":%d,\"audit\":", (int)getpid());
    text_buffer_append_json_string(&text, str_view_from(audit_directory));
    finish(&text, fd);
}

void status_line_breaker(int fd, const struct run_plan *plan, const char *state,
                         const struct breaker_trip *trip)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    if (fd < 0) {
        return;
    }
    begin(&text, "breaker", plan);
    text_buffer_printf(
        &text, ",\"state\":\"%s\",\"breaker\":\"%s\",\"count\":%llu,\"action\":\"%s\"", state,
        breaker_event_word((enum breaker_event)trip->event), (unsigned long long)trip->count,
        breaker_action_word((enum breaker_action)trip->action));
    finish(&text, fd);
}

void status_line_counts(int fd, const struct run_plan *plan, const struct run_result *result)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(log_view_close) struct log_view view = {0};
    struct failure ignored = {0};
    const struct run_counts *counts;

    if (fd < 0 || log_view_open(&view, plan->options->audit, plan->id, &ignored) < 0 ||
        view.run == NULL) {
        return;
    }
    counts = &view.run->counts;
    begin(&text, "counts", plan);
    text_buffer_printf(&text,
                       ",\"decisions\":%" PRIu64 ",\"blocked\":%" PRIu64 ",\"logged\":%" PRIu64
                       ",\"failed\":%" PRIu64 ",\"limited\":%" PRIu64 ",\"lost\":%" PRIu64
                       ",\"output_bytes\":%" PRIu64,
                       counts->decisions, counts->blocked, counts->logged, counts->failed,
                       counts->limited, counts->lost, result->output_bytes);
    finish(&text, fd);
}

void status_line_exit(int fd, const struct run_plan *plan, const struct run_result *result)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    if (fd < 0) {
        return;
    }
    begin(&text, "exit", plan);
    text_buffer_printf(&text, ",\"exit\":%d,\"cause\":\"%s\"", run_exit_code(result),
                       run_cause_word(result->cause));
    if (result->signal != 0) {
        text_buffer_printf(&text, ",\"signal\":%d", result->signal);
    }
    if (result->detail != NULL) {
        text_buffer_append_text(&text, ",\"detail\":");
        text_buffer_append_json_string(&text, str_view_from(result->detail));
    }
    finish(&text, fd);
}
