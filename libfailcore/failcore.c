#include "libfailcore/failcore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/audit/producer.h"
#include "shared/audit/start_record.h"
#include "shared/audit/verify.h"
#include "shared/base/cleanup.h"
#include "shared/policy/question.h"

/* What the caller holds. */
struct failcore_policy {
    struct policy *policy;
};

struct failcore_audit {
    struct audit_producer *producer;
};

static void copy_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text);
}

static void copy_view(char *to, size_t size, struct str_view text)
{
    snprintf(to, size, "%.*s", STR_VIEW_PRINTF(text));
}

static int tell(struct failcore_error *reterr, int error, const struct failure *failure)
{
    if (reterr != NULL) {
        copy_text(reterr->what, sizeof(reterr->what), failure->what);
        copy_text(reterr->needed, sizeof(reterr->needed), failure->needed);
        copy_text(reterr->mend, sizeof(reterr->mend), failure->mend);
    }
    return error;
}

/* ---- policy ---------------------------------------------------------------------------------- */

int failcore_policy_open(const char *const *words, size_t count,
                         struct failcore_policy **ret_policy, struct failcore_error *reterr)
{
    struct failcore_policy *made = calloc(1, sizeof(*made));
    struct failure failure = {0};
    int error = made == NULL ? failure_set(&failure, -ENOMEM, "no memory")
                             : policy_load(words, count, &made->policy, &failure);

    if (error < 0) {
        free(made);
        return tell(reterr, error, &failure);
    }
    *ret_policy = made;
    return 0;
}

void failcore_policy_close(struct failcore_policy *policy)
{
    if (policy != NULL) {
        policy_unref(policy->policy);
        free(policy);
    }
}

static int parse(const char *kind, const char *operation, const char *subject,
                 struct question *ret_question, struct failure *reterr)
{
    if (kind == NULL || subject == NULL) {
        return failure_set(reterr, -EINVAL, "a question has a kind and a subject");
    }
    return question_parse(str_view_from(kind), str_view_from(operation == NULL ? "" : operation),
                          str_view_from(subject), ret_question, reterr);
}

int failcore_decide(const struct failcore_policy *policy, const char *kind, const char *operation,
                    const char *subject, struct failcore_decision *ret_decision,
                    struct failcore_error *reterr)
{
    static const enum failcore_verdict verdicts[] = {
        [VERDICT_DENY] = FAILCORE_DENY,
        [VERDICT_HIDE] = FAILCORE_HIDE,
        [VERDICT_LOG] = FAILCORE_LOG,
        [VERDICT_ALLOW] = FAILCORE_ALLOW,
    };
    struct failure failure = {0};
    struct question question;
    struct decision decision;
    int error;

    if (ret_decision->size != sizeof(*ret_decision)) {
        failure_set(&failure, -EINVAL, "the decision's size is not one that this library knows");
        return tell(reterr, -EINVAL, &failure);
    }
    *ret_decision = (struct failcore_decision){.size = sizeof(*ret_decision)};
    error = parse(kind, operation, subject, &question, &failure);
    if (error < 0) {
        return tell(reterr, error, &failure);
    }
    decision = policy_answer(policy->policy, &question).decision;
    ret_decision->verdict = verdicts[decision.verdict];
    ret_decision->permitted = decision_permits(decision);
    if (!decision_permits(decision)) {
        copy_text(ret_decision->code, sizeof(ret_decision->code), denial_code_word(decision.code));
    }
    copy_view(ret_decision->rule, sizeof(ret_decision->rule),
              policy_rule_id(policy->policy, decision.rule));
    copy_view(ret_decision->origin, sizeof(ret_decision->origin),
              policy_rule_origin(policy->policy, decision.rule));
    copy_view(ret_decision->reason, sizeof(ret_decision->reason), decision.reason);
    return 0;
}

/* ---- audit ----------------------------------------------------------------------------------- */

int failcore_audit_open(const char *directory, const char *program,
                        const struct failcore_policy *policy, struct failcore_audit **ret_audit,
                        struct failcore_error *reterr)
{
    const struct audit_producer_options options = {
        .directory = directory,
        .program = program,
        .policy_name = policy_name(policy->policy),
        .policy_revision = policy_revision(policy->policy),
        .policy_hash = str_view_from(policy_hash(policy->policy)),
        .full = true, /* one record for each decision: the caller's are few */
    };
    struct failcore_audit *made = calloc(1, sizeof(*made));
    AUTO(text_buffer_clear) struct text_buffer members = {0};
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct failure failure = {0};
    int error = made == NULL ? failure_set(&failure, -ENOMEM, "no memory")
                             : audit_producer_attach(&options, &made->producer, &failure);

    if (error < 0) {
        free(made);
        return tell(reterr, error, &failure);
    }
    error = policy_print(policy->policy, &text);
    text_buffer_append_text(&members, "\"policy\":");
    text_buffer_append_json_string(&members, text_buffer_view(&text));
    if (error == 0) {
        error = audit_emit_start(made->producer, text_buffer_view(&members));
    }
    if (error == 0) {
        error = audit_producer_await(made->producer);
    }
    if (error < 0) {
        audit_producer_detach(made->producer);
        free(made);
        failure_set(&failure, error, "the beginning of the run cannot be recorded: %s",
                    strerror(-error));
        return tell(reterr, error, &failure);
    }
    *ret_audit = made;
    return 0;
}

void failcore_audit_close(struct failcore_audit *audit)
{
    const struct audit_event event = {
        .kind = AUDIT_KIND_END,
        .source = AUDIT_SOURCE_RUN,
        .status = AUDIT_STATUS_OK,
        .decision = AUDIT_DECISION_ALLOWED,
        .phase = AUDIT_PHASE_EXECUTE,
        .actor = {.pid = getpid(), .uid = getuid(), .gid = getgid(), .present = true},
        .call.run = {.operation = "end"},
    };
    uint64_t ticket = 0;

    if (audit != NULL) {
        (void)audit_emit(audit->producer, &event, &ticket);
        audit_producer_detach(audit->producer);
        free(audit);
    }
}

const char *failcore_audit_run(const struct failcore_audit *audit)
{
    return audit_producer_run(audit->producer);
}

static void fill_call(struct audit_event *event, const struct question *question)
{
    static const char *const protocols[] = {
        [NET_TCP] = "tcp", [NET_UDP] = "udp", [NET_OTHER] = "other"};

    switch (question->kind) {
    case QUESTION_FS:
        event->source = AUDIT_SOURCE_FS;
        event->call.fs = (struct audit_call_fs){.operation = fs_operation_word(question->operation),
                                                .path = question->path};
        break;
    case QUESTION_NET:
        event->source = AUDIT_SOURCE_NET;
        event->call.net = (struct audit_call_net){.operation = "connect",
                                                  .protocol = protocols[question->protocol],
                                                  .address = question->address,
                                                  .port = question->port,
                                                  .host = question->host};
        break;
    case QUESTION_EXEC:
        event->source = AUDIT_SOURCE_EXEC;
        event->call.exec = (struct audit_call_exec){.operation = "exec", .path = question->path};
        break;
    }
}

int failcore_audit_decision(struct failcore_audit *audit, const char *kind, const char *operation,
                            const char *subject, const struct failcore_decision *decision)
{
    const bool permitted = decision->verdict == FAILCORE_LOG || decision->verdict == FAILCORE_ALLOW;
    struct audit_event event = {
        .kind = AUDIT_KIND_DECISION,
        .status = permitted ? AUDIT_STATUS_ALLOWED : AUDIT_STATUS_BLOCKED,
        .decision = !permitted                          ? AUDIT_DECISION_BLOCKED
                    : decision->verdict == FAILCORE_LOG ? AUDIT_DECISION_LOGGED
                                                        : AUDIT_DECISION_ALLOWED,
        .phase = AUDIT_PHASE_POLICY,
        .actor = {.pid = getpid(), .uid = getuid(), .gid = getgid(), .present = true},
        .rule = str_view_from(decision->rule),
        .reason = str_view_from(decision->reason),
        .error = permitted ? 0 : EACCES,
    };
    struct failure failure = {0};
    struct question question;
    uint64_t ticket = 0;
    int error;

    if (decision->size != sizeof(*decision)) {
        return -EINVAL;
    }
    error = parse(kind, operation, subject, &question, &failure);
    if (error < 0) {
        return error;
    }
    if (!permitted) {
        event.code = str_view_from(decision->code);
    }
    fill_call(&event, &question);
    return audit_emit(audit->producer, &event, &ticket);
}

/* ---- verification ---------------------------------------------------------------------------- */

int failcore_verify(const char *path, const char *key, struct failcore_verdict_of_log *ret_verdict,
                    struct failcore_error *reterr)
{
    const struct audit_verify_options options = {.path = path, .key = key};
    struct failure failure = {0};
    struct audit_verdict verdict = {0};
    int error;

    if (ret_verdict->size != sizeof(*ret_verdict)) {
        failure_set(&failure, -EINVAL, "the verdict's size is not one that this library knows");
        return tell(reterr, -EINVAL, &failure);
    }
    *ret_verdict = (struct failcore_verdict_of_log){.size = sizeof(*ret_verdict)};
    error = audit_verify(&options, &verdict, &failure);
    if (error < 0) {
        return tell(reterr, error, &failure);
    }
    ret_verdict->intact = verdict.intact;
    ret_verdict->records = verdict.records;
    ret_verdict->unsigned_count = verdict.unsigned_count;
    ret_verdict->bad_seq = verdict.bad_seq;
    copy_text(ret_verdict->why, sizeof(ret_verdict->why), verdict.why);
    copy_text(ret_verdict->root, sizeof(ret_verdict->root), verdict.root);
    return 0;
}
