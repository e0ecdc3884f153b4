#include "fusefs/removed_names.h"

#include <string.h>

void removed_names_init(struct removed_names *names)
{
    memset(names, 0, sizeof(*names));
    pthread_mutex_init(&names->lock, NULL);
}

/* Two names that collide are taken for one: a delete more that counts as an overwrite. */
static uint64_t key_of(uint64_t directory, struct str_view name)
{
    uint64_t key = directory * UINT64_C(0x9e3779b97f4a7c15) ^ UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < name.length; i++) {
        key = (key ^ (unsigned char)name.bytes[i]) * UINT64_C(0x100000001b3);
    }
    key ^= key >> 29;
    return key == 0 ? 1 : key;
}

void removed_names_add(struct removed_names *names, uint64_t directory, struct str_view name,
                       const struct breaker_charge *charge)
{
    uint64_t key = key_of(directory, name);

    pthread_mutex_lock(&names->lock);
    names->names[key % REMOVED_NAMES] = (struct removed_name){.key = key, .charge = *charge};
    pthread_mutex_unlock(&names->lock);
}

bool removed_names_has(struct removed_names *names, uint64_t directory, struct str_view name)
{
    uint64_t key = key_of(directory, name);
    bool has;

    pthread_mutex_lock(&names->lock);
    has = names->names[key % REMOVED_NAMES].key == key;
    pthread_mutex_unlock(&names->lock);
    return has;
}

bool removed_names_take(struct removed_names *names, uint64_t directory, struct str_view name,
                        struct breaker_charge *ret_charge)
{
    uint64_t key = key_of(directory, name);
    struct removed_name *place = &names->names[key % REMOVED_NAMES];
    bool has;

    pthread_mutex_lock(&names->lock);
    has = place->key == key;
    if (has) {
        *ret_charge = place->charge;
        place->key = 0;
    }
    pthread_mutex_unlock(&names->lock);
    return has;
}
