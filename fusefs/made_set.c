#include "fusefs/made_set.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define ROOM_FIRST 1024U

void made_set_init(struct made_set *set)
{
    *set = (struct made_set){.seed = 0x9e3779b97f4a7c15U};
    pthread_mutex_init(&set->lock, NULL);
    /* Nobody can choose inode numbers and birth times to collide; the seed is a second reason. */
    if (getrandom(&set->seed, sizeof(set->seed), GRND_NONBLOCK) < 0) {
        set->seed ^= (uint64_t)time(NULL);
    }
}

void made_set_clear(struct made_set *set)
{
    free(set->places);
    set->places = NULL;
    set->room = 0;
    set->count = 0;
}

static uint64_t mix(uint64_t hash, uint64_t more)
{
    hash = (hash ^ more) * 0xff51afd7ed558ccdU;
    hash = (hash ^ (hash >> 32)) * 0xc4ceb9fe1a85ec53U;
    return hash ^ (hash >> 29);
}

static uint64_t hash_of(const struct made_set *set, const struct node_identity *identity)
{
    uint64_t hash = mix(set->seed, identity->device);

    hash = mix(hash, identity->inode);
    hash = mix(hash, (uint64_t)identity->born_seconds);
    hash = mix(hash, identity->born_nanoseconds);
    return hash == 0 ? 1 : hash;
}

/* Where the hash is, or the free place where it would go. */
static uint32_t place_of(const struct made_set *set, uint64_t hash)
{
    uint32_t place = (uint32_t)hash & (set->room - 1);

    while (set->places[place] != 0 && set->places[place] != hash) {
        place = (place + 1) & (set->room - 1);
    }
    return place;
}

static bool grow(struct made_set *set)
{
    struct made_set larger = *set;

    larger.room = set->room == 0 ? ROOM_FIRST : set->room * 2;
    larger.places = calloc(larger.room, sizeof(*larger.places));
    if (larger.places == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < set->room; i++) {
        if (set->places[i] != 0) {
            larger.places[place_of(&larger, set->places[i])] = set->places[i];
        }
    }
    free(set->places);
    set->places = larger.places;
    set->room = larger.room;
    return true;
}

void made_set_add(struct made_set *set, const struct node_identity *identity)
{
    uint64_t hash = hash_of(set, identity);

    pthread_mutex_lock(&set->lock);
    if (set->count < MADE_SET_MAX && (set->count + 1 <= set->room / 2 || grow(set))) {
        uint32_t place = place_of(set, hash);

        set->count += set->places[place] == 0;
        set->places[place] = hash;
    }
    pthread_mutex_unlock(&set->lock);
}

bool made_set_has(struct made_set *set, const struct node_identity *identity)
{
    uint64_t hash = hash_of(set, identity);
    bool has;

    pthread_mutex_lock(&set->lock);
    has = set->room > 0 && set->places[place_of(set, hash)] == hash;
    pthread_mutex_unlock(&set->lock);
    return has;
}

/* What lies behind a hole would not be found any more: it moves up. */
static void close_hole(struct made_set *set, uint32_t hole)
{
    const uint32_t mask = set->room - 1;

    for (uint32_t at = (hole + 1) & mask; set->places[at] != 0; at = (at + 1) & mask) {
        uint32_t home = (uint32_t)set->places[at] & mask;

        if (((at - home) & mask) >= ((at - hole) & mask)) {
            set->places[hole] = set->places[at];
            hole = at;
        }
    }
    set->places[hole] = 0;
}

void made_set_remove(struct made_set *set, const struct node_identity *identity)
{
    uint64_t hash = hash_of(set, identity);

    pthread_mutex_lock(&set->lock);
    if (set->room > 0) {
        uint32_t place = place_of(set, hash);

        if (set->places[place] == hash) {
            close_hole(set, place);
            set->count--;
        }
    }
    pthread_mutex_unlock(&set->lock);
}
