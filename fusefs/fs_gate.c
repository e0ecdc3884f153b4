/*
 * The one door: decide, record, then proceed or refuse.
 *
 * Every verdict comes from names, the operation and the object's identity, and is there before the
 * first system call on the backing tree, so that a denied name that exists and one that does not
 * behave alike (SR19).
 */
#include <errno.h>
#include <string.h>

#include "fusefs/fs_breaker.h"
#include "fusefs/link_scan.h"
#include "shared/base/cleanup.h"

#define LINKS_OUTSIDE "the file has links outside the workspace"

struct judgement {
    struct decision decision;
    enum fs_operation operation; /* that the decision is about */
    int error;                   /* negative, when not the decision's own */
};

static struct decision builtin_denial(enum verdict verdict, enum denial_code code,
                                      const char *reason)
{
    return (struct decision){
        .verdict = verdict,
        .code = code,
        .rule = RULE_BUILTIN,
        .reason = str_view_from(reason),
    };
}

static void forget_names(struct fs_request *request)
{
    for (unsigned int i = 0; i < request->side_count; i++) {
        policy_state_unref(request->sides[i].state);
        request->sides[i].state = NULL;
    }
    policy_unref(request->policy);
    request->policy = NULL;
}

/*
 * The states of all names, so that both sides are judged by one policy; -EAGAIN when another came
 * between the two.
 */
static int resolve_names(struct fs_request *request)
{
    struct node_table *nodes = &request->tree->nodes;

    for (unsigned int i = 0; i < request->side_count; i++) {
        struct fs_side *side = &request->sides[i];
        const struct policy_state *above;
        struct policy *policy = NULL;
        uint64_t epoch = 0;

        if (side->directory == NULL || side->state != NULL) {
            continue;
        }
        above = node_table_directory_state(nodes, side->directory, &policy, &epoch);
        if (request->policy == NULL) {
            request->policy = policy_ref(policy);
            request->epoch = epoch;
        }
        if (above != NULL && epoch == request->epoch) {
            side->state = policy_path_step(policy, above, side->name);
        }
        policy_state_unref(above);
        policy_unref(policy);
        if (side->state == NULL) {
            return epoch == request->epoch ? -ESTALE : -EAGAIN; /* the directory is gone */
        }
    }
    if (request->policy == NULL) {
        request->policy = node_table_policy(nodes, &request->epoch);
    }
    return 0;
}

static bool is_reserved(const struct fs_request *request, const struct fs_side *side)
{
    return side->directory == request->tree->nodes.root &&
           str_view_equals_text(side->name, RESERVED_NAME);
}

static struct judgement judge_name(const struct fs_request *request, const struct fs_side *side)
{
    struct judgement judgement = {
        .decision = {.verdict = VERDICT_ALLOW, .rule = RULE_DEFAULT},
        .operation = FS_LOOKUP,
    };
    bool first = true;

    for (unsigned int i = 0; i < FS_OPERATION_COUNT; i++) {
        struct decision decision;

        if ((side->needs & 1u << i) == 0) {
            continue;
        }
        decision = policy_decide_fs(request->policy, side->state, (enum fs_operation)i);
        if (first || decision.verdict < judgement.decision.verdict) {
            judgement.decision = decision;
            judgement.operation = (enum fs_operation)i;
        }
        first = false;
    }
    if (is_reserved(request, side)) {
        judgement.decision =
            builtin_denial((side->flags & SIDE_APPEARS) != 0 ? VERDICT_DENY : VERDICT_HIDE,
                           DENIAL_PATH_DENIED, "the name .failcore is reserved");
    }
    return judgement;
}

/*
 * A file with links that are not names in the workspace may be read by the rule of its name, but
 * changing it would change something outside (SR13).
 */
static bool links_escape(const struct fs_request *request, const struct fs_side *side)
{
    unsigned int links = atomic_load_explicit(&side->node->links, memory_order_relaxed);

    return (side->flags & SIDE_CHANGES) != 0 && side->node->type == S_IFREG && links > 1 &&
           node_table_name_count(&request->tree->nodes, side->node) < links &&
           policy_fs_settings(request->policy).outside_links != OUTSIDE_LINKS_ALLOW;
}

static bool policy_is_uniform(const struct policy *policy)
{
    const struct policy_state *root = policy_path_root(policy);
    bool uniform = policy_state_unrestricted_below(policy, root);

    policy_state_unref(root);
    return uniform;
}

/* Where every rule is the same everywhere, only a change asks what else a file is called. */
static bool names_matter(const struct fs_request *request, const struct fs_side *side)
{
    return (side->flags & SIDE_CHANGES) != 0 || !policy_is_uniform(request->policy);
}

/*
 * A file with more links than we know names of: all that lie in the workspace have to be known
 * before it is judged, or its verdict would depend on which was looked up first. Where every rule
 * is the same everywhere, only a change asks.
 */
static int find_links(const struct fs_request *request)
{
    struct tree *tree = request->tree;

    for (unsigned int i = 0; i < request->side_count; i++) {
        const struct fs_side *side = &request->sides[i];
        int r;

        if (side->node == NULL || !link_scan_is_due(tree, side->node)) {
            continue;
        }
        if (!names_matter(request, side)) {
            continue;
        }
        r = link_scan(tree, side->node);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static struct judgement judge_object(const struct fs_request *request, const struct fs_side *side)
{
    struct judgement judgement = {0};

    judgement.decision = node_table_decide(&request->tree->nodes, side->node, side->needs,
                                           &judgement.operation, NULL);
    if (decision_permits(judgement.decision) && links_escape(request, side)) {
        judgement.decision = builtin_denial(VERDICT_DENY, DENIAL_LINK_ESCAPE, LINKS_OUTSIDE);
    }
    return judgement;
}

/* Names that differ in what they permit may not trade places (SR12). */
static bool sides_differ(const struct fs_request *request)
{
    const struct fs_side *from = &request->sides[0];
    const struct policy_state *to = request->sides[1].state;

    if (from->node != NULL) {
        /* An object, which is no directory: every name it has must agree with the new one. */
        return !node_table_names_agree(&request->tree->nodes, from->node, request->epoch, to);
    }
    return !policy_states_equal_here(from->state, to) ||
           (request->pairing == PAIR_SAME_TREE_RULES &&
            !policy_states_equal_below(request->policy, from->state, to));
}

static struct judgement judge(const struct fs_request *request)
{
    struct judgement strongest = {0};

    for (unsigned int i = 0; i < request->side_count; i++) {
        const struct fs_side *side = &request->sides[i];
        struct judgement judgement =
            side->node != NULL ? judge_object(request, side) : judge_name(request, side);

        if (judgement.decision.verdict == VERDICT_HIDE && (side->flags & SIDE_APPEARS) != 0) {
            judgement.error = -EACCES; /* making a hidden name: the one thing that tells */
        }
        if (i == 0 || judgement.decision.verdict < strongest.decision.verdict) {
            strongest = judgement;
        }
    }
    if (decision_permits(strongest.decision) && request->pairing != PAIR_NONE &&
        sides_differ(request)) {
        strongest.decision = builtin_denial(VERDICT_DENY, DENIAL_RENAME_ESCAPE,
                                            "the two names have different rules");
    }
    return strongest;
}

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

static int record_decision(struct fs_request *request, struct decision decision, int error,
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
    request->decided_ns = fs_clock_ns();
    event.overhead_ns = request->decided_ns - request->started_ns;
    return record(request, &event);
}

/* For .failcore/denials. A hidden name is not mentioned, not even to whoever guessed it (SR19). */
static void remember_denial(const struct fs_request *request, struct decision decision, int error)
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

/*
 * Names by their states, objects by the table's: a reload may come between the two, and then the
 * verdict's rule and reason would be words of a policy that this request does not hold. Nothing of
 * a judgement is used before it is certain that one policy made all of it.
 */
static int judge_by_one_policy(struct fs_request *request, struct judgement *ret_judgement)
{
    for (unsigned int tries = 0; tries < 64; tries++) {
        int r = resolve_names(request);

        if (r == 0) {
            r = find_links(request);
        }
        if (r == 0) {
            *ret_judgement = judge(request);
            if (atomic_load(&request->tree->nodes.epoch) == request->epoch) {
                return 0;
            }
        } else if (r != -EAGAIN) {
            return r;
        }
        forget_names(request);
    }
    return -EAGAIN;
}

int fs_gate(struct fs_request *request)
{
    struct judgement judgement = {0};
    int error;
    int r = judge_by_one_policy(request, &judgement);

    if (r < 0) {
        return r;
    }
    if (atomic_load_explicit(&request->tree->unrecorded, memory_order_relaxed)) {
        return -EIO; /* AUDIT_UNAVAILABLE: a ring that nobody reads is no record */
    }
    request->operation_word =
        judgement.operation == FS_LOOKUP ? request->word : fs_operation_word(judgement.operation);
    error = judgement.error != 0 ? judgement.error : decision_errno(judgement.decision);
    if (is_reserved(request, &request->sides[0]) && error == 0) {
        error = -EACCES;
    }
    if (error != 0) {
        fs_breaker_blocked(request->tree);
    } else if (fs_breaker_forbids(request)) {
        judgement.decision =
            builtin_denial(VERDICT_DENY, DENIAL_BREAKER_TRIPPED, request->breaker_reason);
        error = decision_errno(judgement.decision);
    }
    /* Recorded even when refused: the refusals are what the log is for. */
    if (record_decision(request, judgement.decision, error, judgement.operation) < 0) {
        return -EIO;
    }
    if (error != 0) {
        remember_denial(request, judgement.decision, error);
        fs_breaker_hold(request, judgement.decision);
        request->ticket = 0; /* the refusal is the outcome: no RESULT follows */
    }
    return error;
}

int fs_gate_check_links(struct fs_request *request, const struct statx *status)
{
    const struct fs_side *side = &request->sides[0];

    if (side->node == NULL) {
        return 0;
    }
    atomic_store_explicit(&side->node->links, status->stx_nlink, memory_order_relaxed);
    if (link_scan_is_outdated(side->node, status) && names_matter(request, side)) {
        int r = link_scan_renew(request->tree, side->node, status,
                                policy_fs_settings(request->policy).outside_links !=
                                    OUTSIDE_LINKS_ALLOW);

        if (r != 0) {
            return r < 0 ? r : fs_gate(request); /* it is called otherwise than it was judged by */
        }
    }
    if (link_scan_is_due(request->tree, side->node)) {
        /* It has gained links since it was judged: judged again with all of its names. */
        return fs_gate(request);
    }
    if (!links_escape(request, side)) {
        return 0;
    }
    return fs_gate_refuse(request, DENIAL_LINK_ESCAPE, LINKS_OUTSIDE);
}

int fs_gate_refuse(struct fs_request *request, enum denial_code code, const char *reason)
{
    int error = -denial_code_errno(code);
    struct decision decision = builtin_denial(VERDICT_DENY, code, reason);

    if (code != DENIAL_BREAKER_TRIPPED) {
        fs_breaker_blocked(request->tree);
    }
    if (record_decision(request, decision, error, FS_OPERATION_COUNT) < 0) {
        return -EIO;
    }
    remember_denial(request, decision, error);
    fs_breaker_hold(request, decision);
    request->ticket = 0;
    return error;
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

    fs_breaker_done(request, result);
    if (ticket == 0 || request->decided_ns == 0 || (result >= 0 && !request->changes)) {
        return result;
    }
    event.duration_ns = fs_clock_ns() - request->decided_ns;
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
        .duration_ns = fs_clock_ns() - file->opened_ns,
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
