#include "shared/policy/policy_settings.h"

#include <errno.h>

/* The grammar's defaults (CONTRACT: network.dns.budget). */
#define DNS_QUERIES_PER_SECOND    20
#define DNS_BURST                 100
#define DNS_UNIQUE_NAMES_PER_HOUR 500
#define DNS_LABEL_BYTES_PER_HOUR  16384
#define DNS_ENTROPY_BITS_PER_HOUR 8192

static uint64_t said(const struct model *model, enum setting setting, uint64_t otherwise)
{
    return model->settings[setting].said ? model->settings[setting].value : otherwise;
}

/* A number too large for its member is no smaller a limit: it is the largest one. */
static uint32_t said_u32(const struct model *model, enum setting setting, uint32_t otherwise)
{
    uint64_t value = said(model, setting, otherwise);

    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static bool has_fs_rule(const struct model *model, enum verdict action)
{
    for (size_t i = 0; i < model->rule_count; i++) {
        if (model->rules[i].section == SECTION_FILESYSTEM && model->rules[i].action == action) {
            return true;
        }
    }
    return false;
}

static unsigned int sync_operations(const struct model *model)
{
    const struct texts *sync = &model->lists[LIST_AUDIT_SYNC];
    unsigned int bits = 0;

    for (size_t i = 0; i < sync->count; i++) {
        for (unsigned int operation = 0; operation < FS_LOOKUP; operation++) {
            if (str_view_equals_text(sync->items[i].text, operation_words[operation])) {
                bits |= 1U << operation;
            }
        }
    }
    return bits;
}

static int fill_upstreams(const struct model *model, struct arena *arena,
                          struct net_settings *settings)
{
    const struct texts *upstream = &model->lists[LIST_DNS_UPSTREAM];
    struct ip_address *addresses =
        arena_alloc_array(arena, upstream->count + 1, sizeof(*addresses));

    if (addresses == NULL) {
        return -ENOMEM;
    }
    /* The reader let nothing but addresses and "system" through; the latter stays IP_NONE. */
    for (size_t i = 0; i < upstream->count; i++) {
        (void)ip_address_parse(upstream->items[i].text, &addresses[i]);
    }
    settings->dns_upstreams = addresses;
    settings->dns_upstream_count = upstream->count == 0 ? 1 : upstream->count;
    return 0;
}

static int fill_private(const struct model *model, struct arena *arena,
                        struct net_settings *settings)
{
    struct ip_prefix *prefixes;
    size_t count = 0;

    for (size_t i = 0; i < model->rule_count; i++) {
        count += model->rules[i].allow_private ? model->rules[i].prefix_count : 0;
    }
    prefixes = arena_alloc_array(arena, count + 1, sizeof(*prefixes));
    if (prefixes == NULL) {
        return -ENOMEM;
    }
    settings->private_addresses = prefixes;
    settings->private_address_count = count;
    count = 0;
    for (size_t i = 0; i < model->rule_count; i++) {
        for (size_t p = 0; model->rules[i].allow_private && p < model->rules[i].prefix_count; p++) {
            prefixes[count++] = model->rules[i].prefixes[p];
        }
    }
    return 0;
}

int policy_settings_fill(const struct model *model, struct arena *arena,
                         struct policy_settings *ret_settings)
{
    struct policy_settings settings = {
        .filesystem =
            {
                .devices = said(model, SETTING_FS_DEVICES, 0) == 1,
                .setuid = said(model, SETTING_FS_SETUID, 0) == 1,
                .outside_links = (enum outside_links)said(model, SETTING_FS_OUTSIDE_LINKS, 0),
                .may_hide = has_fs_rule(model, VERDICT_HIDE),
                .may_deny = has_fs_rule(model, VERDICT_DENY),
                .audit_full = said(model, SETTING_AUDIT_LEVEL, 1) == 0,
                .sync = sync_operations(model),
            },
        .network =
            {
                .ech = (enum tls_exception)said(model, SETTING_NET_TLS_ECH, 0),
                .no_sni = (enum tls_exception)said(model, SETTING_NET_TLS_NO_SNI, 0),
                .quic = said(model, SETTING_NET_QUIC, 0) == 1,
                .dns_budget =
                    {
                        .queries_per_second =
                            said_u32(model, SETTING_DNS_QUERIES, DNS_QUERIES_PER_SECOND),
                        .burst = said_u32(model, SETTING_DNS_BURST, DNS_BURST),
                        .unique_names_per_hour =
                            said_u32(model, SETTING_DNS_UNIQUE_NAMES, DNS_UNIQUE_NAMES_PER_HOUR),
                        .label_bytes_per_hour =
                            said(model, SETTING_DNS_LABEL_BYTES, DNS_LABEL_BYTES_PER_HOUR),
                        .entropy_bits_per_hour =
                            said_u32(model, SETTING_DNS_ENTROPY, DNS_ENTROPY_BITS_PER_HOUR),
                    },
                .budget =
                    {
                        .connections_per_minute = said_u32(model, SETTING_NET_CONNECTIONS, 0),
                        .bytes_out = said(model, SETTING_NET_BYTES_OUT, 0),
                        .bytes_out_per_host = said(model, SETTING_NET_BYTES_OUT_PER_HOST, 0),
                    },
            },
    };
    int error = fill_upstreams(model, arena, &settings.network);

    if (error == 0) {
        error = fill_private(model, arena, &settings.network);
    }
    if (error == 0) {
        *ret_settings = settings;
    }
    return error;
}
