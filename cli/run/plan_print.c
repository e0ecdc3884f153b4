/* failcore run --plan: everything that the run would see and obey, before anything is made. */
#include "cli/run/layers.h"
#include "cli/run/plan.h"
#include "cli/run/view.h"
#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"
#include "shared/base/text_buffer.h"

static void line(struct text_buffer *text, const char *name, const char *value)
{
    text_buffer_printf(text, "%-12s ", name);
    inert_text_append(text, str_view_from(value), INERT_TERMINAL);
    text_buffer_append_char(text, '\n');
}

/* By which means each limit of the policy is kept. */
static void print_limits(struct text_buffer *text, const struct run_limits *limits)
{
    const char *name = "limits";

    for (enum run_limit limit = 0; limit < RUN_LIMIT_COUNT; limit++) {
        if (limits->means[limit] != MEANS_NOT_ASKED) {
            text_buffer_printf(text, "%-12s %s by %s\n", name, run_limit_word(limit),
                               limit_means_word(limits->means[limit]));
            name = "";
        }
    }
}

static void print_layers(struct text_buffer *text, const struct run_plan *plan)
{
    const char *name = "layers";
    const struct layer *layer;
    size_t at = 0;

    while ((layer = layer_next(plan, &at)) != NULL) {
        text_buffer_printf(text, "%-12s %-16s %s\n", name, layer->word, layer->meaning);
        name = "";
    }
}

static void print_text(struct text_buffer *text, const struct run_plan *plan)
{
    char ids[96];

    line(text, "workspace", plan->workspace);
    line(text, "seen at", plan->mount_path);
    line(text, "home", plan->home);
    snprintf(ids, sizeof(ids), "%u inside, %u to the kernel", plan->identity.worker_uid,
             plan->identity.separate ? plan->identity.worker_outside : plan->identity.worker_uid);
    line(text, "user id", ids);
    line(text, "network", run_plan_network(plan));
    for (size_t i = 0; view_system_directories[i] != NULL; i++) {
        line(text, i == 0 ? "read-only" : "", view_system_directories[i]);
    }
    for (size_t i = 0; plan->environment[i] != NULL; i++) {
        line(text, i == 0 ? "environment" : "", plan->environment[i]);
    }
    for (size_t i = 0; plan->arguments[i] != NULL; i++) {
        line(text, i == 0 ? "command" : "", plan->arguments[i]);
    }
    print_limits(text, &plan->limits);
    print_layers(text, plan);
    text_buffer_printf(text, "policy       %s\n", policy_hash(plan->policy));
}

static void member(struct text_buffer *text, const char *name, const char *value)
{
    text_buffer_printf(text, "\"%s\":", name);
    text_buffer_append_json_string(text, str_view_from(value));
    text_buffer_append_char(text, ',');
}

static void list(struct text_buffer *text, const char *name, const char *const *values)
{
    text_buffer_printf(text, "\"%s\":[", name);
    for (size_t i = 0; values[i] != NULL; i++) {
        text_buffer_append_text(text, i == 0 ? "" : ",");
        text_buffer_append_json_string(text, str_view_from(values[i]));
    }
    text_buffer_append_text(text, "],");
}

static void print_json(struct text_buffer *text, const struct run_plan *plan,
                       const struct text_buffer *policy)
{
    const char *separator = "";
    const struct layer *layer;
    size_t at = 0;

    text_buffer_append_char(text, '{');
    member(text, "workspace", plan->workspace);
    member(text, "mount", plan->mount_path);
    member(text, "home", plan->home);
    text_buffer_printf(text, "\"uid\":%u,\"separate_ids\":%s,", plan->identity.worker_uid,
                       plan->identity.separate ? "true" : "false");
    member(text, "network", run_plan_network(plan));
    list(text, "read_only", view_system_directories);
    list(text, "environment", (const char *const *)plan->environment);
    list(text, "command", (const char *const *)plan->arguments);
    text_buffer_append_text(text, "\"limits\":{");
    limits_print(text, &plan->limits);
    text_buffer_append_text(text, "},\"layers\":[");
    while ((layer = layer_next(plan, &at)) != NULL) {
        text_buffer_printf(text, "%s\"%s\"", separator, layer->word);
        separator = ",";
    }
    text_buffer_append_text(text, "],");
    member(text, "policy_hash", policy_hash(plan->policy));
    text_buffer_append_text(text, "\"policy\":");
    text_buffer_append_json_string(text, text_buffer_view(policy));
    text_buffer_append_text(text, "}\n");
}

int run_plan_print(FILE *stream, const struct run_plan *plan, bool json)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(text_buffer_clear) struct text_buffer policy = {0};
    int error = policy_print(plan->policy, &policy);

    if (error < 0) {
        return error;
    }
    if (json) {
        print_json(&text, plan, &policy);
    } else {
        print_text(&text, plan);
        text_buffer_append(&text, text_buffer_view(&policy));
    }
    if (text_buffer_error(&text) < 0) {
        return text_buffer_error(&text);
    }
    return fwrite(text.bytes, 1, text.length, stream) == text.length ? 0 : -1;
}
