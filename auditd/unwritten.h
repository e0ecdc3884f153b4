/*
 * What a writer promised and could not write, because it had to leave a disk that refused
 * everything: kept beside the log's key, which lies elsewhere, and recorded as LOSS by the next
 * writer. "PRODUCER NEXT RUN" a line: that producer's events below NEXT were taken.
 *
 * The file is opened at the start and is empty as a rule. Threads: one. Errors: negative errno.
 */
#ifndef FAILCORE_AUDITD_UNWRITTEN_H
#define FAILCORE_AUDITD_UNWRITTEN_H

#include "shared/base/failure.h"

struct server;

/* Its descriptor. */
int unwritten_open(const char *origin, struct failure *reterr);
/* The writer gives up: what of each producer is in no file. */
int unwritten_note(const struct server *server);
/* Makes LOSS records of what the writer before noted, signs them and empties the file. */
int unwritten_record(struct server *server);

#endif
