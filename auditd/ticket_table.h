/*
 * Which seq a ticket became: producer number and pseq of a DECISION to its place in the log, so
 * that its RESULT can say `of`.
 *
 * At its cap the oldest entry is forgotten. A RESULT whose DECISION is forgotten carries
 * of_producer and of_pseq instead: still unambiguous, found by searching the log.
 * Threads: one at a time.
 */
#ifndef FAILCORE_AUDITD_TICKET_TABLE_H
#define FAILCORE_AUDITD_TICKET_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#define TICKET_TABLE_CAP (1U << 16)

struct ticket_table;

struct ticket_table *ticket_table_new(void);
void ticket_table_free(struct ticket_table *table);

void ticket_table_put(struct ticket_table *table, uint64_t producer, uint64_t pseq, uint64_t seq);
bool ticket_table_find(const struct ticket_table *table, uint64_t producer, uint64_t pseq,
                       uint64_t *ret_seq);

#endif
