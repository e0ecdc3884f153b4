/*
 * A question as a person or a table writes it, and the policy's answer.
 *
 *     fs read src/main.c            any operation word, and lookup
 *     net api.example.org           may the name be resolved
 *     net api.example.org:443       and a flow to it, at some public address
 *     net 192.0.2.7:53/udp          a flow to an address; [2001:db8::1]:443
 *     net example.org@10.0.0.1:443  a flow to an address that the name resolved to
 *     exec /usr/bin/curl
 */
#ifndef FAILCORE_POLICY_QUESTION_H
#define FAILCORE_POLICY_QUESTION_H

#include "shared/policy/policy.h"

enum question_kind { QUESTION_FS = 0, QUESTION_NET, QUESTION_EXEC };

struct question {
    enum question_kind kind;
    enum fs_operation operation;
    struct str_view path; /* fs and exec */
    struct str_view host; /* net; absent: an address alone */
    struct ip_address address;
    uint16_t port; /* NET_PORT_UNKNOWN: none was given */
    enum net_protocol protocol;
};

/* "fs", "net" and "exec". */
const char *question_kind_word(enum question_kind kind);
/* The texts are borrowed. -EINVAL with *reterr. `operation` only for fs. */
int question_parse(struct str_view kind, struct str_view operation, struct str_view subject,
                   struct question *ret_question, struct failure *reterr);

struct answer {
    struct decision decision;
    /* The part of an fs path that decided: the whole, or an ancestor that cannot be looked up. */
    struct str_view at;
};

struct answer policy_answer(const struct policy *policy, const struct question *question);

#endif
