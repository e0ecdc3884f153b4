/*
 * The same DNS message read by somebody else (libldns), for fuzz_dns_message: what our parser takes
 * for an answer must be one for them, too, with the same addresses at the end of the same chain.
 *
 * Theirs judges each record by itself. Records that our parser never looks at (other types, names
 * that no host has) may be as malformed as they like; one on the chain may not.
 */
#ifndef FAILCORE_TESTS_FUZZ_DNS_PEER_H
#define FAILCORE_TESTS_FUZZ_DNS_PEER_H

#include "netguard/dns/dns_message.h"

/* Each aborts when the two disagree. */
void dns_peer_agrees_on_question(const uint8_t *bytes, size_t length, const struct dns_query *ours);
void dns_peer_agrees_on_answer(const uint8_t *bytes, size_t length, uint16_t type,
                               const struct dns_answer *ours);
/* What we wrote ourselves: sound to the last byte, with this many answers. */
void dns_peer_takes(const uint8_t *bytes, size_t length, size_t answers);

#endif
