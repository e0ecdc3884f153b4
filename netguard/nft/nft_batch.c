#include "netguard/nft/nft_batch.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <libnftnl/batch.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

#include "shared/base/cleanup.h"

#define PAGE_BYTES    16384U
#define OVERRUN_BYTES 8192U
#define PAGES_MAX     64

static void fail(struct nft_batch *batch)
{
    if (batch->error == 0) {
        batch->error = -ENOMEM;
    }
}

static char *tail(struct nft_batch *batch)
{
    return nftnl_batch_buffer(batch->pages);
}

static void advance(struct nft_batch *batch)
{
    if (nftnl_batch_update(batch->pages) < 0) {
        fail(batch);
    }
}

int nft_batch_init(struct nft_batch *batch, const char *table)
{
    *batch = (struct nft_batch){.table = table, .family = NFPROTO_INET, .sequence = 1};
    batch->pages = nftnl_batch_alloc(PAGE_BYTES, OVERRUN_BYTES);
    if (batch->pages == NULL) {
        return -ENOMEM;
    }
    nftnl_batch_begin(tail(batch), 0);
    advance(batch);
    return batch->error;
}

void nft_batch_turn_to(struct nft_batch *batch, uint8_t family)
{
    batch->family = family;
}

void nft_batch_clear(struct nft_batch *batch)
{
    if (batch->rule != NULL) {
        nftnl_rule_free(batch->rule);
        batch->rule = NULL;
    }
    if (batch->pages != NULL) {
        nftnl_batch_free(batch->pages);
        batch->pages = NULL;
    }
}

/* NULL once the batch has failed. Every change asks for its own acknowledgement. */
static struct nlmsghdr *change(struct nft_batch *batch, uint16_t type, uint16_t flags)
{
    if (batch->error != 0) {
        return NULL;
    }
    return nftnl_nlmsg_build_hdr(tail(batch), type, batch->family, flags | NLM_F_ACK,
                                 batch->sequence++);
}

/* Reads acknowledgements up to that of the last change; the first refusal is the answer. */
static int read_answers(struct nft_batch *batch, struct netlink *netlink)
{
    int refusal = 0;

    for (;;) {
        char answer[NETLINK_ANSWER_MAX];
        ssize_t count = mnl_socket_recvfrom(netlink->socket, answer, sizeof(answer));
        const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)answer;
        int left = (int)count;

        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return -errno;
        }
        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
            const struct nlmsgerr *verdict = mnl_nlmsg_get_payload(message);

            if (message->nlmsg_type != NLMSG_ERROR) {
                continue;
            }
            if (verdict->error != 0 && refusal == 0) {
                refusal = verdict->error;
            }
            /* Sequence 0 is the batch's own begin: an answer to it is about the whole. */
            if (message->nlmsg_seq == 0 || message->nlmsg_seq + 1 == batch->sequence) {
                return refusal;
            }
        }
    }
}

static int send_batch(struct nft_batch *batch, struct netlink *netlink)
{
    struct iovec pages[PAGES_MAX];
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    int count = nftnl_batch_iovec_len(batch->pages);
    struct msghdr message = {.msg_name = &kernel, .msg_namelen = sizeof(kernel), .msg_iov = pages};

    if (batch->error != 0) {
        return batch->error;
    }
    if (count > PAGES_MAX) {
        return -E2BIG;
    }
    nftnl_batch_iovec(batch->pages, pages, (uint32_t)count);
    message.msg_iovlen = (size_t)count;
    if (sendmsg(netlink_fd(netlink), &message, 0) < 0) {
        return -errno;
    }
    return read_answers(batch, netlink);
}

int nft_batch_commit(struct nft_batch *batch, struct netlink *netlink)
{
    if (batch->error == 0) {
        nftnl_batch_end(tail(batch), batch->sequence);
        advance(batch);
    }
    return send_batch(batch, netlink);
}

int nft_batch_probe(struct nft_batch *batch, struct netlink *netlink)
{
    return send_batch(batch, netlink);
}

static void put_table(struct nft_batch *batch, uint16_t type, uint16_t flags, uint32_t table_flags)
{
    struct nlmsghdr *header = change(batch, type, flags);
    struct nftnl_table *table = header == NULL ? NULL : nftnl_table_alloc();

    if (table == NULL) {
        fail(batch);
        return;
    }
    nftnl_table_set_str(table, NFTNL_TABLE_NAME, batch->table);
    if (table_flags != 0) {
        nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, table_flags);
    }
    nftnl_table_nlmsg_build_payload(header, table);
    nftnl_table_free(table);
    advance(batch);
}

void nft_table_replace(struct nft_batch *batch)
{
    put_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, 0);
    put_table(batch, NFT_MSG_DELTABLE, 0, 0);
    put_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, 0);
}

void nft_table_add_owned(struct nft_batch *batch)
{
    put_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, NFT_TABLE_F_OWNER);
}

static void put_chain(struct nft_batch *batch, struct nftnl_chain *chain, const char *name)
{
    struct nlmsghdr *header = change(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE);

    if (header == NULL || chain == NULL) {
        fail(batch);
        return;
    }
    nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, batch->table);
    nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
    nftnl_chain_nlmsg_build_payload(header, chain);
    advance(batch);
}

void nft_chain_add_base(struct nft_batch *batch, const struct nft_base_chain *row)
{
    struct nftnl_chain *chain = nftnl_chain_alloc();

    if (chain != NULL) {
        nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, row->hook);
        nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, row->priority);
        nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, row->drop ? NF_DROP : NF_ACCEPT);
        nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE,
                            row->type == NFT_CHAIN_NAT_TYPE ? "nat" : "filter");
        if (row->device != NULL) {
            nftnl_chain_set_str(chain, NFTNL_CHAIN_DEV, row->device);
        }
    }
    put_chain(batch, chain, row->name);
    nftnl_chain_free(chain);
}

void nft_chain_add(struct nft_batch *batch, const char *name)
{
    struct nftnl_chain *chain = nftnl_chain_alloc();

    put_chain(batch, chain, name);
    nftnl_chain_free(chain);
}

void nft_counter_add(struct nft_batch *batch, const char *name)
{
    struct nlmsghdr *header = change(batch, NFT_MSG_NEWOBJ, NLM_F_CREATE);
    struct nftnl_obj *counter = header == NULL ? NULL : nftnl_obj_alloc();

    if (counter == NULL) {
        fail(batch);
        return;
    }
    nftnl_obj_set_u32(counter, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
    nftnl_obj_set_str(counter, NFTNL_OBJ_TABLE, batch->table);
    nftnl_obj_set_str(counter, NFTNL_OBJ_NAME, name);
    nftnl_obj_set_u64(counter, NFTNL_OBJ_CTR_PKTS, 0);
    nftnl_obj_set_u64(counter, NFTNL_OBJ_CTR_BYTES, 0);
    nftnl_obj_nlmsg_build_payload(header, counter);
    nftnl_obj_free(counter);
    advance(batch);
}

static struct nftnl_set *set_named(struct nft_batch *batch, const char *name)
{
    struct nftnl_set *set = nftnl_set_alloc();

    if (set == NULL) {
        fail(batch);
        return NULL;
    }
    nftnl_set_set_str(set, NFTNL_SET_TABLE, batch->table);
    nftnl_set_set_str(set, NFTNL_SET_NAME, name);
    return set;
}

void nft_set_add(struct nft_batch *batch, const struct nft_set *row)
{
    struct nftnl_set *set = set_named(batch, row->name);
    struct nlmsghdr *header = set == NULL ? NULL : change(batch, NFT_MSG_NEWSET, NLM_F_CREATE);

    if (header != NULL) {
        nftnl_set_set_u32(set, NFTNL_SET_FAMILY, batch->family);
        nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, row->key_length);
        nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, row->key_type);
        nftnl_set_set_u32(set, NFTNL_SET_ID, batch->sequence);
        nftnl_set_set_u32(set, NFTNL_SET_FLAGS,
                          (row->timeout ? NFT_SET_TIMEOUT : 0U) |
                              (row->interval ? NFT_SET_INTERVAL : 0U));
        if (row->size > 0) {
            nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, row->size);
        }
        nftnl_set_nlmsg_build_payload(header, set);
        advance(batch);
    }
    nftnl_set_free(set);
}

void nft_set_flush(struct nft_batch *batch, const char *name)
{
    struct nftnl_set *set = set_named(batch, name);
    struct nlmsghdr *header = set == NULL ? NULL : change(batch, NFT_MSG_DELSETELEM, 0);

    if (header != NULL) {
        nftnl_set_elems_nlmsg_build_payload(header, set);
        advance(batch);
    }
    nftnl_set_free(set);
}

static void add_element(struct nft_batch *batch, struct nftnl_set *set, const void *key,
                        size_t length, uint32_t flags, uint64_t timeout_ms)
{
    struct nftnl_set_elem *element = nftnl_set_elem_alloc();

    if (element == NULL) {
        fail(batch);
        return;
    }
    nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, key, (uint32_t)length);
    if (flags != 0) {
        nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_FLAGS, flags);
    }
    if (timeout_ms != 0) {
        nftnl_set_elem_set_u64(element, NFTNL_SET_ELEM_TIMEOUT, timeout_ms);
    }
    nftnl_set_elem_add(set, element);
}

static void put_element(struct nft_batch *batch, uint16_t type, const char *name, const void *key,
                        size_t length, uint64_t timeout_ms)
{
    struct nftnl_set *set = set_named(batch, name);
    struct nlmsghdr *header =
        set == NULL ? NULL : change(batch, type, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);

    if (header != NULL) {
        add_element(batch, set, key, length, 0, timeout_ms);
        nftnl_set_elems_nlmsg_build_payload(header, set);
        advance(batch);
    }
    nftnl_set_free(set);
}

void nft_set_put(struct nft_batch *batch, const char *name, const void *key, size_t length,
                 uint64_t timeout_ms)
{
    put_element(batch, NFT_MSG_NEWSETELEM, name, key, length, timeout_ms);
    if (timeout_ms != 0) {
        /* Kernels before 6.12 keep the old timeout of an element that is there; the first add
         * makes sure that the deletion finds one. */
        put_element(batch, NFT_MSG_DELSETELEM, name, key, length, 0);
        put_element(batch, NFT_MSG_NEWSETELEM, name, key, length, timeout_ms);
    }
}

void nft_set_put_interval(struct nft_batch *batch, const char *name, const void *first,
                          const void *end, size_t length)
{
    struct nftnl_set *set = set_named(batch, name);
    struct nlmsghdr *header = set == NULL ? NULL : change(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE);

    if (header != NULL) {
        add_element(batch, set, first, length, 0, 0);
        if (end != NULL) {
            add_element(batch, set, end, length, NFT_SET_ELEM_INTERVAL_END, 0);
        }
        nftnl_set_elems_nlmsg_build_payload(header, set);
        advance(batch);
    }
    nftnl_set_free(set);
}

void nft_rule_begin(struct nft_batch *batch, const char *chain)
{
    batch->rule = nftnl_rule_alloc();
    if (batch->rule == NULL) {
        fail(batch);
        return;
    }
    nftnl_rule_set_str(batch->rule, NFTNL_RULE_TABLE, batch->table);
    nftnl_rule_set_str(batch->rule, NFTNL_RULE_CHAIN, chain);
    nftnl_rule_set_u32(batch->rule, NFTNL_RULE_FAMILY, batch->family);
}

void nft_rule_append(struct nft_batch *batch, struct nftnl_expr *expression)
{
    if (expression == NULL || batch->rule == NULL) {
        fail(batch);
        return;
    }
    nftnl_rule_add_expr(batch->rule, expression);
}

void nft_rule_end(struct nft_batch *batch)
{
    struct nlmsghdr *header = change(batch, NFT_MSG_NEWRULE, NLM_F_APPEND | NLM_F_CREATE);

    if (header != NULL && batch->rule != NULL) {
        nftnl_rule_nlmsg_build_payload(header, batch->rule);
        advance(batch);
    }
    if (batch->rule != NULL) {
        nftnl_rule_free(batch->rule);
        batch->rule = NULL;
    }
}
