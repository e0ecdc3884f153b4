/*
 * The first look at a frame of the agent, before the kernel has told anybody about it: family
 * netdev, because the inet table sees nothing but IP. Plain IP and ARP go on; VLAN and its priority
 * tags, MPLS, PPPoE, LLDP, 802.1X and whatever else a driver or a daemon of the host might listen
 * to end here (SR23).
 *
 * The type is read from the frame itself: of a tagged frame the kernel tells the type inside the
 * tag.
 */
#include "netguard/nft/guard_rules.h"

#include <endian.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>

void rules_put_frames(struct nft_batch *batch, const struct ruleset_config *config)
{
    static const uint16_t passed[] = {ETH_P_IP, ETH_P_IPV6, ETH_P_ARP};
    const struct nft_base_chain hook = {.name = "frames",
                                        .hook = NF_NETDEV_INGRESS,
                                        .priority = 0,
                                        .drop = true,
                                        .device = config->agent_link};

    rules_put_drop(batch, DROP_FRAME);
    nft_chain_add_base(batch, &hook);
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
        const uint16_t wire = htobe16(passed[i]);

        nft_rule_begin(batch, hook.name);
        match_field(batch, field_ether_type, NULL, RULE_EQUALS, &wire);
        rule_verdict(batch, NF_ACCEPT);
    }
    nft_rule_begin(batch, hook.name);
    rule_drop(batch, DROP_FRAME);
}
