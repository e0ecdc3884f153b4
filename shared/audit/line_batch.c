#include "shared/audit/line_batch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

int line_batch_init(struct line_batch *batch, unsigned int width)
{
    *batch = (struct line_batch){.width = width > LINE_BATCH_MAX ? LINE_BATCH_MAX : width};
    for (unsigned int i = 0; i < batch->width; i++) {
        batch->block[i].text = malloc(SEGMENT_BLOCK_BYTES);
        batch->block[i].sha = sha256_new();
        if (batch->block[i].text == NULL || batch->block[i].sha == NULL) {
            line_batch_clear(batch);
            return -ENOMEM;
        }
    }
    return 0;
}

void line_batch_clear(struct line_batch *batch)
{
    for (unsigned int i = 0; i < batch->width; i++) {
        free(batch->block[i].text);
        free(batch->block[i].line);
        sha256_free(batch->block[i].sha);
    }
    *batch = (struct line_batch){0};
}

static struct segment_line *next_line(struct line_block *block)
{
    if (block->count == block->room) {
        size_t room = block->room == 0 ? 4096 : block->room * 2;
        struct segment_line *grown = realloc(block->line, room * sizeof(*grown));

        if (grown == NULL) {
            return NULL;
        }
        block->line = grown;
        block->room = room;
    }
    return &block->line[block->count];
}

static void *read_block(void *argument)
{
    struct line_block *block = argument;
    struct str_view rest = {.bytes = block->text, .length = block->length};
    struct str_view text;

    block->count = 0;
    block->why = NULL;
    block->error = 0;
    while (segment_take_line(&rest, &text)) {
        struct segment_line *line = next_line(block);

        if (line == NULL) {
            block->error = -ENOMEM;
            return NULL;
        }
        if (segment_line_read(text, block->sha, line, &block->why) < 0) {
            return NULL;
        }
        block->count++;
    }
    block->torn = rest.length;
    return NULL;
}

/* The last block is read by the calling thread; a thread that cannot be made is done without. */
void line_batch_read(struct line_batch *batch, unsigned int count)
{
    pthread_t thread[LINE_BATCH_MAX];
    bool started[LINE_BATCH_MAX] = {false};

    for (unsigned int i = 0; i + 1 < count; i++) {
        started[i] = pthread_create(&thread[i], NULL, read_block, &batch->block[i]) == 0;
    }
    if (count > 0) {
        read_block(&batch->block[count - 1]);
    }
    for (unsigned int i = 0; i + 1 < count; i++) {
        if (started[i]) {
            pthread_join(thread[i], NULL);
        } else {
            read_block(&batch->block[i]);
        }
    }
}
