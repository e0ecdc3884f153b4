/*
 * Which queue statement this machine's kernel took the last time. Trying one that the kernel does
 * not have costs it a whole grace period (12 ms here), so the answer is kept in the run-time
 * directory. It only says which to try first: a wrong or missing one costs time, nothing else.
 *
 * Errors: none; what cannot be read or kept is done without.
 */
#ifndef FAILCORE_NETGUARD_NFT_QUEUE_CHOICE_H
#define FAILCORE_NETGUARD_NFT_QUEUE_CHOICE_H

#include "netguard/nft/nft_rule.h"

struct queue_choice {
    char path[256]; /* "": nowhere to keep it */
    enum queue_statement first;
};

/* Before any user namespace is entered: the directory is the caller's own. */
struct queue_choice queue_choice_read(void);
void queue_choice_keep(const struct queue_choice *choice, enum queue_statement worked);

#endif
