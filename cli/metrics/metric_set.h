/*
 * Counters over a log, as Prometheus reads them (text exposition format 0.0.4). Labels come from
 * our own tables only: nothing that the workload names becomes a label, so it cannot grow them.
 *
 * Threads: one at a time.
 */
#ifndef FAILCORE_CLI_METRICS_METRIC_SET_H
#define FAILCORE_CLI_METRICS_METRIC_SET_H

#include "shared/audit/record_reader.h"
#include "shared/policy/denial_codes.h"

/* name, type, help; docs and the test follow this table */
#define METRIC_TABLE(ROW)                                                                          \
    ROW(RECORDS, "failcore_records_total", "counter", "Records in the log, by kind")               \
    ROW(DECISIONS, "failcore_decisions_total", "counter",                                          \
        "Requests decided, by source and decision; folded ones counted each")                      \
    ROW(BLOCKED, "failcore_blocked_total", "counter", "Requests refused, by denial code")          \
    ROW(RESULTS, "failcore_results_total", "counter", "Results, by source and status")             \
    ROW(NET_BYTES, "failcore_network_bytes_total", "counter",                                      \
        "Bytes of ended flows, by direction")                                                      \
    ROW(FILE_BYTES, "failcore_file_bytes_total", "counter", "Bytes of closed files, by direction") \
    ROW(LOST, "failcore_lost_events_total", "counter",                                             \
        "Events refused because they could not be recorded")                                       \
    ROW(UNREADABLE, "failcore_unreadable_lines_total", "counter",                                  \
        "Lines of the log that are no records")                                                    \
    ROW(RUNS, "failcore_runs_total", "counter", "Runs that have started")                          \
    ROW(RUNS_ENDED, "failcore_runs_ended_total", "counter", "Runs that have ended")                \
    ROW(NEXT_SEQ, "failcore_log_next_seq", "gauge", "Sequence number of the next record")          \
    ROW(LAST_TIME, "failcore_last_record_timestamp_seconds", "gauge", "Time of the last record")

struct metric_set {
    uint64_t records[AUDIT_KIND_COUNT];
    uint64_t decisions[AUDIT_SOURCE_COUNT][AUDIT_DECISION_COUNT];
    uint64_t blocked[DENIAL_CODE_COUNT]; /* DENIAL_NONE: a code that this program does not know */
    uint64_t results[AUDIT_SOURCE_COUNT][AUDIT_STATUS_COUNT];
    uint64_t net_bytes[2];  /* in, out */
    uint64_t file_bytes[2]; /* read, written */
    uint64_t lost;
    uint64_t unreadable;
    uint64_t runs;
    uint64_t runs_ended;
    uint64_t next_seq;
    int64_t last_time_ns;
};

void metric_set_add(struct metric_set *metrics, const struct audit_record *record);
void metric_set_append(const struct metric_set *metrics, struct text_buffer *text);

#endif
