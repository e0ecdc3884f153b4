/* Starting the guard of a name: resolves its policy once and hands it over. */
#ifndef FAILCORE_NETGUARD_NETNS_NETNS_START_H
#define FAILCORE_NETGUARD_NETNS_NETNS_START_H

#include <stddef.h>

#include "shared/base/failure.h"

#define NETNS_WORDS_MAX 16

struct netns_settings {
    const char *policies[NETNS_WORDS_MAX]; /* NAME or FILE; none: everything is denied */
    size_t policy_count;
    const char *upstreams[NETNS_WORDS_MAX]; /* addresses; none: the world's own resolvers */
    size_t upstream_count;
    const char *audit;  /* NULL: this user's default */
    const char *uplink; /* NULL: the default */
    const char *user;   /* who root's commands run as; NULL: the user behind sudo, or nobody's id */
};

/*
 * Makes sure that the guard of that name runs. One that runs already is left as it is. Returns
 * when it is open. -EINVAL: the policy is invalid.
 */
int netns_start(const char *name, const struct netns_settings *settings, struct failure *reterr);

/*
 * The same for a guard that the service manager starts: everything that it needs is left there
 * (stored_network.h), and nothing runs yet.
 */
int netns_store(const char *name, const struct netns_settings *settings, struct failure *reterr);

/* The policies that the guard was started with are read again and take the place of the old. */
int netns_reload(const char *name, struct failure *reterr);

/* After its breaker has tripped. */
int netns_resume(const char *name, struct failure *reterr);

#endif
