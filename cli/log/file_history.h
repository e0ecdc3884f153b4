/*
 * What became of files: the effects of a run on paths, each with the clock of its record.
 *
 * Results of several threads may stand in the log in another order than they happened; a result is
 * recorded before its caller goes on, so the clock of the record (mono) has the order that the
 * program saw. Effects are collected first and applied in that order.
 *
 * Ownership: release with file_history_clear().
 */
#ifndef FAILCORE_CLI_LOG_FILE_HISTORY_H
#define FAILCORE_CLI_LOG_FILE_HISTORY_H

#include <stdbool.h>

#include "cli/log/tally.h"
#include "shared/audit/record_reader.h"

/* Numbers of a file's row. */
enum file_effect {
    EFFECT_CREATED = 0,
    EFFECT_MODIFIED,
    EFFECT_DELETED,
    EFFECT_RENAMED_AWAY,
    EFFECT_RENAMED_HERE,
    EFFECT_LINKED,
    EFFECT_METADATA,
    EFFECT_BYTES_WRITTEN,
    EFFECT_COUNT,
    FILE_WAS_THERE = EFFECT_COUNT, /* before its first effect */
    FILE_IS_GONE,                  /* after its last one */
    FILE_IS_KNOWN,                 /* not only that it was closed */
};

/* What a path's effects come to, from before the run to after it. */
enum file_fate {
    FATE_CHANGED = 0, /* was there and is: written, or its metadata changed */
    FATE_CREATED,     /* was not there, or not known to be; is there */
    FATE_DELETED,     /* was there and is gone, deleted or renamed away */
    FATE_TEMPORARY,   /* came and went */
    FATE_COUNT
};

struct file_event; /* layout private to file_history.c */

struct file_history {
    struct tally files; /* by path; filled by file_history_settle() */
    struct file_event *events;
    size_t event_count;
    size_t event_capacity;
};

/* `is_close`: the file was open for writing and is closed now; its path is where it is by then. */
int file_history_add(struct file_history *history, const struct audit_record *record,
                     enum file_effect effect, bool is_close);
/* Applies what was added, in the order of the clock. Once. */
int file_history_settle(struct file_history *history);
void file_history_clear(struct file_history *history);

enum file_fate file_fate_of(const struct tally_row *file);
const char *file_fate_word(enum file_fate fate);
/* Files of each fate. */
void file_history_fates(const struct file_history *history, uint64_t ret_counts[static FATE_COUNT]);
/* "created, modified": all that happened to the path. */
void append_effects(struct text_buffer *text, const struct tally_row *file);

#endif
