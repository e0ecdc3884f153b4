/*
 * One request on its way through the gate.
 *
 *     AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "unlink");
 *     r = fs_request_name(&request, directory, name, NEEDS(DELETE), 0);   which name or object
 *     if (r == 0) r = fs_gate(&request);                                  judge, record
 *     if (r == 0) r = ...                                                 the effect
 *     return fs_request_done(&request, r);                                record the outcome
 *
 * A request has one or two sides. A side is a name in a directory (which need not exist) or an
 * object that the kernel knows. Everything a side holds is released by fs_request_end().
 */
#ifndef FAILCORE_FUSEFS_FS_REQUEST_H
#define FAILCORE_FUSEFS_FS_REQUEST_H

#include "fusefs/tree.h"

#define NEEDS(operation) (1u << FS_##operation)

enum fs_side_flags {
    SIDE_APPEARS = 1 << 0, /* the name comes to be: a hidden one answers EACCES, not ENOENT */
    SIDE_CHANGES = 1 << 1, /* the object itself is changed: its other links matter (SR13) */
};

struct fs_side {
    struct node *node;      /* pinned; NULL when the side is a name */
    struct node *directory; /* pinned; NULL when the side is an object */
    struct str_view name;   /* borrowed, NUL-terminated */
    const struct policy_state *state;
    unsigned int needs; /* 1 << enum fs_operation */
    unsigned int flags; /* enum fs_side_flags */
};

/* What two sides must have in common (SR12). */
enum fs_pairing { PAIR_NONE = 0, PAIR_SAME_FILE_RULES, PAIR_SAME_TREE_RULES };

struct fs_request {
    struct tree *tree;
    const struct caller *caller;
    const char *word; /* of the request, where no policy operation names it better */
    struct fs_side sides[2];
    unsigned int side_count;
    enum fs_pairing pairing;
    struct policy *policy; /* what the names were judged by */
    uint64_t epoch;
    uint32_t flags; /* of open(2) or renameat2(2), for the record */
    bool changes;   /* its outcome is recorded, not only its failure */
    uint64_t inode; /* for the record; 0: unknown */
    uint64_t started_ns;
    uint64_t decided_ns;
    uint64_t ticket; /* of the DECISION; 0: none was written */
    const char *operation_word;
    /* of the circuit breaker (fs_breaker.h) */
    struct breaker_charge charges[3];
    unsigned int charge_count;
    struct node_identity unmade; /* goes with this request */
    bool unmakes;
    bool removes;             /* the first charge is for the first side's name */
    bool replaces;            /* the last side's name was removed before: no delete any more */
    uint64_t disk_bytes;      /* taken from the budget for what is made */
    uint64_t existed_bytes;   /* of an opened file: what a write into it would overwrite */
    bool empties;             /* an opened file loses what was there before */
    const char *breaker_rule; /* with DENIAL_BREAKER_TRIPPED; NULL: the policy's own rule */
    char breaker_reason[64];
};

struct fs_request fs_request_begin(struct tree *tree, const struct caller *caller,
                                   const char *word);
/* -EINVAL for a name that is no component, -ENAMETOOLONG, -ESTALE for an unknown directory. */
int fs_request_name(struct fs_request *request, uint64_t directory, struct str_view name,
                    unsigned int needs, unsigned int flags);
/* -ESTALE for an unknown object. */
int fs_request_object(struct fs_request *request, uint64_t id, unsigned int needs,
                      unsigned int flags);
/* The same for a node that is pinned already; takes a pin of its own. */
void fs_request_node(struct fs_request *request, struct node *node, unsigned int needs,
                     unsigned int flags);

/*
 * The one door. Decides on every side, records the decision, and answers 0 or the errno that the
 * caller gets. Nothing is done to the backing tree before it, and nothing after it when it refuses.
 */
int fs_gate(struct fs_request *request);

/*
 * A second refusal, found when the object was in hand but before any effect (its links, its
 * changed type). Records it and answers the errno.
 */
int fs_gate_refuse(struct fs_request *request, enum denial_code code, const char *reason);

/*
 * The object of the first side was found to be so: refuses where SR13 says so, as the gate would
 * have done had it known how many links it has, and that names came or went underneath.
 */
int fs_gate_check_links(struct fs_request *request, const struct statx *status);

/* The path of the name or object of side `number`; "." is the mount root. */
void fs_request_path(const struct fs_request *request, unsigned int number,
                     struct text_buffer *path);

/*
 * What is about to be made or written beside the data of files takes room, too: 0, or -EDQUOT
 * (disk_budget.h). Given back when the request fails.
 */
int fs_request_take_disk(struct fs_request *request, uint64_t bytes);
/* What was counted before the effect stands, or is given back when there was none. */
void fs_request_settle(struct fs_request *request, int result);

/* Records the outcome where one is due; returns `result`. */
int fs_request_done(struct fs_request *request, int result);
void fs_request_end(struct fs_request *request);

#endif
