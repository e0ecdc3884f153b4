/*
 * What is kept of a request: the record of its decision, and of its outcome (fs_request_done()), in
 * the audit log; its refusal for whoever was refused.
 */
#ifndef FAILCORE_FUSEFS_FS_RECORD_H
#define FAILCORE_FUSEFS_FS_RECORD_H

#include "fusefs/fs_request.h"

/* 0, or negative: it was not recorded, and nothing may be done. `error` is what the caller gets. */
int fs_record_decision(struct fs_request *request, struct decision decision, int error,
                       enum fs_operation operation);

/* For .failcore/denials. A hidden name is not mentioned, not even to whoever guessed it (SR19). */
void fs_record_denial(const struct fs_request *request, struct decision decision, int error);

/* What an open file moved, recorded when it is released. */
void fs_record_release(struct tree *tree, const struct caller *caller,
                       const struct open_file *file);

#endif
