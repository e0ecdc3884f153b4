/*
 * The network rules of a model, found by name or address: two tables of names, one of prefixes,
 * each with the chain of the rules that name it. Private to network_index.c, which makes it, and
 * network_rules.c, which asks it.
 */
#ifndef FAILCORE_POLICY_NETWORK_INDEX_H
#define FAILCORE_POLICY_NETWORK_INDEX_H

#include "shared/policy/network_rules.h"
#include "shared/policy/pair_map.h"

#define PREFIX_KEY_BYTES 18 /* family, length, address */

/* One rule in the chain of a name or prefix. */
struct link {
    uint32_t rule;
    uint32_t next; /* index + 1 */
};

struct network_rules {
    const struct model *model;
    bool closed; /* nobody has a network section */
    bool allow_public;
    bool log_violations;

    struct arena arena;
    struct link *links;
    size_t link_count, link_capacity;
    struct text_map exact;      /* name -> link + 1 */
    struct text_map subdomains; /* x.org of *.x.org -> link + 1 */
    uint32_t any;               /* "*" */
    struct text_map prefixes;   /* prefix key -> link + 1 */
    bool lengths[2][129];       /* prefix lengths in use, v4 and v6 */
};

/* What a prefix of that length that covers the address is found by. */
struct str_view network_prefix_key(const struct ip_address *address, unsigned int length,
                                   char key[static PREFIX_KEY_BYTES]);

#endif
