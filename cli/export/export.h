/*
 * Formats of `failcore audit export`. Each but tiles is a pure function of a record; each carries
 * seq and entry_hash, so that a row elsewhere can be proved against the log.
 */
#ifndef FAILCORE_CLI_EXPORT_EXPORT_H
#define FAILCORE_CLI_EXPORT_EXPORT_H

#include "shared/audit/record_reader.h"
#include "shared/base/failure.h"
#include "shared/base/text_buffer.h"

/* Appends one line with its newline. */
typedef void export_row(struct text_buffer *text, const struct audit_record *record);

export_row export_jsonl; /* the line itself: its hash still holds */
export_row export_ocsf;  /* OCSF 1.3, one event a line */
export_row export_cef;   /* ArcSight CEF 0 */
export_row export_csv;
#define EXPORT_CSV_HEADER                                                                          \
    "seq,timestamp,run,source,kind,status,decision,op,target,target2,host,address,port,rule,code," \
    "reason,"                                                                                      \
    "errno,pid,comm,exe,uid,entry_hash\n"

static inline bool row_is_refusal(const struct audit_record *record)
{
    return record->has_status && record->status == AUDIT_STATUS_BLOCKED;
}

static inline bool row_is_failure(const struct audit_record *record)
{
    return record->has_status &&
           (record->status == AUDIT_STATUS_FAIL || record->status == AUDIT_STATUS_TIMEOUT ||
            record->status == AUDIT_STATUS_LIMIT);
}

/* A C2SP tlog-tiles prefix in `output`: checkpoint, hash tiles, entry bundles. */
int export_tiles(const char *audit, const char *output, struct failure *reterr);

#endif
