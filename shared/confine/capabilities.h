/*
 * Which capabilities this thread keeps (capabilities(7)); straight system calls, no library.
 *
 * Threads: capabilities belong to a thread. Call these before the first thread is made: later ones
 * inherit what is left.
 * Errors: negative errno.
 */
#ifndef FAILCORE_CONFINE_CAPABILITIES_H
#define FAILCORE_CONFINE_CAPABILITIES_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t capability_set;
#define CAPABILITY(number) ((capability_set)1 << (number)) /* CAPABILITY(CAP_NET_ADMIN) */
#define CAPABILITIES_NONE  ((capability_set)0)

struct capability_state {
    capability_set effective;
    capability_set permitted;
    capability_set inheritable;
    capability_set bounding;
    capability_set ambient;
};
int capabilities_read(struct capability_state *ret_state);

/* In force now for this thread. */
bool capabilities_have(capability_set wanted);

/*
 * Effective and permitted become `kept`, inheritable and ambient empty, and everything else leaves
 * the bounding set, so that no later execve can bring it back. -EPERM when a capability in `kept`
 * is not permitted now: nothing is changed then. A thread without CAP_SETPCAP cannot shrink its
 * bounding set; then no_new_privs (privileges.h) is what holds, and -EPERM is returned unless it is
 * already set.
 */
int capabilities_keep_only(capability_set kept);

/*
 * The bounding set alone, for whoever is about to become another user: that takes CAP_SETPCAP away,
 * and the capabilities that change the user are needed until then. Errors as above.
 */
int capabilities_bound(capability_set kept);

#endif
