#include "fusefs/open_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "fusefs/directory_stream.h"

#define FILES_MAX (1u << 20)

void open_file_table_init(struct open_file_table *table)
{
    *table = (struct open_file_table){0};
    pthread_rwlock_init(&table->lock, NULL);
}

static void open_file_free(struct open_file *file)
{
    directory_stream_free(file->stream);
    descriptor_unref(file->listing);
    descriptor_unref(file->descriptor);
    free(file);
}

void open_file_table_clear(struct open_file_table *table)
{
    for (uint32_t i = 0; i < table->slot_count; i++) {
        if (table->slots[i] != NULL) {
            open_file_free(table->slots[i]);
        }
    }
    free(table->slots);
    free(table->generations);
    free(table->free_slots);
    pthread_rwlock_destroy(&table->lock);
    *table = (struct open_file_table){0};
}

static int grow(struct open_file_table *table)
{
    uint32_t count = table->slot_count == 0 ? 64 : table->slot_count * 2;
    struct open_file **slots;
    uint32_t *generations;
    uint32_t *free_slots;

    if (count > FILES_MAX) {
        return -ENFILE;
    }
    slots = realloc(table->slots, count * sizeof(struct open_file *));
    if (slots != NULL) {
        table->slots = slots;
    }
    generations = realloc(table->generations, count * sizeof(uint32_t));
    if (generations != NULL) {
        table->generations = generations;
    }
    free_slots = realloc(table->free_slots, count * sizeof(uint32_t));
    if (free_slots != NULL) {
        table->free_slots = free_slots;
    }
    if (slots == NULL || generations == NULL || free_slots == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = count; i-- > table->slot_count;) {
        slots[i] = NULL;
        generations[i] = 1;
        free_slots[table->free_count++] = i;
    }
    table->slot_count = count;
    return 0;
}

int open_file_add(struct open_file_table *table, const struct open_file *file,
                  struct open_file **ret_file)
{
    struct open_file *added = malloc(sizeof(*added));
    uint32_t slot;
    int r = 0;

    if (added == NULL) {
        return -ENOMEM;
    }
    *added = *file;
    atomic_init(&added->references, 2); /* the table's and the caller's */
    pthread_rwlock_wrlock(&table->lock);
    if (table->free_count == 0) {
        r = grow(table);
    }
    if (r == 0) {
        slot = table->free_slots[--table->free_count];
        added->handle = (uint64_t)table->generations[slot] << 32 | slot;
        added->next = added->node->files;
        added->node->files = added;
        table->slots[slot] = added;
    }
    pthread_rwlock_unlock(&table->lock);
    if (r < 0) {
        free(added);
        return r;
    }
    *ret_file = added;
    return 0;
}

static struct open_file *find(struct open_file_table *table, uint64_t handle)
{
    uint32_t slot = (uint32_t)handle;

    return slot < table->slot_count && table->slots[slot] != NULL &&
                   table->slots[slot]->handle == handle
               ? table->slots[slot]
               : NULL;
}

struct open_file *open_file_get(struct open_file_table *table, uint64_t handle)
{
    struct open_file *file;

    pthread_rwlock_rdlock(&table->lock);
    file = find(table, handle);
    if (file != NULL) {
        atomic_fetch_add(&file->references, 1);
    }
    pthread_rwlock_unlock(&table->lock);
    return file;
}

void open_file_put(struct open_file_table *table, struct open_file *file)
{
    (void)table;
    if (file != NULL && atomic_fetch_sub(&file->references, 1) == 1) {
        open_file_free(file);
    }
}

struct open_file *open_file_remove(struct open_file_table *table, uint64_t handle)
{
    struct open_file *file;

    pthread_rwlock_wrlock(&table->lock);
    file = find(table, handle);
    if (file != NULL) {
        uint32_t slot = (uint32_t)handle;
        struct open_file **at = &file->node->files;

        while (*at != file) {
            at = &(*at)->next;
        }
        *at = file->next;
        table->slots[slot] = NULL;
        table->generations[slot]++;
        table->free_slots[table->free_count++] = slot;
    }
    pthread_rwlock_unlock(&table->lock);
    return file;
}

bool open_file_is_written(struct open_file_table *table, const struct node *node)
{
    bool written = false;

    pthread_rwlock_rdlock(&table->lock);
    for (const struct open_file *file = node->files; file != NULL && !written; file = file->next) {
        written = (file->flags & O_ACCMODE) != O_RDONLY;
    }
    pthread_rwlock_unlock(&table->lock);
    return written;
}

struct descriptor *open_file_descriptor_of(struct open_file_table *table, const struct node *node)
{
    struct descriptor *descriptor = NULL;

    pthread_rwlock_rdlock(&table->lock);
    if (node->files != NULL) {
        descriptor = descriptor_ref(node->files->descriptor);
    }
    pthread_rwlock_unlock(&table->lock);
    return descriptor;
}

unsigned int open_file_count_carried(struct open_file_table *table, const struct node *node,
                                     struct tree *tree,
                                     bool (*permits)(struct tree *tree, const struct node *node,
                                                     unsigned int needs))
{
    unsigned int needs[64];
    unsigned int found = 0;
    unsigned int refused = 0;

    pthread_rwlock_rdlock(&table->lock);
    for (const struct open_file *file = node->files; file != NULL; file = file->next) {
        if (file->carried && found < sizeof(needs) / sizeof(needs[0])) {
            needs[found++] = file->needs;
        }
    }
    pthread_rwlock_unlock(&table->lock);
    for (unsigned int i = 0; i < found; i++) {
        refused += !permits(tree, node, needs[i]);
    }
    return refused;
}
