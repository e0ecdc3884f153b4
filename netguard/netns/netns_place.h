/*
 * Where a named guard is found: /run/failcore/netns/NAME/ for root,
 * $XDG_RUNTIME_DIR/failcore/netns/ NAME/ for others. The directory holds a lock and the guard's
 * control socket (control.h). Nothing else is kept: when the guard's process ends, its namespaces
 * and links end with it.
 *
 * Ownership: netns_place_open() gives descriptors; release with netns_place_close().
 * Errors: negative errno with reterr filled.
 */
#ifndef FAILCORE_NETGUARD_NETNS_NETNS_PLACE_H
#define FAILCORE_NETGUARD_NETNS_NETNS_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "shared/base/failure.h"

#define NETNS_NAME_MAX       64
#define NETNS_ANSWER_SECONDS 10

struct netns_place {
    char name[NETNS_NAME_MAX + 1];
    char path[256]; /* of the directory */
    int directory;
    int lock; /* held for as long as the place is open */
};

/* [a-z0-9_-]+ (SECURITY-RULES SR9). */
bool netns_name_is_valid(const char *name);

/* The directory of all names; made when it is not there. The caller owns the descriptor. */
int netns_root_open(char path[static 200], struct failure *reterr);

/* With `create` the directory is made; else -ENOENT when there is none. Waits for the lock. */
int netns_place_open(const char *name, bool create, struct netns_place *ret_place,
                     struct failure *reterr);
void netns_place_close(struct netns_place *place);
/* The words that the guard's policy was loaded from, for a reload; one per line. */
int netns_place_write_policies(const struct netns_place *place, const char *const *words,
                               size_t count, struct failure *reterr);
/* The caller releases *ret_text; words[] point into it. At most `room` words. Returns how many. */
int netns_place_read_policies(const struct netns_place *place, char **ret_text, const char **words,
                              size_t room, struct failure *reterr);

/* Removes everything in it and the directory. */
void netns_place_remove(struct netns_place *place);

/*
 * A connection to the guard of that name. -ENOENT: there is no such network. -ECONNREFUSED: its
 * guard is dead. -EAGAIN, from here or from a send or receive on the connection: it has not
 * answered within NETNS_ANSWER_SECONDS (stopped, or with much to do). reterr stays as it was for
 * these three: whom they hinder calls netns_explain().
 */
int netns_connect(const char *name, struct failure *reterr);
/* Says what those three mean, or another error of a conversation. Returns `error`. */
int netns_explain(const char *name, int error, struct failure *reterr);
/* A socket bound in the place, for the guard to listen on. A stale one is replaced. */
int netns_bind(const struct netns_place *place, struct failure *reterr);

#endif
