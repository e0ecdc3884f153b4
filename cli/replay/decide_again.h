/*
 * A recorded request, decided once more. Reads the record and asks the policy; touches nothing
 * else.
 *
 * Not every refusal was a rule's: a malformed packet, a file with links outside, a reserved name
 * are refused by the boundary itself, whatever the policy says. Those are carried over.
 */
#ifndef FAILCORE_CLI_REPLAY_DECIDE_AGAIN_H
#define FAILCORE_CLI_REPLAY_DECIDE_AGAIN_H

#include "shared/audit/record_reader.h"
#include "shared/policy/policy.h"

enum decided_by {
    DECIDED_BY_NOBODY = 0, /* the record is no request */
    DECIDED_BY_BOUNDARY,   /* carried over: no policy changes it */
    DECIDED_BY_POLICY,
};

struct decided_again {
    enum decided_by by;
    enum audit_decision decision; /* blocked, allowed or logged */
    rule_id rule;
    enum denial_code code;
};

struct decided_again decide_again(const struct policy *policy, const struct audit_record *record);

#endif
