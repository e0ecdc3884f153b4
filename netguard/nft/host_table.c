#include "netguard/nft/host_table.h"

#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "netguard/nft/nft_rule.h"
#include "shared/base/cleanup.h"

static void lend_address(struct nft_batch *batch, uint8_t family, struct packet_field source,
                         const struct ip_address *inner)
{
    nft_rule_begin(batch, "lend");
    match_family(batch, family);
    match_field(batch, source, NULL, RULE_EQUALS, inner->bytes);
    do_masquerade(batch);
    nft_rule_end(batch);
}

int host_table_install(struct netlink *owner, const struct link_end *outer,
                       const struct link_end *inner, struct failure *reterr)
{
    static const struct nft_base_chain lend = {
        .name = "lend", .type = NFT_CHAIN_NAT_TYPE, .hook = NF_INET_POST_ROUTING, .priority = 100};
    /* Before the host's own chains: whatever they would accept, the host is no public server. */
    static const struct nft_base_chain keep_out = {
        .name = "keep_out", .hook = NF_INET_LOCAL_IN, .priority = -10};
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    char table[32];
    int error;

    snprintf(table, sizeof(table), "failcore_%.15s", outer->name);
    error = nft_batch_init(&batch, table);
    if (error == 0) {
        nft_table_add_owned(&batch);
        nft_chain_add_base(&batch, &lend);
        lend_address(&batch, NFPROTO_IPV4, (struct packet_field){RULE_NETWORK_HEADER, 12, 4},
                     &inner->v4);
        lend_address(&batch, NFPROTO_IPV6, (struct packet_field){RULE_NETWORK_HEADER, 8, 16},
                     &inner->v6);
        nft_chain_add_base(&batch, &keep_out);
        nft_rule_begin(&batch, keep_out.name);
        match_interface(&batch, RULE_IN, outer->name);
        do_verdict(&batch, NF_DROP);
        nft_rule_end(&batch);
        error = nft_batch_commit(&batch, owner);
    }
    if (error < 0) {
        failure_set(reterr, error, "cannot install the table %s on the host: %s", table,
                    strerror(-error));
        failure_set_mend(reterr, "--uplink pasta changes nothing on the host");
    }
    return error;
}
