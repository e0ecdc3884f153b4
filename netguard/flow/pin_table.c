#include "netguard/flow/pin_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS 16384U

struct pinned_name {
    struct pinned_name *next;
    uint64_t expires_ms;
    size_t length;
    char text[];
};

struct pin {
    struct pin *next;
    struct ip_address address;
    struct pinned_name *names;
};

struct pin_table {
    struct pin *buckets[BUCKETS];
    size_t count;
    uint64_t key; /* the workload chooses addresses: it must not choose buckets */
};

struct pin_table *pin_table_new(void)
{
    struct pin_table *table = calloc(1, sizeof(*table));

    if (table != NULL && getrandom(&table->key, sizeof(table->key), 0) != sizeof(table->key)) {
        free(table);
        return NULL;
    }
    return table;
}

static void free_names(struct pin *pin)
{
    while (pin->names != NULL) {
        struct pinned_name *next = pin->names->next;

        free(pin->names);
        pin->names = next;
    }
}

void pin_table_free(struct pin_table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        while (table->buckets[i] != NULL) {
            struct pin *next = table->buckets[i]->next;

            free_names(table->buckets[i]);
            free(table->buckets[i]);
            table->buckets[i] = next;
        }
    }
    free(table);
}

static struct pin **bucket_of(struct pin_table *table, const struct ip_address *address)
{
    uint64_t low, high, hash;

    memcpy(&low, address->bytes, sizeof(low));
    memcpy(&high, address->bytes + 8, sizeof(high));
    hash = (low ^ table->key) * 0x9e3779b97f4a7c15U;
    hash = (hash ^ (hash >> 29) ^ high ^ (uint64_t)address->family) * 0xbf58476d1ce4e5b9U;
    return &table->buckets[(hash >> 40) % BUCKETS];
}

static struct pin *find(struct pin_table *table, const struct ip_address *address)
{
    for (struct pin *pin = *bucket_of(table, address); pin != NULL; pin = pin->next) {
        if (ip_address_equals(&pin->address, address)) {
            return pin;
        }
    }
    return NULL;
}

static void drop_expired(struct pin *pin, uint64_t now_ms)
{
    struct pinned_name **link = &pin->names;

    while (*link != NULL) {
        struct pinned_name *name = *link;

        if (name->expires_ms <= now_ms) {
            *link = name->next;
            free(name);
        } else {
            link = &name->next;
        }
    }
}

/* Frees what has expired everywhere: only when the table is full. */
static void sweep(struct pin_table *table, uint64_t now_ms)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct pin **link = &table->buckets[i];

        while (*link != NULL) {
            struct pin *pin = *link;

            drop_expired(pin, now_ms);
            if (pin->names == NULL) {
                *link = pin->next;
                free(pin);
                table->count--;
            } else {
                link = &pin->next;
            }
        }
    }
}

static struct pin *find_or_add(struct pin_table *table, const struct ip_address *address,
                               uint64_t now_ms)
{
    struct pin *pin = find(table, address);
    struct pin **bucket;

    if (pin != NULL) {
        return pin;
    }
    if (table->count >= PIN_ADDRESSES_MAX) {
        sweep(table, now_ms);
    }
    if (table->count >= PIN_ADDRESSES_MAX) {
        errno = ENOSPC;
        return NULL;
    }
    pin = calloc(1, sizeof(*pin));
    if (pin == NULL) {
        return NULL;
    }
    bucket = bucket_of(table, address);
    pin->address = *address;
    pin->next = *bucket;
    *bucket = pin;
    table->count++;
    return pin;
}

static struct pinned_name *find_name(struct pin *pin, struct str_view name, size_t *ret_count)
{
    *ret_count = 0;
    for (struct pinned_name *known = pin->names; known != NULL; known = known->next) {
        (*ret_count)++;
        if (str_view_equals((struct str_view){known->text, known->length}, name)) {
            return known;
        }
    }
    return NULL;
}

static void drop_earliest(struct pin *pin)
{
    struct pinned_name **earliest = &pin->names;

    for (struct pinned_name **link = &pin->names; *link != NULL; link = &(*link)->next) {
        if ((*link)->expires_ms < (*earliest)->expires_ms) {
            earliest = link;
        }
    }
    if (*earliest != NULL) {
        struct pinned_name *dropped = *earliest;

        *earliest = dropped->next;
        free(dropped);
    }
}

int pin_table_add(struct pin_table *table, const struct ip_address *address, struct str_view name,
                  uint64_t now_ms, uint64_t expires_ms)
{
    struct pinned_name *known;
    struct pin *pin;
    size_t count;

    if (name.length == 0 || name.length > PIN_NAME_BYTES) {
        return -EINVAL;
    }
    pin = find_or_add(table, address, now_ms);
    if (pin == NULL) {
        return errno == ENOSPC ? -ENOSPC : -ENOMEM;
    }
    known = find_name(pin, name, &count);
    if (known != NULL) {
        known->expires_ms = known->expires_ms > expires_ms ? known->expires_ms : expires_ms;
        return 0;
    }
    known = malloc(sizeof(*known) + name.length);
    if (known == NULL) {
        return -ENOMEM;
    }
    if (count >= PIN_NAMES_MAX) {
        drop_earliest(pin);
    }
    known->expires_ms = expires_ms;
    known->length = name.length;
    memcpy(known->text, name.bytes, name.length);
    known->next = pin->names;
    pin->names = known;
    return 0;
}

size_t pin_table_names(struct pin_table *table, const struct ip_address *address, uint64_t now_ms,
                       struct str_view *ret_names, size_t room)
{
    struct pin *pin = find(table, address);
    size_t count = 0;

    if (pin == NULL) {
        return 0;
    }
    for (struct pinned_name *name = pin->names; name != NULL && count < room; name = name->next) {
        if (name->expires_ms > now_ms) {
            ret_names[count++] = (struct str_view){name->text, name->length};
        }
    }
    return count;
}

size_t pin_table_count(const struct pin_table *table)
{
    return table->count;
}
