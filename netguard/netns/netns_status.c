#include "netguard/netns/netns_status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netguard/control.h"
#include "netguard/netns/netns_place.h"
#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"
#include "shared/base/text_buffer.h"
#include "shared/policy/document.h"

/* A guard that waits for nobody closes on a caller who takes too long, in the middle if need be. */
#define TRIES 3

static bool is_whole(const struct text_buffer *answer)
{
    static const char end[] = "}\n";
    const size_t length = sizeof(end) - 1;

    return answer->length > length &&
           memcmp(text_buffer_text(answer) + answer->length - length, end, length) == 0;
}

static int ask_once(const char *name, struct text_buffer *ret_answer, struct failure *reterr)
{
    AUTO_CLOSE int socket = netns_connect(name, reterr);
    AUTO_FREE char *message = malloc(CONTROL_MESSAGE_MAX);
    ssize_t count;

    if (socket < 0 || message == NULL) {
        return socket < 0 ? socket : -ENOMEM;
    }
    count = send(socket, "status", 6, MSG_NOSIGNAL);
    while (count > 0) {
        count = recv(socket, message, CONTROL_MESSAGE_MAX, 0);
        if (count > 0) {
            text_buffer_append(ret_answer, (struct str_view){message, (size_t)count});
        }
    }
    if (count < 0) {
        return -errno;
    }
    if (text_buffer_error(ret_answer) < 0) {
        return text_buffer_error(ret_answer);
    }
    return is_whole(ret_answer) ? 0 : -ECONNRESET;
}

static int ask(const char *name, struct text_buffer *ret_answer, struct failure *reterr)
{
    int error = -ECONNRESET;

    for (int i = 0; i < TRIES && (error == -ECONNRESET || error == -EPIPE); i++) {
        text_buffer_reset(ret_answer);
        error = ask_once(name, ret_answer, reterr);
    }
    return error < 0 ? netns_explain(name, error, reterr) : 0;
}

static const struct node *member(const struct node *map, const char *key)
{
    for (const struct node *at = map == NULL ? NULL : map->first; at != NULL; at = at->next) {
        if (str_view_equals_text(at->text, key)) {
            return at->value;
        }
    }
    return NULL;
}

/* A number or a text, harmless on a terminal; "-" when it is not there. */
static void put(struct text_buffer *out, const struct node *map, const char *key)
{
    const struct node *value = member(map, key);

    inert_text_append(out, value == NULL ? STR_VIEW_LITERAL("-") : value->text, INERT_TERMINAL);
}

static void put_all(struct text_buffer *out, const struct node *map, const char *const *keys)
{
    for (size_t i = 0; keys[i] != NULL; i++) {
        text_buffer_printf(out, "%s%s ", i == 0 ? "" : ", ", keys[i]);
        put(out, map, keys[i]);
    }
    text_buffer_append_text(out, "\n");
}

static void put_counters(struct text_buffer *out, const struct node *counters)
{
    const char *between = "";

    text_buffer_append_text(out, "kernel:   ");
    for (const struct node *at = counters == NULL ? NULL : counters->first; at != NULL;
         at = at->next) {
        const struct node *packets = member(at->value, "packets");

        if (packets != NULL && !str_view_equals_text(packets->text, "0")) {
            text_buffer_append_text(out, between);
            inert_text_append(out, at->text, INERT_TERMINAL);
            text_buffer_append_text(out, " ");
            inert_text_append(out, packets->text, INERT_TERMINAL);
            between = ", ";
        }
    }
    text_buffer_append_text(out, between[0] == '\0' ? "no packet counted\n" : "\n");
}

static void put_flow(struct text_buffer *out, const struct node *flow)
{
    const struct node *age = member(flow, "age_ms");

    text_buffer_append_text(out, "  ");
    put(out, flow, "protocol");
    text_buffer_append_text(out, " ");
    put(out, flow, "source_port");
    text_buffer_append_text(out, " -> ");
    put(out, flow, "address");
    text_buffer_append_text(out, " port ");
    put(out, flow, "port");
    text_buffer_append_text(out, " ");
    put(out, flow, member(flow, "sni") != NULL ? "sni" : "host");
    text_buffer_append_text(out, ", ");
    put(out, flow, "state");
    text_buffer_printf(out, ", %lu s, out ",
                       age == NULL ? 0UL : strtoul(age->text.bytes, NULL, 10) / 1000);
    put(out, flow, "bytes_out");
    text_buffer_append_text(out, ", in ");
    put(out, flow, "bytes_in");
    text_buffer_append_text(out, "\n");
}

static void put_people(struct text_buffer *out, const char *name, const struct node *root)
{
    static const char *const about[] = {"policy",     "policy_hash", "breaker",
                                        "generation", "run",         NULL};
    static const char *const packets[] = {"judged", "refused", "queue_overruns", "log_overruns",
                                          NULL};
    static const char *const names[] = {"asked", "refused", "answered", "failed", "waiting", NULL};
    static const char *const flows[] = {"known", "held", "lost_ends", NULL};
    const struct node *resolver = member(root, "resolver");
    const struct node *upstreams = member(resolver, "upstreams");
    const struct node *live = member(member(root, "flows"), "live");

    text_buffer_printf(out, "%s: open, guard ", name);
    put(out, root, "pid");
    text_buffer_append_text(out, "\n          ");
    put_all(out, root, about);
    text_buffer_append_text(out, "packets:  ");
    put_all(out, member(root, "packets"), packets);
    put_counters(out, member(root, "counters"));
    text_buffer_append_text(out, "names:    ");
    put_all(out, resolver, names);
    text_buffer_append_text(out, "          pinned addresses ");
    put(out, root, "pinned_addresses");
    text_buffer_append_text(out, "; resolvers asked:");
    for (const struct node *at = upstreams == NULL ? NULL : upstreams->first; at != NULL;
         at = at->next) {
        text_buffer_append_text(out, " ");
        inert_text_append(out, at->text, INERT_TERMINAL);
    }
    text_buffer_append_text(out, upstreams == NULL || upstreams->first == NULL ? " none\n" : "\n");
    text_buffer_append_text(out, "flows:    ");
    put_all(out, member(root, "flows"), flows);
    for (const struct node *at = live == NULL ? NULL : live->first; at != NULL; at = at->next) {
        put_flow(out, at);
    }
}

int netns_status_print(const char *name, bool json, struct failure *reterr)
{
    static const struct document_source source = {.file = "<the guard's answer>"};
    AUTO(text_buffer_clear) struct text_buffer answer = {.limit = CONTROL_ANSWER_MAX}, out = {0};
    AUTO(arena_clear) struct arena arena = {0};
    struct node *root = NULL;
    int error = ask(name, &answer, reterr);

    if (error < 0) {
        return error;
    }
    if (json) {
        fwrite(text_buffer_text(&answer), 1, answer.length, stdout);
        return 0;
    }
    /* JSON is YAML: what reads policies reads this. */
    error = document_parse(text_buffer_view(&answer), &source, &arena, &root, reterr);
    if (error < 0) {
        return error;
    }
    put_people(&out, name, root);
    error = text_buffer_error(&out);
    if (error == 0) {
        fwrite(text_buffer_text(&out), 1, out.length, stdout);
    }
    return error;
}
