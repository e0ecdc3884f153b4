/* failcore doctor: what this machine really enforces, and the mend for what it cannot. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/doctor/probes.h"
#include "cli/json_call.h"
#include "cli/verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/text_buffer.h"

static const struct command_table command = {
    .name = "failcore doctor",
    .synopsis = "[--json]",
    .summary = "what this machine really enforces, and the mend for what it cannot",
    .options = json_call_options,
    .option_count = 2,
};

static const char *state_word(enum probe_state state)
{
    switch (state) {
    case PROBE_OK:
        return "ok";
    case PROBE_WEAK:
        return "weak";
    case PROBE_MISSING:
        break;
    }
    return "MISSING";
}

static void print_line(const struct probe *probe, const struct probe_result *found)
{
    printf("%-8s %-18s %s\n%-8s %-18s   %s\n", state_word(found->state), probe->name, found->found,
           "", "", probe->means);
    if (found->mend[0] != '\0') {
        printf("%-8s %-18s   try: %s\n", "", "", found->mend);
    }
    fflush(stdout);
}

static void append_member(struct text_buffer *text, const char *name, const char *value)
{
    text_buffer_printf(text, ",\"%s\":", name);
    text_buffer_append_json_string(text, str_view_from(value));
}

static void append_json(struct text_buffer *text, const struct probe *probe,
                        const struct probe_result *found, bool first)
{
    text_buffer_append_text(text, first ? "{\"name\":" : ",{\"name\":");
    text_buffer_append_json_string(text, str_view_from(probe->name));
    append_member(text, "state",
                  found->state == PROBE_MISSING ? "missing" : state_word(found->state));
    append_member(text, "found", found->found);
    append_member(text, "means", probe->means);
    append_member(text, "mend", found->mend);
    text_buffer_append_char(text, '}');
}

static int examine(bool json)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(probe_scratch_remove) struct probe_scratch scratch;
    unsigned int missing = 0;

    (void)probe_scratch_make(&scratch); /* the probes that need it say so */
    text_buffer_append_text(&text, "{\"probes\":[");
    for (size_t i = 0; i < probe_count; i++) {
        const struct probe_result found = probes[i].try(&scratch);

        missing += found.state == PROBE_MISSING ? 1 : 0;
        if (json) {
            append_json(&text, &probes[i], &found, i == 0);
        } else {
            print_line(&probes[i], &found);
        }
    }
    text_buffer_printf(&text, "],\"missing\":%u}", missing);
    if (json) {
        puts(text_buffer_text(&text));
    }
    return missing == 0 && text_buffer_error(&text) == 0 ? EXIT_CODE_OK : EXIT_CODE_DENIED;
}

int verb_doctor(int argc, char **argv)
{
    struct json_call call;
    int code = json_call_scan(&command, argc, argv, 0, 0, &call);

    if (code != JSON_CALL_GO_ON) {
        return code;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that has seen enough must not leave our scratch */
    return examine(call.json);
}
