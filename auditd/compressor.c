#include "auditd/compressor.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "shared/audit/segment_file.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define QUEUE_MAX 1024U /* more wait for the next start */
#define LEVEL     3

struct compressor {
    int log;
    pthread_mutex_t lock;
    pthread_mutex_t placing; /* held while names in log/ change */
    pthread_cond_t wake;
    pthread_t thread;
    bool has_thread;
    bool ending;
    uint64_t queue[QUEUE_MAX];
    unsigned int first;
    unsigned int count;
};

static int compress_stream(int from, int to)
{
    AUTO_FREE char *in = malloc(ZSTD_CStreamInSize());
    AUTO_FREE char *out = malloc(ZSTD_CStreamOutSize());
    ZSTD_CCtx *context = ZSTD_createCCtx();
    int error = in == NULL || out == NULL || context == NULL ? -ENOMEM : 0;
    bool ended = false;

    if (error == 0) {
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    }
    while (error == 0 && !ended) {
        ssize_t got = read_upto(from, in, ZSTD_CStreamInSize());
        ZSTD_inBuffer input = {.src = in, .size = got < 0 ? 0 : (size_t)got};
        size_t left = 1;

        error = got < 0 ? (int)got : 0;
        ended = got >= 0 && (size_t)got < ZSTD_CStreamInSize();
        while (error == 0 && (input.pos < input.size || (ended && left != 0))) {
            ZSTD_outBuffer output = {.dst = out, .size = ZSTD_CStreamOutSize()};

            left = ZSTD_compressStream2(context, &output, &input,
                                        ended ? ZSTD_e_end : ZSTD_e_continue);
            error = ZSTD_isError(left) ? -EIO : write_all(to, out, output.pos);
        }
    }
    ZSTD_freeCCtx(context);
    return error;
}

/* Takes the plain form's place, unless that was pruned meanwhile: what is gone stays gone. */
static int put_in_place(struct compressor *compressor, int plain, const char *temporary,
                        const char *packed)
{
    struct stat status;
    int error = 0;

    pthread_mutex_lock(&compressor->placing);
    if (fstat(plain, &status) < 0 || status.st_nlink == 0) {
        error = -ESTALE;
    } else if (renameat(compressor->log, temporary, compressor->log, packed) < 0) {
        error = -errno;
    }
    pthread_mutex_unlock(&compressor->placing);
    return error;
}

static void compress_segment(struct compressor *compressor, uint64_t first_seq)
{
    int log = compressor->log;
    const struct segment_entry plain = {.first_seq = first_seq};
    const struct segment_entry packed = {.first_seq = first_seq, .is_compressed = true};
    AUTO_CLOSE int from = -1;
    AUTO_CLOSE int to = -1;
    char plain_name[SEGMENT_NAME_MAX];
    char packed_name[SEGMENT_NAME_MAX];
    char temporary[SEGMENT_NAME_MAX + 4];

    segment_name_format(&plain, plain_name);
    segment_name_format(&packed, packed_name);
    snprintf(temporary, sizeof(temporary), "%s.new", packed_name);
    from = openat(log, plain_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    to = openat(log, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (from < 0 || to < 0 || compress_stream(from, to) < 0 || fsync(to) < 0 ||
        put_in_place(compressor, from, temporary, packed_name) < 0) {
        unlinkat(log, temporary, 0);
        return;
    }
    if (fsync(log) == 0) {
        unlinkat(log, plain_name, 0);
    }
}

static void *run(void *argument)
{
    struct compressor *compressor = argument;

    /* Packing can wait; who is recorded cannot. Of a thread, on Linux. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
    pthread_mutex_lock(&compressor->lock);
    while (!compressor->ending) {
        uint64_t first_seq;

        if (compressor->count == 0) {
            pthread_cond_wait(&compressor->wake, &compressor->lock);
            continue;
        }
        first_seq = compressor->queue[compressor->first];
        compressor->first = (compressor->first + 1) % QUEUE_MAX;
        compressor->count--;
        pthread_mutex_unlock(&compressor->lock);
        compress_segment(compressor, first_seq);
        pthread_mutex_lock(&compressor->lock);
    }
    pthread_mutex_unlock(&compressor->lock);
    return NULL;
}

struct compressor *compressor_new(int log)
{
    struct compressor *compressor = calloc(1, sizeof(*compressor));

    if (compressor == NULL) {
        return NULL;
    }
    compressor->log = log;
    pthread_mutex_init(&compressor->lock, NULL);
    pthread_mutex_init(&compressor->placing, NULL);
    pthread_cond_init(&compressor->wake, NULL);
    return compressor;
}

void compressor_free(struct compressor *compressor)
{
    if (compressor == NULL) {
        return;
    }
    pthread_mutex_lock(&compressor->lock);
    compressor->ending = true;
    pthread_cond_signal(&compressor->wake);
    pthread_mutex_unlock(&compressor->lock);
    if (compressor->has_thread) {
        pthread_join(compressor->thread, NULL);
    }
    pthread_cond_destroy(&compressor->wake);
    pthread_mutex_destroy(&compressor->placing);
    pthread_mutex_destroy(&compressor->lock);
    free(compressor);
}

void compressor_pause(struct compressor *compressor)
{
    pthread_mutex_lock(&compressor->placing);
}

void compressor_resume(struct compressor *compressor)
{
    pthread_mutex_unlock(&compressor->placing);
}

/* The thread is made with the first segment: a short log never needs one. */
void compressor_add(struct compressor *compressor, uint64_t first_seq)
{
    pthread_mutex_lock(&compressor->lock);
    if (compressor->count < QUEUE_MAX) {
        compressor->queue[(compressor->first + compressor->count++) % QUEUE_MAX] = first_seq;
    }
    if (!compressor->has_thread) {
        compressor->has_thread = pthread_create(&compressor->thread, NULL, run, compressor) == 0;
    }
    pthread_cond_signal(&compressor->wake);
    pthread_mutex_unlock(&compressor->lock);
}
