#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "auditd/writer.h"
#include "shared/base/cleanup.h"
#include "shared/base/monotonic.h"
#include "shared/base/text_buffer.h"

#define CHECKPOINT_MS      1000U
#define CHECKPOINT_RECORDS 65536U
#define RETRY_MS           100U
#define LEDGER_ROWS        1000U /* in one record */

void housekeeping_on_line(void *context, const struct segment_line *line)
{
    struct server *server = context;
    const char *why;

    (void)producer_book_add(&server->book, line, true, &why);
    if (line->kind == AUDIT_KIND_DECISION) {
        ticket_table_put(server->drain.tickets, line->producer, line->pseq, line->seq);
    }
    if (line->kind == AUDIT_KIND_LEDGER) {
        struct str_view next = segment_line_member(line, "call", "next_producer");
        uint64_t number = 0;

        for (size_t i = 0; i < next.length && i < 19; i++) {
            number = number * 10 + (uint64_t)(next.bytes[i] - '0');
        }
        if (number > server->next_producer) {
            server->next_producer = number;
        }
    }
    if (line->producer >= server->next_producer) {
        server->next_producer = line->producer + 1;
    }
}

struct ledger {
    struct server *server;
    struct text_buffer rows;
    unsigned int count;
};

static int ledger_publish(struct ledger *ledger)
{
    AUTO(text_buffer_clear) struct text_buffer members = {0};
    int error;

    text_buffer_printf(&members, "\"next_producer\":%" PRIu64 ",\"producers\":[",
                       ledger->server->next_producer);
    text_buffer_append(&members, text_buffer_view(&ledger->rows));
    text_buffer_append_char(&members, ']');
    error = text_buffer_error(&members) < 0
                ? -ENOMEM
                : drain_own_record(&ledger->server->drain, AUDIT_KIND_LEDGER, "ledger",
                                   text_buffer_view(&members));
    text_buffer_reset(&ledger->rows);
    ledger->count = 0;
    return error;
}

static int ledger_add(struct ledger *ledger, uint64_t producer, uint64_t next_pseq)
{
    text_buffer_printf(&ledger->rows, "%s[%" PRIu64 ",%" PRIu64 "]", ledger->count == 0 ? "" : ",",
                       producer, next_pseq);
    return ++ledger->count == LEDGER_ROWS ? ledger_publish(ledger) : 0;
}

static int ledger_add_link(struct ledger *ledger, const struct link *link)
{
    for (unsigned int r = 0; link->welcomed && r < link->ring_count; r++) {
        int error = link->rings[r].next_pseq == 0
                        ? 0
                        : ledger_add(ledger, link->rings[r].producer, link->rings[r].next_pseq);

        if (error < 0) {
            return error;
        }
    }
    return 0;
}

/* LEDGER records: the next pseq of the producers of `only`, or of all (NULL). */
static int write_ledgers(struct server *server, const struct link *only)
{
    struct ledger ledger = {.server = server};
    int error = 0;

    for (unsigned int i = 0; error == 0 && i < server->link_count; i++) {
        if (only == NULL || only == server->links[i]) {
            error = ledger_add_link(&ledger, server->links[i]);
        }
    }
    if (error == 0 && (ledger.count > 0 || only == NULL)) {
        error = ledger_publish(&ledger);
    }
    text_buffer_clear(&ledger.rows);
    return error;
}

int housekeeping_farewell(struct server *server, struct link *link)
{
    int error;

    if (link->ledger_said && link->ledger_bytes == link->bytes) { /* nothing came after it */
        return 0;
    }
    error = write_ledgers(server, link);
    link->ledger_said = error == 0;
    link->ledger_bytes = link->bytes;
    return error;
}

/* It has said all that it will say, and all of it is taken. */
static bool takes_its_leave(const struct link *link)
{
    for (unsigned int r = 0; link->welcomed && r < link->ring_count; r++) {
        const struct ring_consumer *ring = &link->rings[r].ring;

        if (atomic_load(&ring->head->leaving) == 0 ||
            atomic_load(&ring->head->published) != ring->position) {
            return false;
        }
    }
    return link->welcomed && !link->ledger_said;
}

/* So that what is signed for who leaves is all that there will be of them. Where there is no room
 * for it now, it is said when they have gone. */
static void say_farewells(struct server *server)
{
    for (unsigned int i = 0; i < server->link_count; i++) {
        if (takes_its_leave(server->links[i])) {
            (void)housekeeping_farewell(server, server->links[i]);
        }
    }
}

static void set_condition(struct server *server, int error)
{
    atomic_store(&server->state->error, (uint32_t)-error);
    atomic_store(&server->state->condition,
                 error < 0 || server->broken ? WRITER_FAILED : WRITER_OK);
    server->retry_at_ms = monotonic_ms() + RETRY_MS;
}

static bool somebody_leaves(const struct server *server)
{
    for (unsigned int i = 0; i < server->link_count; i++) {
        const struct link *link = server->links[i];

        for (unsigned int r = 0; link->welcomed && r < link->ring_count; r++) {
            const struct ring_consumer *ring = &link->rings[r].ring;

            if (atomic_load_explicit(&ring->head->leaving, memory_order_relaxed) != 0 &&
                atomic_load(&ring->state->durable) != ring->position) {
                return true;
            }
        }
    }
    return false;
}

static bool checkpoint_is_due(const struct server *server)
{
    uint64_t left = log_store_unsigned(server->drain.store);

    return left > 0 && (left >= CHECKPOINT_RECORDS || server->sign_wanted || server->stopping ||
                        monotonic_ms() - server->last_checkpoint_ms >= CHECKPOINT_MS ||
                        somebody_leaves(server));
}

/* An fdatasync(2) that failed is final: the pages may be gone, and nothing would tell again. */
static int make_durable(struct server *server, bool *ret_durable)
{
    int error = 0;

    *ret_durable = false;
    if (checkpoint_is_due(server)) {
        error = log_store_sync(server->drain.store);
        server->broken |= error == -EIO;
        if (error == 0) {
            error = log_store_checkpoint(server->drain.store);
        }
        server->last_checkpoint_ms = monotonic_ms();
        server->sign_wanted = server->sign_wanted && error < 0;
    } else if (server->unsynced && server->drain.sync_wanted) {
        error = log_store_sync(server->drain.store);
        server->broken |= error == -EIO;
    } else {
        return 0;
    }
    if (error == 0) {
        *ret_durable = true;
        server->unsynced = false;
        server->drain.sync_wanted = false;
    }
    return error;
}

static bool rotation_is_due(const struct server *server)
{
    uint64_t bytes = log_store_segment_bytes(server->drain.store);

    return bytes > 0 && (bytes >= server->options.segment_bytes ||
                         monotonic_ms() - server->segment_since_ms >=
                             (uint64_t)server->options.segment_seconds * 1000U);
}

/* ROTATE is the last record of a segment, a LEDGER the first of the next. */
static int rotate(struct server *server)
{
    AUTO(text_buffer_clear) struct text_buffer members = {0};
    int error;

    text_buffer_printf(&members, "\"next\":\"%020" PRIu64 ".jsonl\"",
                       log_store_next_seq(server->drain.store) + 1);
    error =
        drain_own_record(&server->drain, AUDIT_KIND_ROTATE, "rotate", text_buffer_view(&members));
    if (error == 0) {
        error = log_store_write(server->drain.store);
    }
    if (error == 0) {
        error = log_store_checkpoint(server->drain.store);
    }
    if (error == 0) {
        error = log_store_rotate(server->drain.store);
    }
    if (error == 0) {
        server->segment_since_ms = monotonic_ms();
        error = write_ledgers(server, NULL);
    }
    return error;
}

/* The log says what goes before it goes; the hashes stay in the tree. */
static int prune(struct server *server)
{
    AUTO(text_buffer_clear) struct text_buffer members = {0};
    uint64_t first;
    uint64_t before;
    int error = log_store_prune_limit(server->drain.store, server->options.keep_bytes,
                                      server->options.keep_seconds, &first, &before);

    if (error < 0 || before == first) {
        return error;
    }
    text_buffer_printf(&members,
                       "\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"keep_bytes\":\"%" PRIu64
                       "\",\"keep_seconds\":\"%" PRIu64 "\"",
                       first, before - 1, server->options.keep_bytes, server->options.keep_seconds);
    error = drain_own_record(&server->drain, AUDIT_KIND_PRUNE, "prune", text_buffer_view(&members));
    if (error == 0) {
        error = log_store_write(server->drain.store);
    }
    if (error == 0) {
        error = log_store_checkpoint(server->drain.store);
    }
    return error < 0 ? error : log_store_prune(server->drain.store, before);
}

/* One attempt to bring everything to the disk. */
static int store_all(struct server *server, bool *ret_durable)
{
    bool had_pending;
    int error = -EIO;

    say_farewells(server);
    had_pending = log_store_has_pending(server->drain.store);
    if (!server->broken) {
        error = log_store_write(server->drain.store);
    }

    server->unsynced |= error == 0 && had_pending;
    if (error == 0) {
        error = make_durable(server, ret_durable);
    }
    if (error == 0 && rotation_is_due(server)) {
        error = rotate(server);
        if (error == 0) {
            error = prune(server);
        }
    }
    return error;
}

void housekeeping_round(struct server *server)
{
    bool durable = false;
    int error = store_all(server, &durable);
    int refusal;

    if ((error == -ENOSPC || error == -EDQUOT) && reserve_spend(&server->reserve)) {
        error = store_all(server, &durable);
    }
    /* What was promised is written; nothing more is promised before there is a reserve again. */
    refusal = error < 0 ? error : reserve_hold(&server->reserve);
    if (refusal < 0 || atomic_load(&server->state->condition) != WRITER_OK) {
        set_condition(server, refusal);
    }
    if (error == 0) {
        producers_tell(server, durable);
    }
}
