/* Policies for unit tests: written into a private file, loaded without the machine's own. */
#ifndef FAILCORE_TESTS_POLICY_TEXT_H
#define FAILCORE_TESTS_POLICY_TEXT_H

#include "shared/policy/policy.h"
#include "shared/policy/policy_load.h"

/* Vendor policies of the checkout, no system and no user policies. */
struct policy_directories test_directories(void);

/* The loaded policy; the test fails with the message when it is invalid. */
struct policy *policy_of_text(const char *text);
struct policy *policy_of_words(const char *const *words, size_t count);

/* The result of loading; *reterr says why not. */
int try_policy_text(const char *text, struct policy **ret_policy, struct failure *reterr);

/* Decisions by text. */
struct decision fs_decision(const struct policy *policy, enum fs_operation operation,
                            const char *path);
/* "host:port", "address:port", "address:port/udp"; a name without a port is resolved. */
struct decision net_decision(const struct policy *policy, const char *host, const char *address,
                             enum net_protocol protocol, uint16_t port);

#endif
