/*
 * Files and directories that somebody has open, by the handle the kernel gives back to us.
 *
 * Ownership: open_file_add() takes the descriptor and the node's pin over; open_file_remove()
 * (the kernel's RELEASE) ends the handle, and the last user frees it. Threads: any.
 * Bounds: the process's descriptor limit; past it opening fails with EMFILE as natively.
 */
#ifndef FAILCORE_FUSEFS_OPEN_FILE_H
#define FAILCORE_FUSEFS_OPEN_FILE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fusefs/descriptor.h"
#include "fusefs/node_table.h"

struct directory_stream;

struct open_file {
    uint64_t handle;
    atomic_uint references;
    struct node *node; /* pinned */
    struct descriptor *descriptor;
    struct descriptor *listing;      /* directories only: open for reading; guarded by */
    struct directory_stream *stream; /* tree.listing_lock, both NULL until a listing is read */
    bool gives_attributes;           /* guarded by the stream's lock (listing_hint.h) */
    int flags;                       /* of open(2): the access mode is what counts */
    unsigned int needs;              /* 1 << enum fs_operation: what the handle was opened for */
    _Atomic uint64_t judged_epoch;   /* the policy that last permitted it */
    uint64_t ticket;                 /* of the DECISION that let it be opened; 0: none */
    uint64_t opened_ns;
    bool carried;                   /* the kernel carries its data (backing_files.h) */
    bool counted;                   /* backing_files knows of it */
    bool set_id;                    /* has set-id bits: a write must pass by us to clear them */
    bool watched;                   /* the breaker must see each write: never carried */
    bool is_virtual;                /* no backing, no policy (virtual_files.h) */
    _Atomic uint64_t existed_bytes; /* that were there before; 0 once their loss is counted */
    atomic_bool emptied;            /* through it what was there before was truncated to nothing */
    _Atomic uint64_t bytes_read;
    _Atomic uint64_t bytes_written;
    struct open_file *next; /* of the same node */
};

struct open_file_table {
    pthread_rwlock_t lock;
    struct open_file **slots;
    uint32_t *generations;
    uint32_t *free_slots;
    uint32_t slot_count, free_count;
};

void open_file_table_init(struct open_file_table *table);
/* All files must be gone. */
void open_file_table_clear(struct open_file_table *table);

/*
 * A new handle. The node's pin, the descriptor's reference and the stream are taken over on
 * success only. -ENOMEM, -ENFILE.
 */
int open_file_add(struct open_file_table *table, const struct open_file *file,
                  struct open_file **ret_file);
/* NULL: no such handle. Released with open_file_put(). */
struct open_file *open_file_get(struct open_file_table *table, uint64_t handle);
void open_file_put(struct open_file_table *table, struct open_file *file);
/* Takes the handle out; the caller gets the reference that the table had. */
struct open_file *open_file_remove(struct open_file_table *table, uint64_t handle);

struct tree;
/* Open files of the node that the kernel carries and that `permits` refuses by now. */
unsigned int open_file_count_carried(struct open_file_table *table, const struct node *node,
                                     struct tree *tree,
                                     bool (*permits)(struct tree *tree, const struct node *node,
                                                     unsigned int needs));

/* Whether somebody has the node open for writing. */
bool open_file_is_written(struct open_file_table *table, const struct node *node);

/* The descriptor of any open file of the node, referenced; NULL when nobody has it open. */
struct descriptor *open_file_descriptor_of(struct open_file_table *table, const struct node *node);

#endif
