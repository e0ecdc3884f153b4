/*
 * A hostile producer's ring: whatever lies in it, the writer takes whole records from a private
 * copy or ends; a record that it takes becomes one sound line.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/audit/event_record.h"
#include "shared/audit/json_members.h"
#include "shared/audit/record_line.h"
#include "shared/audit/record_reader.h"
#include "shared/audit/ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void want(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* As the writer does it: a body that is no JSON ends the producer before a line is made. */
static bool body_is_sound(const struct event_record *record)
{
    struct str_view body = record->text[EVENT_TEXT_BODY];

    return record->head.source != AUDIT_SOURCE_RUN && record->head.source != AUDIT_SOURCE_AUDIT
               ? body.length == 0
               : json_members_are_sound(body);
}

static void write_line(const struct event_record *record, struct sha256 *sha)
{
    static char line[RECORD_LINE_MAX];
    struct record_context context = {.run = STR_VIEW_LITERAL("r")};
    uint8_t hash[SHA256_SIZE];
    int length;

    if (!body_is_sound(record)) {
        return;
    }
    memset(context.previous_hash, '0', sizeof(context.previous_hash) - 1);
    length = record_line_write(record, &context, sha, line, hash);
    if (length > 0) {
        struct str_view text = {.bytes = line, .length = (size_t)length - 1};
        struct audit_record read;

        want(line[length - 1] == '\n' && memchr(line, '\n', text.length) == NULL);
        want(json_object_is_sound(text));
        want(audit_record_read(text, &read, NULL) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static uint8_t buffer[EVENT_RECORD_MAX];
    uint8_t *file = calloc(1, RING_FILE_BYTES);
    struct sha256 *sha = sha256_new();
    struct ring_state state = {0};
    struct ring_consumer ring = {.state = &state};
    struct ring_head head = {0};
    uint64_t start = 0;
    int taken;

    /* First the position and what is said to be published, then the ring's bytes. */
    if (length < 16 || file == NULL || sha == NULL) {
        free(file);
        sha256_free(sha);
        return 0;
    }
    memcpy(&start, bytes, 8);
    memcpy(&head.published, bytes + 8, 8);
    memcpy(file, &head, sizeof(head));
    ring_consumer_map(&ring, file);
    ring.position = start & ~(uint64_t)(EVENT_ALIGNMENT - 1);
    memcpy(file + RING_FILE_BYTES - RING_BYTES, bytes + 16,
           length - 16 > RING_BYTES ? RING_BYTES : length - 16);
    while ((taken = ring_consumer_next(&ring, buffer)) > 0) {
        struct event_record record;

        want(taken <= (int)EVENT_RECORD_MAX);
        if (event_record_read(buffer, (size_t)taken, &record) == 0) {
            write_line(&record, sha);
        }
    }
    free(file);
    sha256_free(sha);
    return 0;
}
