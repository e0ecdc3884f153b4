/*
 * The lines of a log, one after the other, through all segments of an audit directory (closed
 * ones compressed or not), of one file, or of standard input.
 *
 * Ownership: release with log_lines_close(). A line points into the reader and lives until the
 * next call. Threads: one at a time.
 * A log that is still written may be read: a line without its newline is not there yet, and after
 * the end log_lines_next() gives what was added since.
 */
#ifndef FAILCORE_AUDIT_LOG_LINES_H
#define FAILCORE_AUDIT_LOG_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/failure.h"
#include "shared/base/str_view.h"

struct log_lines;

/* `path`: an audit directory, a segment or any file of lines, or "-". Errors as open(2). */
int log_lines_open(const char *path, struct log_lines **ret_lines, struct failure *reterr);
void log_lines_close(struct log_lines *lines);
static inline void log_lines_release(struct log_lines **lines) /* for AUTO() */
{
    if (*lines != NULL) {
        log_lines_close(*lines);
    }
}

/*
 * 1 and the line without its newline; 0 at the end; -EBADMSG for a line longer than any record, a
 * segment but the last that ends inside a line, or a damaged compressed segment; else as read(2).
 * reterr names the file.
 */
int log_lines_next(struct log_lines *lines, struct str_view *ret_line, struct failure *reterr);

/* The next line will be the first of the segment that holds record `seq`. 0, or as open(2). */
int log_lines_seek(struct log_lines *lines, uint64_t seq, struct failure *reterr);

/* The line of record `seq`: 1, or 0 when the log does not hold it; else as log_lines_next(). */
int log_lines_find(struct log_lines *lines, uint64_t seq, struct str_view *ret_line,
                   struct failure *reterr);

/* The seq that a line begins with, without reading the rest of it. */
bool log_line_seq(struct str_view line, uint64_t *ret_seq);

#endif
