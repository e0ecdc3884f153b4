/* failcore ps: the live runs of this user. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/json_call.h"
#include "cli/run/live_runs.h"
#include "cli/verbs.h"
#include "shared/audit/json_scan.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/inert_text.h"
#include "shared/base/text_buffer.h"

static const struct command_table command = {
    .name = "failcore ps",
    .synopsis = "[--json]",
    .summary = "the runs that live now",
    .options = json_call_options,
    .option_count = 2,
};

struct listing {
    bool json;
    unsigned int count;
};

/* From the description: what follows "key":, up to the end of its value. */
static struct str_view value_of(const struct live_run *run, const char *key)
{
    const char *json = text_buffer_text(&run->description);
    const char *at = strstr(json, key);
    struct str_view value = {0};

    if (at != NULL) {
        value.bytes = at + strlen(key);
        value.length = strlen(value.bytes);
    }
    return value;
}

/* What its breaker has done to it. */
static const char *state_of(const struct live_run *run)
{
    const char *breaker = text_buffer_text(&run->breaker);

    return strstr(breaker, "\"action\":\"freeze\"") != NULL     ? "frozen"
           : strstr(breaker, "\"action\":\"readonly\"") != NULL ? "read-only"
           : breaker[0] != '\0'                                 ? "tripped"
                                                                : "running";
}

/* The description, and what the breaker says as one member more. */
static void print_json(const struct live_run *run)
{
    const size_t length = run->description.length;

    if (run->breaker.length == 0 || length == 0) {
        puts(text_buffer_text(&run->description));
        return;
    }
    printf("%.*s,\"breaker\":%s}\n", (int)length - 1, text_buffer_text(&run->description),
           text_buffer_text(&run->breaker));
}

/* The words as they were given; what is no list of strings gives those before the fault. */
static void append_command(struct text_buffer *text, struct str_view list)
{
    struct json_scan scan = json_scan_init(list);
    struct json_text word;

    for (char before = '['; json_scan_char(&scan, before); before = ',') {
        if (!json_scan_string(&scan, &word)) {
            return;
        }
        if (before == ',') {
            text_buffer_append_char(text, ' ');
        }
        json_text_append(text, word);
    }
}

static void print_line(const struct live_run *run)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(text_buffer_clear) struct text_buffer command_line = {0};
    long long seconds = (long long)time(NULL) - run->started;

    append_command(&command_line, value_of(run, "\"command\":"));
    text_buffer_printf(&text, "%-22s %-12s %8d %5lld:%02lld %-9s ", run->id,
                       run->name[0] == '\0' ? "-" : run->name, run->pid, seconds / 60, seconds % 60,
                       state_of(run));
    (void)inert_text_append_cut(&text, text_buffer_view(&command_line), 60, INERT_TERMINAL);
    puts(text_buffer_text(&text));
}

static int show(void *context, const struct live_run *run)
{
    struct listing *listing = context;

    if (listing->json) {
        print_json(run);
    } else {
        if (listing->count == 0) {
            printf("%-22s %-12s %8s %8s %-9s %s\n", "RUN", "NAME", "PID", "TIME", "STATE",
                   "COMMAND");
        }
        print_line(run);
    }
    listing->count++;
    return 0;
}

int verb_ps(int argc, char **argv)
{
    struct listing listing = {0};
    struct failure failure = {0};
    struct json_call call;
    int code = json_call_scan(&command, argc, argv, 0, 0, &call);

    if (code != JSON_CALL_GO_ON) {
        return code;
    }
    listing.json = call.json;
    if (live_runs_each(show, &listing, &failure) < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}
