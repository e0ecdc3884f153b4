/*
 * What the circuit breaker counts in the mount (shared/breaker/breaker.h), and what a tripped one
 * refuses.
 *
 * Counted is what the policy has allowed, about an object that this mount has not made since it
 * began to serve, just before the effect; a failed effect is taken back.
 *
 * delete: a name is removed. Counted by the object, whatever it is called by now: moving it first,
 * or linking it, changes nothing. A directory counts as one: what is in it was removed one by one
 * before. When the name is made again a moment later, the delete becomes an overwrite.
 *
 * Content that goes and leaves nothing is a delete as well: when what is renamed onto it was there
 * before, too (two were there, one is left), or is empty; and when a file was truncated to nothing
 * and is empty still as it is closed, which is counted then: no sooner is it known.
 *
 * overwrite: content is lost. That is the truncation of what is not empty, the first write of an
 * open file into what was there when it was opened (a copy or a hole likewise), or a rename onto
 * it.
 *
 * rename: an object gets another name. A directory counts as one, whatever lies below, since
 * nothing of it is lost; an exchange is two.
 *
 * blocked: a refusal by the policy. exec: an execution of a file in the mount; under `failcore run`
 * the launcher counts those of all files.
 *
 * Where a rule has exceptions, nothing that counts may be renamed or linked to where it would not:
 * that is EXDEV, and mv copies and deletes, which counts.
 *
 * No race: while a name is changed through the mount the kernel keeps its directory to itself, so
 * the object that was looked at is the one that goes.
 *
 * A tripped breaker refuses every change, also through files that are open.
 */
#ifndef FAILCORE_FUSEFS_FS_BREAKER_H
#define FAILCORE_FUSEFS_FS_BREAKER_H

#include "fusefs/fs_request.h"

/* The gate's question: 0, or it has tripped and the request would change something; then the
 * request knows the rule and the reason. */
bool fs_breaker_forbids(struct fs_request *request);
/* The policy refuses something: one more. */
void fs_breaker_blocked(struct tree *tree);

/* The refusal is recorded: a run that is to be frozen or killed for it hears of it no sooner. */
void fs_breaker_hold(const struct fs_request *request, struct decision decision);

/* Each before its effect: 0, or recorded and refused. */
int fs_breaker_execute(struct fs_request *request);
int fs_breaker_remove(struct fs_request *request, int directory, const char *name);
int fs_breaker_rename(struct fs_request *request, int old_directory, const char *old_name,
                      int new_directory, const char *new_name, unsigned int flags);
/* An object gets another name, that of the second side. */
int fs_breaker_link(struct fs_request *request, int object);
/* `file`: through which; NULL: by name. */
int fs_breaker_truncate(struct fs_request *request, const struct statx *status, off_t size,
                        struct open_file *file);
/* The content is gone, whatever becomes of the rest of the request: nothing is taken back. */
void fs_breaker_lost(struct fs_request *request);
/* The last user of an open file has closed it. */
void fs_breaker_closed(struct tree *tree, struct open_file *file);
/* A name is about to be made. */
int fs_breaker_create(struct fs_request *request);
/* A file is opened; remembers in the request what a write may overwrite. */
int fs_breaker_open(struct fs_request *request, const struct statx *status, int flags);
/* A write (or its like) through an open file at this offset. */
int fs_breaker_write(struct tree *tree, const struct caller *caller, struct open_file *file,
                     off_t offset);

/* An object was made by this request. */
void fs_breaker_made(struct tree *tree, const struct statx *status);
/* The outcome is there: what failed is taken back, what is gone is forgotten. */
void fs_breaker_done(struct fs_request *request, int result);

#endif
