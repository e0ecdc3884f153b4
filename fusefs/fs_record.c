#include "fusefs/fs_record.h"

#include <errno.h>
#include <string.h>

#include "fusefs/fs_breaker.h"
#include "shared/base/cleanup.h"
#include "shared/base/monotonic.h"

void fs_request_path(const struct fs_request *request, unsigned int number,
                     struct text_buffer *path)
{
    struct node_table *nodes = &request->tree->nodes;
    const struct fs_side *side = &request->sides[number];

    if (side->node != NULL) {
        node_table_append_path(nodes, side->node, (struct str_view){0}, path);
    } else {
        node_table_append_path(nodes, side->directory, side->name, path);
    }
    if (path->length == 0) {
        text_buffer_append_char(path, '.'); /* the mount root itself */
    }
}

/* 0, or negative: it was not recorded. */
static int record(struct fs_request *request, const struct audit_event *partial)
{
    AUTO(text_buffer_clear) struct text_buffer path = {0};
    AUTO(text_buffer_clear) struct text_buffer path2 = {0};
    struct audit_event event = *partial;

    if (request->side_count > 0) {
        fs_request_path(request, 0, &path);
    }
    if (request->side_count > 1) {
        fs_request_path(request, 1, &path2);
    }
    if (text_buffer_error(&path) < 0 || text_buffer_error(&path2) < 0) {
        return -ENOMEM; /* a record without its path is none */
    }
    event.source = AUDIT_SOURCE_FS;
    event.actor = (struct audit_actor){
        .tid = request->caller->tid,
        .uid = request->caller->uid,
        .gid = request->caller->gid,
        .present = true,
    };
    event.call.fs.operation = request->operation_word;
    event.call.fs.path = text_buffer_view(&path);
    if (request->side_count > 1) {
        event.call.fs.path2 = text_buffer_view(&path2);
    }
    event.call.fs.flags = request->flags;
    event.call.fs.inode = request->inode;
    return audit_emit(request->tree->audit, &event, &request->ticket);
}

static struct str_view rule_word(const struct fs_request *request, struct decision decision)
{
    return decision.code == DENIAL_BREAKER_TRIPPED ? str_view_from(request->breaker_rule)
                                                   : policy_rule_id(request->policy, decision.rule);
}

int fs_record_decision(struct fs_request *request, struct decision decision, int error,
                       enum fs_operation operation)
{
    struct fs_settings settings = policy_fs_settings(request->policy);
    bool permitted = decision_permits(decision);
    struct audit_event event = {
        .kind = AUDIT_KIND_DECISION,
        .status = permitted ? AUDIT_STATUS_ALLOWED : AUDIT_STATUS_BLOCKED,
        .decision = !permitted                        ? AUDIT_DECISION_BLOCKED
                    : decision.verdict == VERDICT_LOG ? AUDIT_DECISION_LOGGED
                                                      : AUDIT_DECISION_ALLOWED,
        .phase = AUDIT_PHASE_POLICY,
        .rule = rule_word(request, decision),
        .code = str_view_from(permitted ? NULL : denial_code_word(decision.code)),
        .reason = decision.reason,
        .error = -error,
    };
    unsigned int needs = 0;

    /* An allowed look is not worth a record unless somebody wants every one of them. */
    if (operation == FS_LOOKUP && decision.verdict == VERDICT_ALLOW && !settings.audit_full &&
        !request->tree->options.strict) {
        return 0;
    }
    for (unsigned int i = 0; i < request->side_count; i++) {
        needs |= request->sides[i].needs;
    }
    event.sync = permitted && (needs & settings.sync) != 0;
    request->decided_ns = monotonic_ns();
    event.overhead_ns = request->decided_ns - request->started_ns;
    return record(request, &event);
}

void fs_record_denial(const struct fs_request *request, struct decision decision, int error)
{
    AUTO(text_buffer_clear) struct text_buffer path = {0};

    if (decision.verdict == VERDICT_HIDE || request->side_count == 0) {
        return;
    }
    fs_request_path(request, 0, &path);
    denials_add(&request->tree->denials, request->caller->uid, request->operation_word,
                denial_code_word(decision.code), strerrorname_np(-error),
                rule_word(request, decision), decision.reason, text_buffer_view(&path));
}

int fs_request_done(struct fs_request *request, int result)
{
    struct audit_event event = {
        .kind = AUDIT_KIND_RESULT,
        .status = result < 0 ? AUDIT_STATUS_FAIL : AUDIT_STATUS_OK,
        .phase = result < 0 ? AUDIT_PHASE_EXECUTE : AUDIT_PHASE_COMMIT,
        .decision = AUDIT_DECISION_ALLOWED,
        .error = result < 0 ? -result : 0,
        .of = request->ticket,
    };
    uint64_t ticket = request->ticket;

    fs_request_settle(request, result);
    if (ticket == 0 || request->decided_ns == 0 || (result >= 0 && !request->changes)) {
        return result;
    }
    event.duration_ns = monotonic_ns() - request->decided_ns;
    /* The effect has happened: an unwritten outcome cannot take it back, the writer's LOSS says
     * that it is missing. */
    (void)record(request, &event);
    request->ticket = ticket;
    return result;
}

void fs_record_release(struct tree *tree, const struct caller *caller, const struct open_file *file)
{
    AUTO(text_buffer_clear) struct text_buffer path = {0};
    struct audit_event event = {
        .kind = AUDIT_KIND_RESULT,
        .source = AUDIT_SOURCE_FS,
        .status = AUDIT_STATUS_OK,
        .decision = AUDIT_DECISION_ALLOWED,
        .phase = AUDIT_PHASE_COMMIT,
        .of = file->ticket,
        .duration_ns = monotonic_ns() - file->opened_ns,
        .call.fs = {.operation = "release",
                    .flags = (uint32_t)file->flags,
                    .inode = file->node->identity.inode,
                    .bytes_read = atomic_load(&file->bytes_read),
                    .bytes_written = atomic_load(&file->bytes_written)},
        .actor = {.tid = caller->tid,
                  .uid = caller->uid,
                  .gid = caller->gid,
                  .present = caller->tid > 0},
    };

    node_table_append_path(&tree->nodes, file->node, (struct str_view){0}, &path);
    event.call.fs.path = text_buffer_view(&path);
    (void)audit_emit(tree->audit, &event, NULL);
}
