#include "fusefs/fs_judgement.h"

#include <errno.h>

#include "fusefs/link_scan.h"

struct decision fs_builtin_denial(enum verdict verdict, enum denial_code code, const char *reason)
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

bool fs_side_is_reserved(const struct fs_request *request, const struct fs_side *side)
{
    return side->directory == request->tree->nodes.root &&
           str_view_equals_text(side->name, RESERVED_NAME);
}

static struct fs_judgement judge_name(const struct fs_request *request, const struct fs_side *side)
{
    struct fs_judgement judgement = {
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
    if (fs_side_is_reserved(request, side)) {
        judgement.decision =
            fs_builtin_denial((side->flags & SIDE_APPEARS) != 0 ? VERDICT_DENY : VERDICT_HIDE,
                              DENIAL_PATH_DENIED, "the name .failcore is reserved");
    }
    return judgement;
}

bool fs_side_links_escape(const struct fs_request *request, const struct fs_side *side)
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

bool fs_side_names_matter(const struct fs_request *request, const struct fs_side *side)
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
        if (!fs_side_names_matter(request, side)) {
            continue;
        }
        r = link_scan(tree, side->node);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static struct fs_judgement judge_object(const struct fs_request *request,
                                        const struct fs_side *side)
{
    struct fs_judgement judgement = {0};

    judgement.decision = node_table_decide(&request->tree->nodes, side->node, side->needs,
                                           &judgement.operation, NULL);
    if (decision_permits(judgement.decision) && fs_side_links_escape(request, side)) {
        judgement.decision = fs_builtin_denial(VERDICT_DENY, DENIAL_LINK_ESCAPE, LINKS_OUTSIDE);
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

static struct fs_judgement judge(const struct fs_request *request)
{
    struct fs_judgement strongest = {0};

    for (unsigned int i = 0; i < request->side_count; i++) {
        const struct fs_side *side = &request->sides[i];
        struct fs_judgement judgement =
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
        strongest.decision = fs_builtin_denial(VERDICT_DENY, DENIAL_RENAME_ESCAPE,
                                               "the two names have different rules");
    }
    return strongest;
}

int fs_judge(struct fs_request *request, struct fs_judgement *ret_judgement)
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
