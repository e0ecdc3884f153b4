#include "shared/policy/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_SIZE ((size_t)32 << 10)
#define ARENA_ALIGNMENT  alignof(max_align_t)

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char bytes[];
};

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;
    void *given;

    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    if (block == NULL || size > block->size - block->used) {
        size_t room = size > ARENA_BLOCK_SIZE / 4 ? size : ARENA_BLOCK_SIZE;
        struct arena_block *fresh = calloc(1, sizeof(*fresh) + room);

        if (fresh == NULL) {
            return NULL;
        }
        fresh->size = room;
        arena->total += sizeof(*fresh) + room;
        if (block != NULL && room == size) {
            /* A large object has a block of its own; the open block stays in front. */
            fresh->next = block->next;
            block->next = fresh;
        } else {
            fresh->next = block;
            arena->blocks = fresh;
        }
        block = fresh;
    }
    given = block->bytes + block->used;
    block->used += size;
    return given;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    return arena_alloc(arena, total == 0 ? 1 : total);
}

struct str_view arena_copy(struct arena *arena, struct str_view text)
{
    char *copy;

    if (text.bytes == NULL) {
        return (struct str_view){0};
    }
    copy = arena_alloc(arena, text.length + 1);
    if (copy == NULL) {
        return (struct str_view){0};
    }
    if (text.length > 0) {
        memcpy(copy, text.bytes, text.length);
    }
    return (struct str_view){.bytes = copy, .length = text.length};
}

void *arena_grow(struct arena *arena, void *members, size_t count, size_t *capacity, size_t size)
{
    size_t wanted = *capacity == 0 ? 4 : *capacity * 2;
    void *larger;

    if (count < *capacity) {
        return members;
    }
    larger = arena_alloc_array(arena, wanted, size);
    if (larger == NULL) {
        return NULL;
    }
    if (count > 0) {
        memcpy(larger, members, count * size);
    }
    *capacity = wanted;
    return larger;
}

void arena_clear(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *next = arena->blocks->next;

        free(arena->blocks);
        arena->blocks = next;
    }
    arena->total = 0;
}
