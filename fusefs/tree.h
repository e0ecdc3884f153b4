/*
 * The backing tree and all that a request on it needs.
 *
 * Ownership: tree_init() takes the descriptors over; the policy is referenced, the producer is
 * borrowed. Threads: any number of requests at once; see each table's header.
 */
#ifndef FAILCORE_FUSEFS_TREE_H
#define FAILCORE_FUSEFS_TREE_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "fusefs/caller.h"
#include "fusefs/denials.h"
#include "fusefs/descriptor_cache.h"
#include "fusefs/disk_budget.h"
#include "fusefs/listing_hint.h"
#include "fusefs/made_set.h"
#include "fusefs/node_table.h"
#include "fusefs/open_file.h"
#include "fusefs/removed_names.h"
#include "shared/audit/producer.h"
#include "shared/breaker/breaker.h"
#include "shared/policy/policy.h"

/* Reserved at the mount root (SR20). */
#define RESERVED_NAME ".failcore"

#define SHOWN_NOBODY 65534u

struct tree_options {
    bool shared;            /* several users: act as the caller; else as the owner of SOURCE */
    bool strict;            /* the kernel caches nothing */
    bool execs_are_counted; /* by the launcher, for the breaker */
    bool owner_is_shown;    /* the owner is shown as shown_uid:shown_gid, all others as nobody */
    uid_t shown_uid;
    gid_t shown_gid;
    const char *shown_at;        /* the workspace's absolute path for the workload; NULL: unknown */
    const char *shown_to_run_at; /* another one, which leads nowhere on the host; NULL: none */
    unsigned int descriptors_kept;
    double timeout_seconds; /* how long the kernel may answer by itself */
};

struct tree {
    struct node_table nodes;
    struct descriptor_cache descriptors;
    struct open_file_table files;
    struct audit_producer *audit;
    struct denials denials;
    struct disk_budget disk;
    struct breaker breaker; /* what it counts: fs_breaker.h */
    struct made_set made;
    struct removed_names removed;
    struct listing_hint listings;
    pthread_mutex_t listing_lock;   /* opening a directory to read it, once */
    atomic_bool unrecorded;         /* the log writer has gone: nothing is permitted any more */
    pthread_mutex_t link_scan_lock; /* one search of the tree at a time */
    struct tree_options options;
    int root_fd; /* SOURCE, O_PATH */
    int proc_fd; /* /proc/self/fd, O_PATH: descriptors of ours are opened again through it */
    uid_t owner_uid;
    gid_t owner_gid;
    mode_t root_type;
};

int tree_init(struct tree *tree, int root_fd, struct policy *policy, struct audit_producer *audit,
              const struct tree_options *options);
void tree_clear(struct tree *tree);

/* statx(2) with what identifies and describes an object; symbolic links are not followed. */
int tree_status_at(int directory, const char *name, struct statx *ret_status);
int tree_status_of(int fd, struct statx *ret_status);

/*
 * An O_PATH descriptor of the node, checked to be that very object. Kept for directories and for
 * files with several links. -ESTALE when it is nowhere to be found.
 */
int tree_hold(struct tree *tree, struct node *node, struct descriptor **ret_descriptor);
/*
 * Opens the node's object as open(2) by the caller would, checked to be that very object before
 * anything is done to it: `flags` may not hold O_CREAT, O_EXCL or O_TRUNC. The way to it is the
 * server's own: only the last step is made as the caller. `ret_status` may be NULL.
 */
int tree_open_node(struct tree *tree, const struct caller *caller, struct node *node, int flags,
                   int *ret_fd, struct statx *ret_status);
/* 0 where the caller may open the directory to list it; `held` is tree_hold()'s. */
int tree_may_list(struct tree *tree, const struct caller *caller, const struct descriptor *held);
/*
 * As tree_open_node(O_RDONLY), for execve(2) alone: a program that the caller may execute and not
 * read is opened as the server. The kernel shows the process of such a program to nobody.
 */
int tree_open_to_execute(struct tree *tree, const struct caller *caller, struct node *node,
                         int *ret_fd, struct statx *ret_status);
/* The node's present status. */
int tree_status(struct tree *tree, struct node *node, struct statx *ret_status);

/* "/proc/self/fd/N" for the calls that know no descriptor: relative to tree->proc_fd. */
#define TREE_FD_TEXT_MAX 16
const char *tree_fd_text(int fd, char text[static TREE_FD_TEXT_MAX]);

/* As the kernel is to be told: ownership as the profile shows it, and of a directory nothing that
 * would count hidden names (SR19). */
void tree_fill_stat(const struct tree *tree, const struct statx *status, struct stat *ret_stat);
/* The owner that a caller of chown(2) means; -EPERM for one that the profile does not show. */
int tree_owner_from_shown(const struct tree *tree, uid_t shown_uid, gid_t shown_gid, uid_t *ret_uid,
                          gid_t *ret_gid);

/* Acting as the caller where the profile says so; leave with caller_leave(). */
int tree_enter_caller(const struct tree *tree, const struct caller *caller,
                      enum caller_groups groups, struct acting *ret_acting);

#endif
