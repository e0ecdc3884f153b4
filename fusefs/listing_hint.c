#include "fusefs/listing_hint.h"

#include "fusefs/node_table.h"

#define LOOKS     3 /* at files of one listing that was names alone */
#define WANTED_NS 1000000000u

static bool is_wanted(const struct listing_hint *hint, uint64_t now_ns)
{
    return now_ns < atomic_load_explicit(&hint->wanted_until_ns, memory_order_relaxed);
}

bool listing_hint_begin(struct listing_hint *hint, struct node *directory, uint64_t now_ns)
{
    bool wanted = is_wanted(hint, now_ns);

    atomic_store(&directory->looks_left, wanted ? 0 : LOOKS);
    return wanted;
}

void listing_hint_looked(struct listing_hint *hint, struct node *directory, uint64_t now_ns)
{
    int left = atomic_load_explicit(&directory->looks_left, memory_order_relaxed);

    if (left > 0 && atomic_compare_exchange_strong(&directory->looks_left, &left, left - 1) &&
        left == 1) {
        atomic_store(&hint->wanted_until_ns, now_ns + WANTED_NS);
        atomic_store(&directory->looks_left, LOOKS);
    }
}

void listing_hint_ended(struct node *directory)
{
    atomic_store(&directory->listed, true);
}

bool listing_hint_kept(const struct listing_hint *hint, const struct node *directory,
                       uint64_t now_ns)
{
    return atomic_load(&directory->listed) &&
           (atomic_load(&directory->looks_left) == 0 || !is_wanted(hint, now_ns));
}
