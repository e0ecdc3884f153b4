#include "cli/log/run_policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/policy/policy.h"

static const struct run_entry *run_of(const struct log_view *view, struct json_text run)
{
    for (size_t i = 0; i < view->index.count; i++) {
        if (json_text_equals(run, str_view_from(view->index.runs[i].id))) {
            return &view->index.runs[i];
        }
    }
    return NULL;
}

static int append_policy(struct log_view *view, const struct run_entry *run,
                         struct text_buffer *text)
{
    struct failure ignored = {0};
    struct audit_record start;
    struct json_text policy;

    if (run == NULL || run->start_seq == UINT64_MAX ||
        log_view_find(view, run->start_seq, &start, &ignored) < 0 ||
        !record_member_text(&start, "policy", &policy)) {
        return -ENOENT;
    }
    json_text_append(text, policy);
    return text_buffer_error(text);
}

int run_policy_load(struct log_view *view, const struct run_entry *run, struct policy **ret_policy,
                    struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO_CLOSE int fd = -1;

    if (append_policy(view, run, &text) < 0) {
        failure_set(reterr, -ENOENT, "the log does not have this run's policy");
        failure_set_needed(reterr, "%s", run == NULL ? view->path : run->id);
        return -ENOENT;
    }
    fd = memory_file_from("policy", text_buffer_text(&text), text.length);
    return fd < 0 ? failure_set(reterr, fd, "cannot keep the policy: %s", strerror(-fd))
                  : policy_load_resolved_fd(fd, ret_policy, reterr);
}

int record_policy_load(struct log_view *view, const struct audit_record *record,
                       struct policy **ret_policy, struct failure *reterr)
{
    return run_policy_load(view, run_of(view, record->run), ret_policy, reterr);
}

/* The text between `before` and the next quote; absent when `before` is not in the line. */
static struct str_view quoted_after(struct str_view line, struct str_view before)
{
    const char *at = memmem(line.bytes, line.length, before.bytes, before.length);
    const char *end = line.bytes + line.length;
    const char *quote;

    if (at == NULL) {
        return (struct str_view){0};
    }
    at += before.length;
    quote = memchr(at, '"', (size_t)(end - at));
    return quote == NULL ? (struct str_view){0} : (struct str_view){at, (size_t)(quote - at)};
}

/* The canonical form has each rule on a line of its own: - {id: "x", …, origin: "file:1:2"} */
void rule_place_find(struct log_view *view, const struct audit_record *record,
                     struct rule_place *ret_place)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(text_buffer_clear) struct text_buffer rule = {0};
    struct str_view rest;

    *ret_place = (struct rule_place){0};
    json_text_append(&rule, record->policy.rule);
    if (rule.length == 0 || append_policy(view, run_of(view, record->run), &text) < 0) {
        return;
    }
    rest = text_buffer_view(&text);
    while (rest.length > 0) {
        const char *newline = memchr(rest.bytes, '\n', rest.length);
        size_t length = newline == NULL ? rest.length : (size_t)(newline - rest.bytes);
        struct str_view line = {rest.bytes, length};
        struct str_view origin;

        if (str_view_equals(quoted_after(line, STR_VIEW_LITERAL("{id: \"")),
                            text_buffer_view(&rule))) {
            origin = quoted_after(line, STR_VIEW_LITERAL(", origin: \""));
            snprintf(ret_place->origin, sizeof(ret_place->origin), "%.*s", STR_VIEW_PRINTF(origin));
            return;
        }
        rest.bytes += length + (newline != NULL);
        rest.length -= length + (newline != NULL);
    }
}
