#include "shared/audit/line_stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "shared/audit/record_hash.h"

#define BLOCKS_MAX (2U * LINE_STREAM_THREADS_MAX + 1)

struct line_stream {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread[LINE_STREAM_THREADS_MAX];
    unsigned int thread_count;
    struct line_block block[BLOCKS_MAX]; /* a circle */
    unsigned int block_count;
    uint64_t next_read; /* blocks of this file that reading was begun of */
    uint64_t next_taken;
    struct segment_file *file;
    bool reading;
    bool ended; /* of the file everything is read */
    bool quitting;
};

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

static void judge_line(struct line_block *block, struct str_view text,
                       const uint8_t hash[static SHA256_SIZE], struct segment_sight *sight)
{
    struct segment_line *line = next_line(block);

    if (line == NULL) {
        block->error = -ENOMEM;
    } else if (segment_line_judge(text, hash, sight, line, &block->why) == 0) {
        block->count++;
    }
}

/* By twos, as their hashes are made. A last line without a partner has none beside it. */
static void judge(struct line_block *block)
{
    struct str_view rest = {.bytes = block->text, .length = block->length};
    struct segment_sight sight = {0};
    struct str_view text[2];

    while (block->why == NULL && block->error == 0 && segment_take_line(&rest, &text[0])) {
        uint8_t hash[2][SHA256_SIZE];
        bool has_second = segment_take_line(&rest, &text[1]);

        text[1] = has_second ? text[1] : STR_VIEW_LITERAL("");
        block->error = record_hash_two(text, block->sha, hash);
        for (unsigned int i = 0; i < (has_second ? 2U : 1U); i++) {
            if (block->why == NULL && block->error == 0) {
                judge_line(block, text[i], hash[i], &sight);
            }
        }
    }
    block->torn = block->why == NULL && block->error == 0 ? rest.length : 0;
}

static struct line_block *block_at(struct line_stream *stream, uint64_t number)
{
    return &stream->block[number % stream->block_count];
}

/* The first block that waits to be judged. */
static struct line_block *find_read(struct line_stream *stream)
{
    for (uint64_t i = stream->next_taken; i < stream->next_read; i++) {
        if (block_at(stream, i)->state == BLOCK_READ) {
            return block_at(stream, i);
        }
    }
    return NULL;
}

/* The lock is let go meanwhile. */
static void read_block(struct line_stream *stream)
{
    struct line_block *block = block_at(stream, stream->next_read++);
    int64_t length;

    block->state = BLOCK_READING;
    stream->reading = true;
    pthread_mutex_unlock(&stream->lock);
    length = segment_file_next(stream->file, block->text);
    pthread_mutex_lock(&stream->lock);
    stream->reading = false;
    block->length = length < 0 ? 0 : (size_t)length;
    block->error = length < 0 ? (int)length : 0;
    block->why = NULL;
    block->count = 0;
    block->torn = 0;
    block->state = length > 0 ? BLOCK_READ : BLOCK_JUDGED;
    stream->ended |= length <= 0;
    pthread_cond_broadcast(&stream->changed);
}

static void judge_block(struct line_stream *stream, struct line_block *block)
{
    block->state = BLOCK_JUDGING;
    pthread_mutex_unlock(&stream->lock);
    judge(block);
    pthread_mutex_lock(&stream->lock);
    block->state = BLOCK_JUDGED;
    pthread_cond_broadcast(&stream->changed);
}

/* One job, or waiting for one. Under the lock. */
static void work(struct line_stream *stream)
{
    struct line_block *block = find_read(stream);

    if (block != NULL) {
        judge_block(stream, block);
    } else if (stream->file != NULL && !stream->reading && !stream->ended &&
               block_at(stream, stream->next_read)->state == BLOCK_FREE) {
        read_block(stream);
    } else {
        pthread_cond_wait(&stream->changed, &stream->lock);
    }
}

static void *run(void *argument)
{
    struct line_stream *stream = argument;

    pthread_mutex_lock(&stream->lock);
    while (!stream->quitting) {
        work(stream);
    }
    pthread_mutex_unlock(&stream->lock);
    return NULL;
}

int line_stream_new(unsigned int threads, struct line_stream **ret_stream)
{
    struct line_stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL) {
        return -ENOMEM;
    }
    threads = threads > LINE_STREAM_THREADS_MAX ? LINE_STREAM_THREADS_MAX : threads;
    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->changed, NULL);
    stream->block_count = 2 * threads + 1;
    for (unsigned int i = 0; i < stream->block_count; i++) {
        stream->block[i].text = malloc(SEGMENT_BLOCK_BYTES);
        stream->block[i].sha = sha256_new();
        if (stream->block[i].text == NULL || stream->block[i].sha == NULL) {
            line_stream_free(stream);
            return -ENOMEM;
        }
    }
    while (stream->thread_count + 1 < threads &&
           pthread_create(&stream->thread[stream->thread_count], NULL, run, stream) == 0) {
        stream->thread_count++;
    }
    *ret_stream = stream;
    return 0;
}

void line_stream_free(struct line_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    pthread_mutex_lock(&stream->lock);
    stream->quitting = true;
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->lock);
    for (unsigned int i = 0; i < stream->thread_count; i++) {
        pthread_join(stream->thread[i], NULL);
    }
    for (unsigned int i = 0; i < stream->block_count; i++) {
        free(stream->block[i].text);
        free(stream->block[i].line);
        sha256_free(stream->block[i].sha);
    }
    pthread_cond_destroy(&stream->changed);
    pthread_mutex_destroy(&stream->lock);
    free(stream);
}

void line_stream_begin(struct line_stream *stream, struct segment_file *file)
{
    pthread_mutex_lock(&stream->lock);
    stream->next_read = stream->next_taken = 0;
    stream->ended = false;
    stream->file = file;
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->lock);
}

/* The block before was given to the caller; now it is free again. */
static void give_back(struct line_stream *stream)
{
    if (stream->next_taken > 0) {
        block_at(stream, stream->next_taken - 1)->state = BLOCK_FREE;
        pthread_cond_broadcast(&stream->changed);
    }
}

const struct line_block *line_stream_next(struct line_stream *stream)
{
    struct line_block *block = NULL;

    pthread_mutex_lock(&stream->lock);
    give_back(stream);
    while (!stream->ended || stream->next_taken < stream->next_read) {
        struct line_block *next = block_at(stream, stream->next_taken);

        if (stream->next_taken < stream->next_read && next->state == BLOCK_JUDGED) {
            stream->next_taken++;
            block = next;
            if (block->length > 0 || block->error < 0) {
                break;
            }
            block = NULL; /* the end of the file */
            next->state = BLOCK_FREE;
            continue;
        }
        work(stream);
    }
    pthread_mutex_unlock(&stream->lock);
    return block;
}

void line_stream_end(struct line_stream *stream)
{
    bool busy = true;

    pthread_mutex_lock(&stream->lock);
    stream->ended = true;
    while (busy) {
        busy = stream->reading;
        for (unsigned int i = 0; i < stream->block_count; i++) {
            busy |= stream->block[i].state == BLOCK_JUDGING;
        }
        if (busy) {
            pthread_cond_wait(&stream->changed, &stream->lock);
        }
    }
    for (unsigned int i = 0; i < stream->block_count; i++) {
        stream->block[i].state = BLOCK_FREE;
    }
    stream->file = NULL;
    stream->next_read = stream->next_taken = 0;
    pthread_mutex_unlock(&stream->lock);
}
