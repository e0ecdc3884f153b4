#include "netguard/nft/nft_counters.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <libnftnl/common.h>
#include <libnftnl/object.h>

struct counter_call {
    nft_counter_handler *each;
    void *context;
};

static int on_object(const struct nlmsghdr *message, void *context)
{
    const struct counter_call *call = context;
    struct nftnl_obj *counter = nftnl_obj_alloc();

    if (counter != NULL && nftnl_obj_nlmsg_parse(message, counter) == 0) {
        call->each(call->context, nftnl_obj_get_str(counter, NFTNL_OBJ_NAME),
                   nftnl_obj_get_u64(counter, NFTNL_OBJ_CTR_PKTS),
                   nftnl_obj_get_u64(counter, NFTNL_OBJ_CTR_BYTES));
    }
    nftnl_obj_free(counter);
    return MNL_CB_OK;
}

int nft_counters_read(struct netlink *netlink, const char *table, nft_counter_handler *each,
                      void *context)
{
    char buffer[NETLINK_MESSAGE_MAX];
    struct counter_call call = {each, context};
    struct nlmsghdr *message = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETOBJ, NFPROTO_UNSPEC, 0, 0);
    struct nftnl_obj *wanted = nftnl_obj_alloc();

    if (wanted == NULL) {
        return -ENOMEM;
    }
    nftnl_obj_set_str(wanted, NFTNL_OBJ_TABLE, table);
    nftnl_obj_set_u32(wanted, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
    nftnl_obj_nlmsg_build_payload(message, wanted);
    nftnl_obj_free(wanted);
    return netlink_dump(netlink, message, on_object, &call);
}
