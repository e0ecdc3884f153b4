#include "auditd/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auditd/sign_of_life.h"
#include "auditd/unwritten.h"
#include "auditd/writer.h"
#include "shared/base/cleanup.h"
#include "shared/base/monotonic.h"
#include "shared/base/text_buffer.h"

#define AWAKE_MS    100U  /* after the last record it looks each millisecond for so long, */
#define DROWSY_MS   1000U /* and each DROWSE_MS for so long: events of a busy time wake nobody */
#define DROWSE_MS   10U
#define RETRY_MS    100U  /* after a failed write */
#define SLEEP_MS    1000U /* a wake-up that raced with falling asleep is late by this at most */
#define FIXED_POLLS 3U    /* listener, wake, signals */
#define STEP_NS     1000000000LL
#define LOST_MS     1000U /* as options.give_up_ms, of a directory that no path leads to any more */

static uint64_t realtime_offset_ns(void)
{
    struct timespec mono;
    struct timespec real;

    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &real);
    return ((uint64_t)real.tv_sec - (uint64_t)mono.tv_sec) * 1000000000U + (uint64_t)real.tv_nsec -
           (uint64_t)mono.tv_nsec;
}

/* ---- starting ------------------------------------------------------------------------------- */

static int make_signals(struct server *server)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
        return -errno;
    }
    server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return server->signals < 0 ? -errno : 0;
}

static int record_recovery(struct server *server)
{
    AUTO(text_buffer_clear) struct text_buffer members = {0};
    uint64_t cut = log_store_cut_bytes(server->drain.store);

    if (cut == 0) {
        return 0;
    }
    text_buffer_printf(&members, "\"cut_bytes\":%llu,\"last_seq\":%lld", (unsigned long long)cut,
                       (long long)log_store_next_seq(server->drain.store) - 1);
    return drain_own_record(&server->drain, AUDIT_KIND_RECOVERED, "recovered",
                            text_buffer_view(&members));
}

/* Producers that were tied to the writer before this one. */
static int restore_links(struct server *server)
{
    const struct keeper *keeper = server->options.keeper;

    for (unsigned int i = 0; i < keeper->link_count; i++) {
        int error = producers_restore(server, &keeper->links[i]);

        if (error < 0) {
            return error;
        }
    }
    atomic_store(&server->state->condition, WRITER_OK);
    return 0;
}

int server_new(const struct server_options *options, struct server **ret_server,
               struct failure *reterr)
{
    struct server *server = calloc(1, sizeof(*server));
    int error;

    if (server == NULL) {
        return failure_set(reterr, -ENOMEM, "no memory");
    }
    server->options = *options;
    server->signals = server->unwritten = -1;
    server->reserve.directory = options->directory_fd;
    server->service = options->service;
    server->state = server->service->state;
    server->lines = server->service->lines;
    server->drain.tickets = ticket_table_new();
    error = server->drain.tickets == NULL
                ? failure_set(reterr, -ENOMEM, "no memory")
                : log_store_open(options->directory_fd, housekeeping_on_line, server,
                                 &server->drain.store, reterr);
    if (error < 0) {
        server_free(server);
        return error;
    }
    server->drain.producer = server->next_producer++;
    server->drain.realtime_offset_ns = realtime_offset_ns();
    error = make_signals(server);
    if (error == 0) {
        error = record_recovery(server);
    }
    if (error == 0) {
        server->unwritten = unwritten_open(log_store_origin(server->drain.store), reterr);
        error = server->unwritten < 0 ? server->unwritten : unwritten_record(server);
    }
    if (error == 0) {
        error = restore_links(server);
    }
    if (error < 0) {
        failure_set(reterr, error, "cannot serve the audit directory %s: %s", options->directory,
                    strerror(-error));
        server_free(server);
        return error;
    }
    (void)reserve_hold(
        &server->reserve); /* a disk that is full already: see housekeeping_round() */
    server->last_work_ms = server->last_link_ms = server->last_live_ms =
        server->last_checkpoint_ms = server->segment_since_ms = monotonic_ms();
    *ret_server = server;
    return 0;
}

void server_free(struct server *server)
{
    for (unsigned int i = 0; i < server->link_count; i++) {
        link_free(server->links[i]);
    }
    log_store_free(server->drain.store);
    ticket_table_free(server->drain.tickets);
    producer_book_clear(&server->book);
    (void)reserve_spend(&server->reserve);
    close_fd(&server->unwritten);
    close_fd(&server->signals);
    free(server);
}

/* ---- records -------------------------------------------------------------------------------- */

static void read_clocks(struct server *server)
{
    AUTO(text_buffer_clear) struct text_buffer members = {0};
    uint64_t offset = realtime_offset_ns();
    int64_t step = (int64_t)(offset - server->drain.realtime_offset_ns);

    server->drain.realtime_offset_ns = offset;
    if (step > STEP_NS || step < -STEP_NS) {
        text_buffer_printf(&members, "\"step_ns\":\"%lld\"", (long long)step);
        (void)drain_own_record(&server->drain, AUDIT_KIND_CLOCK_STEP, "clock_step",
                               text_buffer_view(&members));
    }
}

/* The last words of a producer that has gone. 0: all said. */
static int finish_link(struct server *server, struct link *link)
{
    int error = link->welcomed ? drain_leftovers(&server->drain, link) : 0;

    return error == 0 && link->welcomed ? housekeeping_farewell(server, link) : error;
}

/* One link's turn. 1: there was work; 0: none; -EAGAIN: the store is full. */
static int serve_link(struct server *server, struct link *link)
{
    int taken = link->welcomed ? drain_link(&server->drain, link) : 0;

    server->backlog |= taken < 0 || taken >= (int)DRAIN_RING_MAX || (taken > 0 && link->finished);
    if (taken == 0 && link->finished) {
        taken = finish_link(server, link);
    }
    if (taken < 0 && taken != -EAGAIN) {
        producers_condemn(server, link);
        return 1;
    }
    return taken < 0 ? taken : taken > 0;
}

/* One round over all links; true when there was work. */
static bool drain_round(struct server *server)
{
    bool worked = false;

    server->backlog = false;
    if (server->broken || (atomic_load(&server->state->condition) != WRITER_OK &&
                           monotonic_ms() < server->retry_at_ms)) {
        return false;
    }
    read_clocks(server);
    for (unsigned int i = 0; i < server->link_count; i++) {
        int served = serve_link(server, server->links[i]);

        if (served == -EAGAIN) {
            worked = true;
            housekeeping_round(server);
            if (log_store_has_pending(server->drain.store)) {
                return false; /* the disk refuses: later */
            }
            continue; /* it goes on in the next round, where it stopped */
        }
        worked |= served > 0;
    }
    producers_hold_budget(server);
    housekeeping_round(server);
    for (unsigned int i = 0; i < server->link_count;) {
        if (server->links[i]->finished && !log_store_has_pending(server->drain.store) && !worked) {
            producers_forget(server, i);
        } else {
            i++;
        }
    }
    return worked;
}

/* ---- the loop ------------------------------------------------------------------------------- */

/* A round that emptied all rings is followed by a pause: taking each record as it comes would cost
 * its producer a cache line each time, and us a write(2). */
static int poll_timeout_ms(const struct server *server)
{
    uint64_t idle_ms = monotonic_ms() - server->last_work_ms;

    if (server->backlog) {
        return 0;
    }
    if (atomic_load(&server->state->condition) != WRITER_OK) {
        return (int)RETRY_MS;
    }
    if (server->link_count > 0 && idle_ms < DROWSY_MS) {
        return idle_ms < AWAKE_MS ? 1 : (int)DROWSE_MS;
    }
    return server->options.idle_exit_ms < SLEEP_MS ? (int)server->options.idle_exit_ms
                                                   : (int)SLEEP_MS;
}

static void poll_once(struct server *server, int timeout_ms)
{
    struct pollfd polls[FIXED_POLLS + LINKS_MAX];
    unsigned int links = server->link_count;
    uint64_t count;

    polls[0] = (struct pollfd){.fd = server->service->listener, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = server->service->wake, .events = POLLIN};
    polls[2] = (struct pollfd){.fd = server->signals, .events = POLLIN};
    for (unsigned int i = 0; i < links; i++) {
        polls[FIXED_POLLS + i] = (struct pollfd){
            .fd = server->links[i]->finished ? -1 : server->links[i]->socket, .events = POLLIN};
    }
    if (poll(polls, FIXED_POLLS + links, timeout_ms) <= 0) {
        return;
    }
    (void)!read(server->service->wake, &count, sizeof(count));
    server->stopping |= polls[2].revents != 0;
    for (unsigned int i = 0; i < links; i++) {
        if (polls[FIXED_POLLS + i].revents != 0) {
            producers_message(server, server->links[i]);
        }
    }
    if (polls[0].revents != 0) {
        producers_accept(server);
    }
}

static void rest(struct server *server)
{
    int timeout_ms = poll_timeout_ms(server);
    bool sleeps = timeout_ms > (int)DROWSE_MS;

    if (sleeps) {
        atomic_store(&server->state->asleep, 1);
        if (producers_have_work(server) && atomic_load(&server->state->condition) == WRITER_OK) {
            timeout_ms = 0;
        }
    }
    poll_once(server, timeout_ms);
    if (sleeps) {
        atomic_store(&server->state->asleep, 0);
    }
}

/* Somebody may have connected while we were making up our mind; who comes later still is hung up
 * on by the keeper's end and tries again. */
static bool may_leave(struct server *server)
{
    if (server->link_count > 0 || log_store_has_pending(server->drain.store) ||
        (log_store_unsigned(server->drain.store) > 0 && !server->broken)) {
        server->sign_wanted = server->link_count == 0;
        return false;
    }
    if (!server->stopping && monotonic_ms() - server->last_link_ms < server->options.idle_exit_ms) {
        return false;
    }
    producers_accept(server);
    return server->link_count == 0;
}

static bool is_deserted(const struct server *server)
{
    for (unsigned int i = 0; i < server->link_count; i++) {
        if (!server->links[i]->finished) {
            return false;
        }
    }
    return true;
}

/* Was the directory removed, or what it was mounted on? */
static bool directory_is_lost(const struct server *server)
{
    struct stat ours;
    struct stat there;

    if (fstat(server->options.directory_fd, &ours) < 0 || ours.st_nlink == 0) {
        return true;
    }
    if (stat(server->options.directory, &there) < 0) {
        return errno == ENOENT; /* else we may not look, and wait longer */
    }
    return there.st_dev != ours.st_dev || there.st_ino != ours.st_ino;
}

/*
 * Nobody waits for us, and the disk takes nothing: there is an end to that. Soon, when we can write
 * nothing any more whatever the disk does, and it has taken the note of what is unwritten.
 */
static bool must_give_up(struct server *server)
{
    uint64_t now = monotonic_ms();

    if (!is_deserted(server) || atomic_load(&server->state->condition) == WRITER_OK) {
        server->last_live_ms = now;
        return false;
    }
    if (now - server->last_live_ms >= server->options.give_up_ms ||
        (now - server->last_live_ms >= LOST_MS && directory_is_lost(server))) {
        (void)unwritten_note(server); /* where that cannot be written either, nothing can */
        return true;
    }
    return server->broken && unwritten_note(server) == 0;
}

int server_run(struct server *server)
{
    sign_of_life_begin(server);
    for (;;) {
        bool worked = drain_round(server);

        sign_of_life_give(server);

        if (must_give_up(server)) {
            return -EIO;
        }

        if (worked) {
            server->last_work_ms = monotonic_ms();
        }
        if (!worked && may_leave(server)) {
            return log_store_sync(server->drain.store);
        }
        rest(server);
    }
}
