/*
 * What /etc/failcore/netns/NAME.yaml says of a network, so that its name is enough to make it:
 *
 *     policy: [net_safe, /srv/agents/more.yaml]
 *     uplink: veth
 *     audit: /var/log/failcore
 *     user: agent
 *
 * Every key may be left out; one that is not known refuses the file. Paths are absolute: there is
 * no directory that a relative one could mean. Root's or the caller's, and written by nobody else.
 *
 * Ownership: netns_file_complete() gives settings texts of the file; release them with
 * netns_file_clear() when the settings are not used any more.
 * Errors: negative errno with reterr filled; -EINVAL: the file is wrong, and where.
 */
#ifndef FAILCORE_NETGUARD_NETNS_NETNS_FILE_H
#define FAILCORE_NETGUARD_NETNS_NETNS_FILE_H

#include "netguard/netns/netns_start.h"
#include "shared/policy/arena.h"
#include "shared/policy/policy_source.h"

struct netns_file {
    struct arena arena;
    struct policy_bytes bytes;
};

/* Fills in what the command line left open. No file: nothing is filled in, and 0. */
int netns_file_complete(const char *name, struct netns_file *file, struct netns_settings *settings,
                        struct failure *reterr);
void netns_file_clear(struct netns_file *file);

#endif
