#include "netguard/nft/ruleset.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "netguard/flow/flow_mark.h"
#include "netguard/flow/packet_queue.h"
#include "netguard/nft/guard_rules.h"
#include "netguard/nft/range_set.h"
#include "shared/base/cleanup.h"

static void put_sets(struct nft_batch *batch, const struct ruleset_config *config)
{
    static const struct nft_set sets[] = {
        {.name = "deny4", .key_type = NFT_KEY_IPV4, .key_length = 4, .interval = true},
        {.name = "deny6", .key_type = NFT_KEY_IPV6, .key_length = 16, .interval = true},
        {.name = "host4", .key_type = NFT_KEY_IPV4, .key_length = 4, .interval = true},
        {.name = "host6", .key_type = NFT_KEY_IPV6, .key_length = 16, .interval = true},
        {.name = "open4", .key_type = NFT_KEY_IPV4, .key_length = 4, .interval = true},
        {.name = "open6", .key_type = NFT_KEY_IPV6, .key_length = 16, .interval = true},
        {.name = "pin4",
         .key_type = NFT_KEY_IPV4,
         .key_length = 4,
         .size = RULESET_PINS_MAX,
         .timeout = true},
        {.name = "pin6",
         .key_type = NFT_KEY_IPV6,
         .key_length = 16,
         .size = RULESET_PINS_MAX,
         .timeout = true},
        {.name = "lease", .key_type = NFT_KEY_MARK, .key_length = 4, .timeout = true},
        {.name = "lease_reply", .key_type = NFT_KEY_MARK, .key_length = 4, .timeout = true},
    };

    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        nft_set_add(batch, &sets[i]);
    }
    range_set_put_denied(batch, "deny4", "deny6");
    range_set_put_prefixes(batch, "open4", "open6", config->private_addresses,
                           config->private_address_count);
}

static void put_drops(struct nft_batch *batch)
{
    for (unsigned int i = 0; i < DROP_REASON_COUNT; i++) {
        if (i != DROP_FRAME) { /* in the other table */
            rules_put_drop(batch, (enum drop_reason)i);
        }
    }
}

static void put_masquerade(struct nft_batch *batch, const struct ruleset_config *config)
{
    static const struct nft_base_chain hook = {.name = "masquerade",
                                               .type = NFT_CHAIN_NAT_TYPE,
                                               .hook = NF_INET_POST_ROUTING,
                                               .priority = 100};

    nft_chain_add_base(batch, &hook);
    nft_rule_begin(batch, hook.name);
    match_interface(batch, RULE_OUT, config->uplink_link);
    do_masquerade(batch);
    nft_rule_end(batch);
}

static int probe_statement(struct netlink *netlink, enum queue_statement statement)
{
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    int error = nft_batch_init(&batch, "probe");

    if (error < 0) {
        return error;
    }
    nft_table_replace(&batch);
    nft_chain_add(&batch, "ask");
    nft_rule_begin(&batch, "ask");
    do_queue(&batch, statement, RULESET_QUEUE, packet_queue_numbers());
    nft_rule_end(&batch);
    return nft_batch_probe(&batch, netlink);
}

int ruleset_probe_queue(struct netlink *netlink, enum queue_statement *ret_statement,
                        struct failure *reterr)
{
    static const enum queue_statement statements[] = {QUEUE_NATIVE, QUEUE_XT_TARGET};
    int error = 0;

    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        error = probe_statement(netlink, statements[i]);
        if (error == 0) {
            *ret_statement = statements[i];
            return 0;
        }
        if (error != -ENOENT && error != -EOPNOTSUPP) {
            failure_set(reterr, error, "the kernel refuses nftables changes: %s", strerror(-error));
            failure_set_mend(reterr, "a kernel with CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET");
            return error;
        }
    }
    failure_set(reterr, -EOPNOTSUPP, "the kernel has no queue statement for nftables");
    failure_set_needed(reterr, "asking about every new connection");
    failure_set_mend(reterr, "modprobe nft_queue, or nft_compat and xt_NFQUEUE");
    return -EOPNOTSUPP;
}

int ruleset_install(struct netlink *netlink, const struct ruleset_config *config,
                    enum queue_statement statement, struct failure *reterr)
{
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    int error = nft_batch_init(&batch, RULESET_TABLE);

    if (error == 0) {
        nft_batch_turn_to(&batch, NFPROTO_NETDEV);
        nft_table_replace(&batch);
        rules_put_frames(&batch, config);
        nft_batch_turn_to(&batch, NFPROTO_INET);
        nft_table_replace(&batch);
        put_drops(&batch);
        put_sets(&batch, config);
        rules_put_arrival(&batch, config);
        rules_put_forward(&batch, config, statement);
        put_masquerade(&batch, config);
        error = nft_batch_commit(&batch, netlink);
    }
    if (error < 0) {
        failure_set(reterr, error, "cannot install the guard's rules: %s", strerror(-error));
        failure_set_needed(reterr, "the nftables table of the guard's namespace");
        failure_set_mend(reterr, "a kernel with nftables reject, masquerade, redirect, limit, "
                                 "log and exthdr expressions");
    }
    return error;
}

static void put_lease(struct nft_batch *batch, uint32_t generation)
{
    uint32_t released = flow_mark_released(generation), pending = flow_mark_pending(generation);

    nft_set_put(batch, "lease", &released, sizeof(released), RULESET_LEASE_MS);
    nft_set_put(batch, "lease_reply", &released, sizeof(released), RULESET_LEASE_MS);
    nft_set_put(batch, "lease_reply", &pending, sizeof(pending), RULESET_LEASE_MS);
}

int ruleset_feed_lease(struct netlink *netlink, uint32_t generation)
{
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    int error = nft_batch_init(&batch, RULESET_TABLE);

    if (error < 0) {
        return error;
    }
    put_lease(&batch, generation);
    return nft_batch_commit(&batch, netlink);
}

int ruleset_change_generation(struct netlink *netlink, uint32_t generation,
                              const struct ip_prefix *private_addresses, size_t count)
{
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    int error = nft_batch_init(&batch, RULESET_TABLE);

    if (error < 0) {
        return error;
    }
    nft_set_flush(&batch, "lease");
    nft_set_flush(&batch, "lease_reply");
    nft_set_flush(&batch, "open4");
    nft_set_flush(&batch, "open6");
    range_set_put_prefixes(&batch, "open4", "open6", private_addresses, count);
    put_lease(&batch, generation);
    return nft_batch_commit(&batch, netlink);
}

int ruleset_set_host_networks(struct netlink *netlink, const struct ip_prefix *prefixes,
                              size_t count)
{
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    int error = nft_batch_init(&batch, RULESET_TABLE);

    if (error < 0) {
        return error;
    }
    nft_set_flush(&batch, "host4");
    nft_set_flush(&batch, "host6");
    range_set_put_prefixes(&batch, "host4", "host6", prefixes, count);
    return nft_batch_commit(&batch, netlink);
}

int ruleset_pin(struct netlink *netlink, const struct ip_address *addresses, size_t count,
                uint64_t timeout_ms)
{
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    int error = nft_batch_init(&batch, RULESET_TABLE);

    if (error < 0) {
        return error;
    }
    for (size_t i = 0; i < count; i++) {
        bool v4 = addresses[i].family == IP_V4;

        nft_set_put(&batch, v4 ? "pin4" : "pin6", addresses[i].bytes, v4 ? 4 : 16, timeout_ms);
    }
    return nft_batch_commit(&batch, netlink);
}
