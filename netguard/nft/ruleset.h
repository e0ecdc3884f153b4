/*
 * The guard's one table: what the kernel decides by itself, what it asks the daemon, and what it
 * lets the daemon say yes to. (And one chain of family netdev, of the same name, where a family
 * inet cannot look: frame_rules.c.)
 *
 * The rules never change while the guard lives: a reload changes sets only, and the base chains
 * stay (removing one would drop every queued packet). Closed by construction: each base chain that
 * a packet of the agent meets ends in drop, the queue has no bypass, and what was released passes
 * only while the lease that the daemon feeds is there.
 */
#ifndef FAILCORE_NETGUARD_NFT_RULESET_H
#define FAILCORE_NETGUARD_NFT_RULESET_H

#include "netguard/link/netlink.h"
#include "netguard/nft/nft_rule.h"
#include "shared/base/failure.h"
#include "shared/base/ip_address.h"

#define RULESET_TABLE     "guard"
#define RULESET_QUEUE     0
#define RULESET_LOG_GROUP 1
#define RULESET_PINS_MAX  65536U

#define RULESET_LEASE_MS     2000U /* released flows live this long without a heartbeat */
#define RULESET_HEARTBEAT_MS 500U

struct ruleset_config {
    const char *agent_link; /* the guard's ends */
    const char *uplink_link;
    uint32_t agent_index;                      /* of agent_link, which must be there already */
    struct ip_address agent_v4, agent_v6;      /* the agent's lease; any other source is dropped */
    const struct ip_prefix *private_addresses; /* holes in the denied ranges, named by the policy */
    size_t private_address_count;
    uint16_t queues; /* numbers from RULESET_QUEUE on: packet_queue_numbers() */
};

/*
 * Finds out which queue statement the kernel has, without changing anything. -EOPNOTSUPP: neither.
 */
int ruleset_probe_queue(struct netlink *netlink, enum queue_statement *ret_statement,
                        struct failure *reterr);

/* Installs all of it, in one transaction, in place of an earlier one. */
int ruleset_install(struct netlink *netlink, const struct ruleset_config *config,
                    enum queue_statement statement, struct failure *reterr);

/* The heartbeat: flows of this generation may pass for RULESET_LEASE_MS from now on. */
int ruleset_feed_lease(struct netlink *netlink, uint32_t generation);
/* The new generation holds, no other one does any more; the policy's holes are replaced. */
int ruleset_change_generation(struct netlink *netlink, uint32_t generation,
                              const struct ip_prefix *private_addresses, size_t count);

/* The host's own networks, which nothing may be let to, take the place of those before. */
int ruleset_set_host_networks(struct netlink *netlink, const struct ip_prefix *prefixes,
                              size_t count);

/* Acknowledged by the kernel on return: only then may anybody hear of the address (SR26). */
int ruleset_pin(struct netlink *netlink, const struct ip_address *addresses, size_t count,
                uint64_t timeout_ms);

#endif
