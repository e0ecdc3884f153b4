#include "auditd/ticket_table.h"

#include <stdlib.h>

/* Chained hash over a circular array: the entry that is written over is the oldest one. */
struct ticket {
    uint64_t producer;
    uint64_t pseq;
    uint64_t seq;
    uint32_t next; /* index + 1; 0: end of the chain */
    bool used;
};

struct ticket_table {
    uint32_t next_entry;
    uint32_t bucket[TICKET_TABLE_CAP]; /* index + 1 */
    struct ticket entry[TICKET_TABLE_CAP];
};

struct ticket_table *ticket_table_new(void)
{
    return calloc(1, sizeof(struct ticket_table));
}

void ticket_table_free(struct ticket_table *table)
{
    free(table);
}

static uint32_t bucket_of(uint64_t producer, uint64_t pseq)
{
    uint64_t mixed = (producer * 0x9E3779B97F4A7C15U) ^ (pseq * 0xC2B2AE3D27D4EB4FU);

    return (uint32_t)(mixed >> 32) & (TICKET_TABLE_CAP - 1);
}

static void unlink_entry(struct ticket_table *table, uint32_t index)
{
    const struct ticket *old = &table->entry[index];
    uint32_t *link = &table->bucket[bucket_of(old->producer, old->pseq)];

    while (*link != 0 && *link != index + 1) {
        link = &table->entry[*link - 1].next;
    }
    if (*link != 0) {
        *link = old->next;
    }
}

void ticket_table_put(struct ticket_table *table, uint64_t producer, uint64_t pseq, uint64_t seq)
{
    uint32_t index = table->next_entry;
    uint32_t bucket = bucket_of(producer, pseq);

    if (table->entry[index].used) {
        unlink_entry(table, index);
    }
    table->entry[index] = (struct ticket){.producer = producer,
                                          .pseq = pseq,
                                          .seq = seq,
                                          .next = table->bucket[bucket],
                                          .used = true};
    table->bucket[bucket] = index + 1;
    table->next_entry = (index + 1) & (TICKET_TABLE_CAP - 1);
}

bool ticket_table_find(const struct ticket_table *table, uint64_t producer, uint64_t pseq,
                       uint64_t *ret_seq)
{
    uint32_t link = table->bucket[bucket_of(producer, pseq)];

    while (link != 0) {
        const struct ticket *entry = &table->entry[link - 1];

        if (entry->producer == producer && entry->pseq == pseq) {
            *ret_seq = entry->seq;
            return true;
        }
        link = entry->next;
    }
    return false;
}
