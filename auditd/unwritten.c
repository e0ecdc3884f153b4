#include "auditd/unwritten.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auditd/identity.h"
#include "auditd/writer.h"
#include "shared/audit/checkpoint.h"
#include "shared/audit/state_directory.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/text_buffer.h"

#define NOTE_MAX (1U << 20)

int unwritten_open(const char *origin, struct failure *reterr)
{
    AUTO_CLOSE int keys = -1;
    const char *slash = strrchr(origin, '/');
    char path[PATH_MAX];
    char name[ORIGIN_MAX + 16];
    struct identity before = identity_raise();
    int fd;

    keys = state_directory_open(STATE_KEYS, true, path, reterr);
    if (keys < 0) {
        identity_lower(&before);
        return keys;
    }
    snprintf(name, sizeof(name), "%s.unwritten", slash == NULL ? origin : slash + 1);
    fd = openat(keys, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    identity_lower(&before);
    return fd < 0
               ? failure_set(reterr, -errno, "cannot open %s/%s: %s", path, name, strerror(errno))
               : fd;
}

/* ---- leaving ------------------------------------------------------------------------------- */

/* The pseq behind everything that the producer published, counted or had refused. */
static uint64_t end_of_ring(const struct link_ring *ring)
{
    struct ring_consumer consumer = ring->ring;
    uint64_t next = ring->next_pseq;
    AUTO_FREE uint8_t *buffer = malloc(EVENT_RECORD_MAX);
    struct event_record record;
    int length;

    while (buffer != NULL && (length = ring_consumer_next(&consumer, buffer)) > 0 &&
           event_record_read(buffer, (size_t)length, &record) == 0) {
        next += record.head.pseq >= next ? record.head.count : 0;
    }
    for (unsigned int i = ring->folds_taken; buffer != NULL && i < FOLD_SLOTS; i++) {
        uint32_t fold = ring_consumer_fold(&consumer, i, buffer);

        if (fold > 0 && event_record_read(buffer, fold, &record) == 0 && record.head.pseq >= next) {
            next += record.head.count;
        }
    }
    return ring->loss_taken ? next : next + (uint32_t)atomic_load(&consumer.head->unaccounted);
}

int unwritten_note(const struct server *server)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int error;

    for (unsigned int i = 0; i < server->link_count; i++) {
        const struct link *link = server->links[i];

        for (unsigned int r = 0; link->welcomed && r < link->ring_count; r++) {
            text_buffer_printf(&text, "%" PRIu64 " %" PRIu64 " %s\n", link->rings[r].producer,
                               end_of_ring(&link->rings[r]), link->run);
        }
    }
    error = text_buffer_error(&text);
    if (error == 0) {
        error = write_all(server->unwritten, text.bytes, text.length);
    }
    return error == 0 && fdatasync(server->unwritten) < 0 ? -errno : error;
}

/* ---- coming back --------------------------------------------------------------------------- */

static int record_row(struct server *server, char *row)
{
    char *run;
    uint64_t producer = strtoull(row, &run, 10);
    uint64_t next = strtoull(run, &run, 10);
    uint64_t known = 0;
    int error;

    if (*run++ != ' ' || strlen(run) >= RUN_ID_MAX) {
        return 0; /* torn: the disk was full there too */
    }
    (void)producer_book_find(&server->book, producer, &known);
    if (next <= known || next - known >= UINT32_MAX) {
        return 0; /* it was written after all */
    }
    error = drain_loss_of(&server->drain, producer, known, next - known, str_view_from(run));
    if (error == 0) {
        error = producer_book_set(&server->book, producer, next);
    }
    if (error == 0 && producer >= server->next_producer) {
        server->next_producer = producer + 1;
    }
    return error;
}

int unwritten_record(struct server *server)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO_FREE char *rows = NULL;
    char *rest = NULL;
    int error = read_to_end(server->unwritten, NOTE_MAX, &text);

    if (error < 0 || text.length == 0) {
        return error;
    }
    rows = text_buffer_take(&text);
    for (char *row = strtok_r(rows, "\n", &rest); error == 0 && row != NULL;
         row = strtok_r(NULL, "\n", &rest)) {
        error = record_row(server, row);
    }
    if (error == 0) {
        error = log_store_write(server->drain.store);
    }
    if (error == 0) {
        error = log_store_checkpoint(server->drain.store);
    }
    if (error == 0 && ftruncate(server->unwritten, 0) < 0) {
        error = -errno;
    }
    return error < 0 ? error : lseek(server->unwritten, 0, SEEK_SET) < 0 ? -errno : 0;
}
