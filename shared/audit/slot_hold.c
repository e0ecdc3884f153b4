#include "shared/audit/slot_hold.h"

#include <stdlib.h>

struct slot_holds {
    atomic_uint users; /* the producer, and each thread that has one */
    unsigned int count;
    struct slot_hold hold[];
};

struct slot_holds *slot_holds_new(unsigned int count)
{
    struct slot_holds *holds = calloc(1, sizeof(*holds) + count * sizeof(holds->hold[0]));

    if (holds == NULL) {
        return NULL;
    }
    atomic_init(&holds->users, 1);
    holds->count = count;
    for (unsigned int i = 0; i < count; i++) {
        holds->hold[i].all = holds;
        holds->hold[i].index = i;
    }
    return holds;
}

void slot_holds_leave(struct slot_holds *holds)
{
    if (holds != NULL && atomic_fetch_sub(&holds->users, 1) == 1) {
        free(holds);
    }
}

struct slot_hold *slot_hold_take(struct slot_holds *holds)
{
    for (unsigned int i = 0; i < holds->count; i++) {
        struct slot_hold *hold = &holds->hold[i];

        if (!atomic_load(&hold->taken) && !atomic_exchange(&hold->taken, true)) {
            atomic_fetch_add(&holds->users, 1);
            return hold;
        }
    }
    return NULL;
}

void slot_hold_give_back(void *argument)
{
    struct slot_hold *hold = argument;
    struct slot_holds *holds = hold->all;

    atomic_store(&hold->taken, false);
    slot_holds_leave(holds);
}
