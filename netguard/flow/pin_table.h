/*
 * Which names the guard itself saw resolve to an address, and until when: what binds a packet's
 * destination to a name.
 *
 * One address may carry many names (shared hosting), one name many addresses. The table is bounded
 * (SR11): when it is full, nothing is pinned and the resolver answers SERVFAIL (SR26).
 *
 * Ownership: pin_table_new() / pin_table_free(). Names that come back are borrowed until the next
 * call that changes the table.
 * Threads: one at a time. Times are CLOCK_BOOTTIME milliseconds of the caller.
 */
#ifndef FAILCORE_NETGUARD_FLOW_PIN_TABLE_H
#define FAILCORE_NETGUARD_FLOW_PIN_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/ip_address.h"
#include "shared/base/str_view.h"

#define PIN_ADDRESSES_MAX 65536U
#define PIN_NAMES_MAX     32U /* of one address; the one that expires first makes room */
#define PIN_NAME_BYTES    254U

struct pin_table;

struct pin_table *pin_table_new(void);
void pin_table_free(struct pin_table *table);
static inline void pin_table_release(struct pin_table **table)
{
    pin_table_free(*table);
}

/* An existing pin gets the later of the two times. -ENOSPC, -ENOMEM, -EINVAL: a name too long. */
int pin_table_add(struct pin_table *table, const struct ip_address *address, struct str_view name,
                  uint64_t now_ms, uint64_t expires_ms);

/* The names that hold now; at most `room` of them. Returns how many. */
size_t pin_table_names(struct pin_table *table, const struct ip_address *address, uint64_t now_ms,
                       struct str_view *ret_names, size_t room);

size_t pin_table_count(const struct pin_table *table); /* addresses, expired ones included */

#endif
