/*
 * The one door: decide, record, then proceed or refuse.
 *
 * Every verdict comes from names, the operation and the object's identity, and is there before the
 * first system call on the backing tree, so that a denied name that exists and one that does not
 * behave alike (SR19).
 */
#include <errno.h>

#include "fusefs/fs_breaker.h"
#include "fusefs/fs_judgement.h"
#include "fusefs/fs_record.h"
#include "fusefs/link_scan.h"

int fs_gate(struct fs_request *request)
{
    struct fs_judgement judgement = {0};
    int error;
    int r = fs_judge(request, &judgement);

    if (r < 0) {
        return r;
    }
    if (atomic_load_explicit(&request->tree->unrecorded, memory_order_relaxed)) {
        return -EIO; /* AUDIT_UNAVAILABLE: a ring that nobody reads is no record */
    }
    request->operation_word =
        judgement.operation == FS_LOOKUP ? request->word : fs_operation_word(judgement.operation);
    error = judgement.error != 0 ? judgement.error : decision_errno(judgement.decision);
    if (fs_side_is_reserved(request, &request->sides[0]) && error == 0) {
        error = -EACCES;
    }
    if (error != 0) {
        fs_breaker_blocked(request->tree);
    } else if (fs_breaker_forbids(request)) {
        judgement.decision =
            fs_builtin_denial(VERDICT_DENY, DENIAL_BREAKER_TRIPPED, request->breaker_reason);
        error = decision_errno(judgement.decision);
    }
    /* Recorded even when refused: the refusals are what the log is for. */
    if (fs_record_decision(request, judgement.decision, error, judgement.operation) < 0) {
        return -EIO;
    }
    if (error != 0) {
        fs_record_denial(request, judgement.decision, error);
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
    if (link_scan_is_outdated(side->node, status) && fs_side_names_matter(request, side)) {
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
    if (!fs_side_links_escape(request, side)) {
        return 0;
    }
    return fs_gate_refuse(request, DENIAL_LINK_ESCAPE, LINKS_OUTSIDE);
}

int fs_gate_refuse(struct fs_request *request, enum denial_code code, const char *reason)
{
    int error = -denial_code_errno(code);
    struct decision decision = fs_builtin_denial(VERDICT_DENY, code, reason);

    if (code != DENIAL_BREAKER_TRIPPED) {
        fs_breaker_blocked(request->tree);
    }
    if (fs_record_decision(request, decision, error, FS_OPERATION_COUNT) < 0) {
        return -EIO;
    }
    fs_record_denial(request, decision, error);
    fs_breaker_hold(request, decision);
    request->ticket = 0;
    return error;
}
