#include "shared/policy/question.h"

#include <errno.h>

#include "shared/policy/host_registry.h"
#include "shared/policy/model.h"
#include "shared/policy/nearest_word.h"
#include "shared/policy/quantity.h"

static const char *const kind_words[] = {
    [QUESTION_FS] = "fs",
    [QUESTION_NET] = "net",
    [QUESTION_EXEC] = "exec",
};

const char *question_kind_word(enum question_kind kind)
{
    return kind_words[kind];
}

static int refuse(struct failure *reterr, const char *mend, const char *what, struct str_view text)
{
    failure_set(reterr, -EINVAL, "%s: \"%.*s\"", what, STR_VIEW_PRINTF(text));
    failure_set_mend(reterr, "%s", mend);
    return -EINVAL;
}

static int parse_operation(struct str_view word, struct question *question, struct failure *reterr)
{
    char mend[128] = "read write create delete rename link metadata execute list lookup";
    const char *nearest;

    for (enum fs_operation operation = 0; operation < FS_OPERATION_COUNT; operation++) {
        if (str_view_equals_text(word, fs_operation_word(operation))) {
            question->operation = operation;
            return 0;
        }
    }
    nearest = nearest_word(word, operation_words, FS_LOOKUP);
    if (nearest != NULL) {
        snprintf(mend, sizeof(mend), "did you mean \"%s\"?", nearest);
    }
    return refuse(reterr, mend, "unknown operation", word);
}

/* Cuts what stands behind the last `mark` off *text; absent when there is none. */
static struct str_view cut_behind(struct str_view *text, char mark)
{
    const char *at = text->length == 0 ? NULL : memrchr(text->bytes, mark, text->length);
    struct str_view behind = {0};

    if (at != NULL) {
        behind = (struct str_view){.bytes = at + 1,
                                   .length = text->length - (size_t)(at - text->bytes) - 1};
        text->length = (size_t)(at - text->bytes);
    }
    return behind;
}

static int parse_protocol(struct str_view word, struct question *question)
{
    if (word.bytes == NULL || str_view_equals_text(word, "tcp")) {
        question->protocol = NET_TCP;
    } else if (str_view_equals_text(word, "udp")) {
        question->protocol = NET_UDP;
    } else if (str_view_equals_text(word, "other")) {
        question->protocol = NET_OTHER;
    } else {
        return -EINVAL;
    }
    return 0;
}

static int parse_port(struct str_view word, struct question *question)
{
    uint64_t port;

    if (word.bytes == NULL) {
        return 0;
    }
    if (quantity_parse(QUANTITY_COUNT, word, &port) < 0 || port < 1 || port > 65535) {
        return -EINVAL;
    }
    question->port = (uint16_t)port;
    return 0;
}

/* The port of "ADDRESS:PORT", where a bare IPv6 address has colons of its own. */
static int parse_endpoint(struct str_view text, struct question *question, bool *ret_is_address)
{
    struct str_view rest = text;
    struct str_view port;
    int error;

    *ret_is_address = true;
    if (ip_address_parse(text, &question->address) == 0) {
        return 0;
    }
    port = cut_behind(&rest, ':');
    error = parse_port(port, question);
    if (error < 0) {
        return error;
    }
    if (rest.length > 2 && rest.bytes[0] == '[' && rest.bytes[rest.length - 1] == ']') {
        rest.bytes++;
        rest.length -= 2;
    } else if (rest.length > 0 && memchr(rest.bytes, ':', rest.length) != NULL) {
        return -EINVAL;
    }
    if (ip_address_parse(rest, &question->address) < 0) {
        *ret_is_address = false;
        question->host = rest;
    }
    return 0;
}

static int parse_net(struct str_view subject, struct question *question, struct failure *reterr)
{
    static const char mend[] = "write HOST or ADDRESS, with :PORT and /tcp or /udp: "
                               "api.example.org:443, [2001:db8::1]:53/udp";
    struct str_view rest = subject;
    struct str_view host = {0};
    struct str_view behind;
    bool is_address;

    if (parse_protocol(cut_behind(&rest, '/'), question) < 0) {
        return refuse(reterr, mend, "unknown protocol", subject);
    }
    behind = cut_behind(&rest, '@');
    if (behind.bytes != NULL) {
        host = rest;
        rest = behind;
    }
    if (rest.length == 0 || parse_endpoint(rest, question, &is_address) < 0 ||
        (host.bytes != NULL && !is_address)) {
        return refuse(reterr, mend, "not an endpoint", subject);
    }
    if (host.bytes != NULL) {
        question->host = host;
    }
    /* An address is only ever asked about as a flow. */
    if (is_address && question->port == NET_PORT_UNKNOWN) {
        question->port = 443;
    }
    return 0;
}

int question_parse(struct str_view kind, struct str_view operation, struct str_view subject,
                   struct question *ret_question, struct failure *reterr)
{
    struct question question = {0};
    int error = 0;

    if (str_view_equals_text(kind, "fs")) {
        question.path = subject;
        error = parse_operation(operation, &question, reterr);
    } else if (str_view_equals_text(kind, "net")) {
        question.kind = QUESTION_NET;
        error = parse_net(subject, &question, reterr);
    } else if (str_view_equals_text(kind, "exec")) {
        question.kind = QUESTION_EXEC;
        question.path = subject;
        if (subject.length == 0 || subject.bytes[0] != '/') {
            return refuse(reterr, "write the absolute path of the executable",
                          "not an absolute path", subject);
        }
    } else {
        return refuse(reterr, "ask fs OP PATH, net HOST:PORT or exec PATH", "unknown question",
                      kind);
    }
    if (error == 0) {
        *ret_question = question;
    }
    return error;
}

/* The kernel looks each component up before it asks for the last: so does the answer. */
static struct answer answer_fs(const struct policy *policy, const struct question *question)
{
    struct str_view path = question->path;
    struct answer answer = {0};

    for (size_t end = 0; end <= path.length; end++) {
        struct str_view part = {.bytes = path.bytes, .length = end};
        bool last = end == path.length;
        const struct policy_state *state;

        if (!last && path.bytes[end] != '/') {
            continue;
        }
        state = policy_path_walk(policy, part);
        answer.decision = policy_decide_fs(policy, state, last ? question->operation : FS_LOOKUP);
        answer.at = part;
        policy_state_unref(state);
        if (!last && !decision_permits(answer.decision)) {
            return answer;
        }
    }
    return answer;
}

/* A host as people write it: what asks the guard on the wire is its IDNA form, as rules are. */
static struct answer answer_net(const struct policy *policy, const struct question *question)
{
    char ascii[HOST_NAME_TEXT_MAX + 2];
    struct str_view host = question->host;
    struct net_request request = {
        .address = question->address,
        .protocol = question->protocol,
        .port = question->port,
        .names = &host,
        .name_count = host.bytes == NULL ? 0 : 1,
    };

    /* What has no such form goes on as it is, and is no host name. */
    if (host.bytes != NULL && host_name_to_ascii(host, ascii) == NULL) {
        host = str_view_from(ascii);
    }
    return (struct answer){.decision = policy_decide_net(policy, &request)};
}

struct answer policy_answer(const struct policy *policy, const struct question *question)
{

    switch (question->kind) {
    case QUESTION_FS:
        return answer_fs(policy, question);
    case QUESTION_NET:
        return answer_net(policy, question);
    case QUESTION_EXEC:
        return (struct answer){.decision = policy_decide_exec(policy, question->path)};
    }
    return (struct answer){0};
}
