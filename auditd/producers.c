#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "auditd/writer.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/monotonic.h"
#include "shared/base/text_buffer.h"

static int reserve_lines(struct server *server, unsigned int count, uint32_t *ret_first)
{
    unsigned int free_run = 0;

    for (uint32_t i = 0; i < STATE_LINES; i++) {
        free_run = server->line_used[i] ? 0 : free_run + 1;
        if (free_run == count) {
            *ret_first = i + 1 - count;
            memset(server->line_used + *ret_first, true, count);
            return 0;
        }
    }
    return -ENOBUFS;
}

static void release_lines(struct server *server, const struct link *link)
{
    memset(server->line_used + link->first_line, false, link->ring_count);
}

static bool number_is_taken(const struct server *server, uint64_t producer)
{
    for (unsigned int i = 0; i < server->link_count; i++) {
        const struct link *link = server->links[i];

        for (unsigned int r = 0; link->welcomed && r < link->ring_count; r++) {
            if (link->rings[r].producer == producer) {
                return true;
            }
        }
    }
    return false;
}

/* A ring that had a writer before keeps its number, if the log knows it and nobody else has it. */
static void number_ring(struct server *server, struct link_ring *ring)
{
    uint64_t next_pseq = 0;

    if (ring->claimed != ATTACH_NO_PRODUCER && !number_is_taken(server, ring->claimed) &&
        producer_book_find(&server->book, ring->claimed, &next_pseq)) {
        ring->producer = ring->claimed;
        ring->next_pseq = next_pseq;
        ring->last_mono_ns = server->book.last_mono_ns[ring->claimed];
        ring->replaying = true;
    } else {
        ring->producer = server->next_producer++;
    }
}

static void open_line(struct server *server, struct link *link, unsigned int index)
{
    struct link_ring *ring = &link->rings[index];
    struct ring_state *line = &server->lines[link->first_line + index];

    number_ring(server, ring);
    atomic_store(&line->consumed, ring->ring.position);
    atomic_store(&line->durable, ring->ring.position);
    atomic_store(&line->producer, ring->producer);
    atomic_store(&line->over_budget, 0);
    ring->ring.state = line;
}

/* The keeper has it before the producer is told: nothing published is ever without a holder. */
static int hand_to_keeper(const struct server *server, struct link *link)
{
    int error = keeper_tell_link(server->options.keeper_channel, link->id, link->first_line,
                                 &link->hello, link->socket);

    for (unsigned int i = 0; error == 0 && i < link->ring_count; i++) {
        error = keeper_tell_ring(server->options.keeper_channel, link->id, i, link->rings[i].fd);
        close_fd(&link->rings[i].fd);
    }
    return error;
}

static int say_welcome(const struct server *server, const struct link *link)
{
    const struct attach_welcome message = {
        .magic = ATTACH_MAGIC,
        .version = ATTACH_VERSION,
        .kind = ATTACH_WELCOME,
        .state_bytes = (uint32_t)STATE_BYTES,
        .ring_state_offset =
            (uint32_t)(sizeof(struct writer_state) + link->first_line * sizeof(struct ring_state))};
    const int fds[2] = {server->service->state_file, server->service->wake};
    int error = send_with_fds(link->socket, &message, sizeof(message), fds, 2);

    return error < 0 ? error : keeper_tell_welcomed(server->options.keeper_channel, link->id);
}

int producers_restore(struct server *server, const struct keeper_link *kept)
{
    struct link *link;
    int socket = fcntl(kept->socket, F_DUPFD_CLOEXEC, 0);
    int got = 0;

    link = socket < 0 ? NULL : link_new(socket);
    if (link == NULL) {
        close_fd(&socket);
        return -ENOMEM;
    }
    server->links[server->link_count++] = link;
    link->id = kept->id;
    link->first_line = kept->first_line;
    if (kept->id >= server->next_link_id) {
        server->next_link_id = kept->id + 1;
    }
    got = link_take_hello(link, &kept->hello);
    for (unsigned int i = 0; got == 0 && i < kept->ring_count; i++) {
        const struct ring_state *line = &server->lines[link->first_line + i];
        const struct attach_ring message = {.index = i,
                                            .consumed = atomic_load(&line->consumed),
                                            .producer = atomic_load(&line->producer)};

        got = link_take_ring(link, &message, kept->ring_fd[i]);
    }
    if (got != 1) {
        return got < 0 ? got : -EPROTO;
    }
    memset(server->line_used + link->first_line, true, link->ring_count);
    for (unsigned int i = 0; i < link->ring_count; i++) {
        uint64_t durable = atomic_load(&server->lines[link->first_line + i].durable);

        open_line(server, link, i);
        atomic_store(&server->lines[link->first_line + i].durable, durable);
        close_fd(&link->rings[i].fd);
    }
    link->welcomed = true;
    /* The writer before may have died before it said so, or just after. One that has hung up since
     * is seen by the loop. */
    if (!kept->is_welcomed) {
        (void)say_welcome(server, link);
    }
    return 0;
}

static int welcome(struct server *server, struct link *link)
{
    int error = reserve_lines(server, link->ring_count, &link->first_line);

    if (error < 0) {
        return error;
    }
    for (unsigned int i = 0; i < link->ring_count; i++) {
        open_line(server, link, i);
    }
    error = hand_to_keeper(server, link);
    if (error < 0) {
        return error;
    }
    link->welcomed = true;
    return say_welcome(server, link);
}

void producers_accept(struct server *server)
{
    AUTO_CLOSE int fd =
        accept4(server->service->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ucred peer;
    socklen_t length = sizeof(peer);

    if (fd < 0 || server->link_count == LINKS_MAX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 ||
        (peer.uid != geteuid() && peer.uid != 0)) {
        return;
    }
    server->links[server->link_count] = link_new(fd);
    if (server->links[server->link_count] != NULL) {
        server->links[server->link_count]->id = server->next_link_id++;
        server->link_count++;
        take_fd(&fd);
    }
}

/* Then the log is signed when the last of them leaves, or by the clock. */
static bool run_goes_on(const struct server *server, const struct link *gone)
{
    for (unsigned int i = 0; i < server->link_count; i++) {
        const struct link *link = server->links[i];

        if (link != gone && link->welcomed && !link->finished &&
            strcmp(link->run, gone->run) == 0) {
            return true;
        }
    }
    return false;
}

/* One that took its leave had it all signed. */
static bool left_unsigned(const struct link *link)
{
    for (unsigned int r = 0; link->welcomed && r < link->ring_count; r++) {
        const struct ring_consumer *ring = &link->rings[r].ring;

        if (atomic_load(&ring->head->published) != atomic_load(&ring->state->durable)) {
            return true;
        }
    }
    return false;
}

void producers_message(struct server *server, struct link *link)
{
    int got;

    if (link->finished) {
        return;
    }
    got = link_receive(link);
    if (got == 1) {
        got = welcome(server, link);
    }
    if (got < 0 && got != -EAGAIN) {
        link->finished = true;
        server->sign_wanted |= left_unsigned(link) && !run_goes_on(server, link);
    }
}

void producers_forget(struct server *server, unsigned int index)
{
    struct link *link = server->links[index];

    for (unsigned int r = 0; link->welcomed && r < link->ring_count; r++) {
        const struct link_ring *ring = &link->rings[r];

        if (producer_book_set(&server->book, ring->producer, ring->next_pseq) == 0) {
            server->book.last_mono_ns[ring->producer] = ring->last_mono_ns;
        }
    }
    if (link->welcomed) {
        release_lines(server, link);
    }
    (void)keeper_tell_gone(server->options.keeper_channel, link->id);
    link_free(link);
    server->links[index] = server->links[--server->link_count];
    server->last_link_ms = monotonic_ms();
}

void producers_condemn(struct server *server, struct link *link)
{
    AUTO(text_buffer_clear) struct text_buffer members = {0};

    text_buffer_printf(
        &members, "\"producer_of\":%llu,\"program\":", (unsigned long long)link->rings[0].producer);
    text_buffer_append_json_string(&members, str_view_from(link->program));
    (void)drain_own_record(&server->drain, AUDIT_KIND_LOSS, "producer_corrupt",
                           text_buffer_view(&members));
    release_lines(server, link);
    link->finished = true;
    link->welcomed = false; /* nothing of it is read any more */
    shutdown(link->socket, SHUT_RDWR);
}

static void tell_ring(const struct link_ring *ring, bool durable)
{
    struct ring_state *line = ring->ring.state;
    bool grew = atomic_load(&line->consumed) != ring->ring.position;

    atomic_store(&line->consumed, ring->ring.position);
    if (durable && atomic_load(&line->durable) != ring->ring.position) {
        atomic_store(&line->durable, ring->ring.position);
        grew = true;
    }
    if (grew) {
        atomic_fetch_add(&line->turn, 1);
        if (atomic_load(&ring->ring.head->waiting) != 0) {
            syscall(SYS_futex, &line->turn, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
        }
    }
}

void producers_tell(struct server *server, bool durable)
{
    for (unsigned int i = 0; i < server->link_count; i++) {
        struct link *link = server->links[i];

        for (unsigned int r = 0; link->welcomed && r < link->ring_count; r++) {
            tell_ring(&link->rings[r], durable);
        }
    }
}

bool producers_have_work(const struct server *server)
{
    for (unsigned int i = 0; i < server->link_count; i++) {
        const struct link *link = server->links[i];

        for (unsigned int r = 0; link->welcomed && r < link->ring_count; r++) {
            if (atomic_load(&link->rings[r].ring.head->published) != link->rings[r].ring.position) {
                return true;
            }
        }
    }
    return false;
}

static uint64_t run_bytes(const struct server *server, const char *run)
{
    uint64_t bytes = 0;

    for (unsigned int i = 0; i < server->link_count; i++) {
        if (strcmp(server->links[i]->run, run) == 0) {
            bytes += server->links[i]->bytes;
        }
    }
    return bytes;
}

#define BUDGET_LEAST (64ULL << 20)
#define BUDGET_MOST  (8ULL << 30)

/* One run must not fill the disk for all others: a quarter of what is free. Ring bytes are counted;
 * a line takes about three times as much, and packed a third of them. */
static uint64_t choose_budget(const struct server *server)
{
    struct statvfs status;
    uint64_t bytes;

    if (server->options.run_budget != 0) {
        return server->options.run_budget;
    }
    if (fstatvfs(server->options.directory_fd, &status) < 0) {
        return BUDGET_LEAST;
    }
    bytes = (uint64_t)status.f_bavail * status.f_frsize / 4;
    return bytes < BUDGET_LEAST ? BUDGET_LEAST : bytes > BUDGET_MOST ? BUDGET_MOST : bytes;
}

static void stop_run(struct server *server, const char *run, uint64_t budget)
{
    AUTO(text_buffer_clear) struct text_buffer members = {0};

    for (unsigned int i = 0; i < server->link_count; i++) {
        struct link *link = server->links[i];

        if (strcmp(link->run, run) != 0) {
            continue;
        }
        link->over_budget = true;
        for (unsigned int r = 0; link->welcomed && r < link->ring_count; r++) {
            atomic_store(&link->rings[r].ring.state->over_budget, 1);
        }
    }
    text_buffer_append_text(&members, "\"run_of\":");
    text_buffer_append_json_string(&members, str_view_from(run));
    text_buffer_printf(&members, ",\"budget_bytes\":\"%llu\"", (unsigned long long)budget);
    (void)drain_own_record(&server->drain, AUDIT_KIND_LIMIT, "log_budget",
                           text_buffer_view(&members));
}

void producers_hold_budget(struct server *server)
{
    for (unsigned int i = 0; i < server->link_count; i++) {
        struct link *link = server->links[i];

        if (link->welcomed && link->budget == 0) {
            link->budget = choose_budget(server);
        }
        if (link->welcomed && !link->over_budget && run_bytes(server, link->run) > link->budget) {
            stop_run(server, link->run, link->budget);
        }
    }
}
