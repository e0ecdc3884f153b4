/*
 * The objects that the kernel knows, and their names.
 *
 * A node is one inode of the backing tree: device, inode number and birth time (a number alone is
 * used again by the next file). A dentry is one name of a node; it carries the state of the policy
 * automaton for its path, so that judging a request never looks at a path again. A node with
 * several hard links has several dentries. A directory has one.
 *
 * The kernel names nodes by number: the slot in the low half and the slot's generation in the high
 * one, so that a stale or invented number is an error and never another node.
 *
 * An object whose last name is gone (unlinked while open) is judged by that name still.
 *
 * A node lives while the kernel remembers it, while a request uses it (a pin), while a dentry
 * hangs below it, and, with several links, while its other names must be remembered: they count
 * for every verdict on it (SR13).
 *
 * Threads: one reader-writer lock guards the shape (who is called what, where). It is held for a
 * few pointer steps and never across a system call. Requests on known names share it; only new,
 * removed and renamed names exclude others. What a pinned node's identity and type are never
 * changes.
 *
 * Bounds: `limit` nodes; past it node_table_enter() answers -ENFILE.
 */
#ifndef FAILCORE_FUSEFS_NODE_TABLE_H
#define FAILCORE_FUSEFS_NODE_TABLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "fusefs/descriptor.h"
#include "shared/base/str_view.h"
#include "shared/base/text_buffer.h"
#include "shared/policy/policy.h"

#define NODE_ROOT_ID      1u
#define NODE_FIRST_ID     16u /* numbers below are the root and the reserved virtual files */
#define NODE_LIMIT        (8u << 20)
#define NODE_SLOTS_CHUNK  4096u
#define NODE_SLOTS_CHUNKS (NODE_LIMIT / NODE_SLOTS_CHUNK + 1)

struct node_identity {
    uint64_t device;
    uint64_t inode;
    int64_t born_seconds;
    uint32_t born_nanoseconds;
};

struct open_file;

struct dentry {
    struct dentry *hash_next;
    struct dentry *next_name; /* of the same node */
    struct node *directory;
    struct node *node;
    const struct policy_state *state;
    uint32_t hash;
    uint16_t length;
    char name[]; /* NUL-terminated */
};

struct node {
    struct node *hash_next;
    struct node_identity identity;
    uint64_t id;
    _Atomic uint64_t lookups;   /* the kernel's references */
    atomic_uint pins;           /* requests and open files that use it */
    uint32_t children;          /* dentries whose directory this is */
    struct dentry *names;       /* guarded by the table's lock */
    struct dentry *orphan;      /* the last name, kept for the verdict once there is none */
    struct open_file *files;    /* guarded by the table's lock */
    struct descriptor *kept;    /* guarded by the descriptor cache */
    struct node *kept_previous; /* likewise */
    struct node *kept_next;     /* likewise */
    bool kept_used;             /* likewise */
    atomic_uint links;          /* as last seen */
    atomic_uint links_searched; /* the links it had when the whole tree was last searched */
    atomic_uint links_mark; /* of its last change when its names were last looked at; 0: never */
    int backing_id;         /* guarded by backing_files; valid while backing_users > 0 */
    unsigned int backing_users; /* likewise: opens whose data the kernel carries */
    unsigned int plain_users;   /* likewise: opens whose data we carry */
    mode_t type;                /* S_IFMT bits */
    atomic_int looks_left;      /* of a directory listed as names alone (listing_hint.h) */
    atomic_bool listed;         /* likewise: the kernel was given all of it once */
};

struct descriptor_cache;

struct node_table {
    pthread_rwlock_t lock;
    struct node **chunks[NODE_SLOTS_CHUNKS];
    uint32_t *generations[NODE_SLOTS_CHUNKS];
    uint32_t *free_slots; /* a stack */
    uint32_t free_count, free_capacity;
    uint32_t slots_used; /* slots that were ever given out */
    uint32_t limit;
    uint32_t count;
    struct node **by_identity;
    uint32_t identity_buckets; /* a power of two */
    struct dentry **by_name;
    uint32_t name_buckets;
    uint32_t name_count;
    struct node *root;
    /* Swapped together with every dentry's state (node_table_set_policy). */
    struct policy *policy;
    const struct policy_state *root_state;
    atomic_bool may_hide;   /* the policy has a hide rule; changed likewise */
    _Atomic uint64_t epoch; /* changed under the lock; read anywhere */
    struct descriptor_cache *descriptors;
    struct descriptor *dead; /* closed after the lock is released */
};

struct node_identity node_identity_from(const struct statx *status);
bool node_identity_equals(const struct node_identity *a, const struct node_identity *b);

/* `root` is the SOURCE's status. Takes a reference on the policy. -ENOMEM. */
int node_table_init(struct node_table *table, struct policy *policy, const struct statx *root,
                    struct descriptor_cache *descriptors);
void node_table_clear(struct node_table *table);

/* The node that has this number, pinned; NULL when there is none. */
struct node *node_table_pin(struct node_table *table, uint64_t id);
struct node *node_pin(struct node *node);
void node_table_unpin(struct node_table *table, struct node *node);

/*
 * `name` in `directory` is the object of `status`: finds or makes its node and dentry and counts
 * one more reference of the kernel. A dentry of that name for another object goes. `state` is the
 * name's, under the policy of `epoch`; -EAGAIN when another policy has come since.
 * -ENFILE, -ENOMEM. *ret_node is pinned.
 */
int node_table_enter(struct node_table *table, struct node *directory, struct str_view name,
                     const struct policy_state *state, uint64_t epoch, const struct statx *status,
                     struct node **ret_node);
/*
 * The same for what we found ourselves (link_scan.h): the kernel does not know of it, so nothing is
 * counted. A file with several links is remembered until the last name that we know of goes.
 */
int node_table_learn(struct node_table *table, struct node *directory, struct str_view name,
                     const struct policy_state *state, uint64_t epoch, const struct statx *status,
                     struct node **ret_node);
/* As node_table_enter for an object that has no name (O_TMPFILE); it is judged as `name` would be.
 */
int node_table_enter_nameless(struct node_table *table, struct node *directory,
                              struct str_view name, const struct policy_state *state,
                              uint64_t epoch, const struct statx *status, struct node **ret_node);
/* The kernel gives `count` references back. */
void node_table_forget(struct node_table *table, uint64_t id, uint64_t count);

/* The name is gone (unlinked, or seen to be gone). */
void node_table_remove_name(struct node_table *table, struct node *directory, struct str_view name);
/*
 * The object of one name has the other name from now on; what that was called before is gone.
 * `state` is the new name's.
 */
void node_table_move_name(struct node_table *table, struct node *old_directory,
                          struct str_view old_name, struct node *new_directory,
                          struct str_view new_name, const struct policy_state *state,
                          uint64_t epoch);
/* The two names have changed places. */
void node_table_exchange_names(struct node_table *table, struct node *a_directory,
                               struct str_view a_name, const struct policy_state *a_state,
                               struct node *b_directory, struct str_view b_name,
                               const struct policy_state *b_state, uint64_t epoch);

/*
 * The state of a directory for stepping to its names, and the policy and epoch it belongs to.
 * The caller releases state and policy.
 */
const struct policy_state *node_table_directory_state(struct node_table *table,
                                                      const struct node *directory,
                                                      struct policy **ret_policy,
                                                      uint64_t *ret_epoch);

/*
 * The strongest verdict over all names of the node, for every operation of the bit set `needs`.
 * The root's is that of the mount root. By the policy of the moment, which *ret_policy (when asked
 * for; referenced) is: rule and reason of the decision live as long as that one.
 */
struct decision node_table_decide(struct node_table *table, const struct node *node,
                                  unsigned int needs, enum fs_operation *ret_operation,
                                  struct policy **ret_policy);
/* Names known for the node. */
unsigned int node_table_name_count(struct node_table *table, const struct node *node);
/*
 * Whether every name of the node, or what an object without a name is judged by, permits just what
 * `state` does. Not so, when the table's policy is not that of `epoch`.
 */
bool node_table_names_agree(struct node_table *table, const struct node *node, uint64_t epoch,
                            const struct policy_state *state);

/* Appends the path from the mount root of the node, or of `name` in it when that is not absent.
 * "" is the root. */
void node_table_append_path(struct node_table *table, const struct node *node, struct str_view name,
                            struct text_buffer *path);

/* The node's name number `index` and its directory (pinned). -ENOENT past the last. */
int node_table_name(struct node_table *table, const struct node *node, unsigned int index,
                    struct node **ret_directory, char ret_name[static 256]);

/* The type (S_IFMT bits) of what the name was last seen to be; 0 when it is not known. */
mode_t node_table_type(struct node_table *table, const struct node *directory,
                       struct str_view name);

/* Every dentry's state is made anew under `policy`, which takes the place of the old one. */
void node_table_set_policy(struct node_table *table, struct policy *policy);
/* The same under the policy there is: after names moved that were judged by an earlier one. The
 * caller holds the lock for writing. */
void node_table_renew_states(struct node_table *table);

/*
 * Calls `visit` for every node that the kernel knows, with a pin and without the lock; in no order,
 * and nodes that come meanwhile may be left out.
 */
void node_table_each(struct node_table *table, void (*visit)(void *context, struct node *node),
                     void *context);

/* A reference to the policy in force. */
struct policy *node_table_policy(struct node_table *table, uint64_t *ret_epoch);

#endif
