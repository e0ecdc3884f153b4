#include "auditd/server.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "auditd/drain.h"
#include "auditd/link.h"
#include "auditd/log_store.h"
#include "shared/audit/directory.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/text_buffer.h"

#define LINKS_MAX   512U
#define STATE_LINES 4096U /* rings of all producers together */
#define STATE_BYTES (sizeof(struct writer_state) + STATE_LINES * sizeof(struct ring_state))
#define AWAKE_MS    100U  /* polls this long after the last record */
#define RETRY_MS    100U  /* after a failed write */
#define SLEEP_MS    1000U /* a wake-up that raced with falling asleep is late by this at most */
#define COMMIT_MS   1000U /* most that is written but not on the disk */
#define FIXED_POLLS 3U    /* listener, wake, signals */

struct server {
    struct server_options options;
    char socket_path[PATH_MAX];
    int listener;
    int wake;
    int signals;
    int state_file;
    struct writer_state *state;
    struct ring_state *lines;
    bool line_used[STATE_LINES];
    struct link *links[LINKS_MAX];
    unsigned int link_count;
    struct drain drain;
    uint64_t next_producer; /* numbers are never given twice in one log */
    uint64_t last_work_ms;
    uint64_t last_link_ms;
    uint64_t last_sync_ms;
    uint64_t retry_at_ms;
    bool unsynced;
    bool stopping;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000U + (uint64_t)now.tv_nsec / 1000000U;
}

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

/* SR28: mapped for writing once, here; from then on nobody can map or write it. */
static int make_state(struct server *server)
{
    AUTO_CLOSE int fd = memfd_create("failcore-writer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *mapped;

    if (fd < 0 || ftruncate(fd, (off_t)STATE_BYTES) < 0) {
        return -errno;
    }
    mapped = mmap(NULL, STATE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        return -errno;
    }
    server->state = mapped;
    server->lines = (struct ring_state *)(void *)((uint8_t *)mapped + sizeof(struct writer_state));
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) <
        0) {
        return -errno;
    }
    server->state_file = take_fd(&fd);
    atomic_store(&server->state->condition, WRITER_OK);
    return 0;
}

/* Bound under another name and renamed: a name that exists always leads to a listening socket. */
static int make_listener(struct server *server)
{
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    AUTO_CLOSE int parent = -1;
    char temporary[PATH_MAX];
    struct sockaddr_un address;
    int error;

    if (fd < 0) {
        return -errno;
    }
    error = audit_socket_path(server->options.directory, server->socket_path);
    if (error < 0) {
        return error;
    }
    if (snprintf(temporary, sizeof(temporary), "%s.new", server->options.directory) >=
        (int)sizeof(temporary)) {
        return -ENAMETOOLONG;
    }
    error = audit_socket_address(temporary, &address, &parent);
    if (error < 0) {
        return error;
    }
    unlink(address.sun_path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 128) < 0 ||
        rename(address.sun_path, server->socket_path) < 0) {
        return -errno;
    }
    server->listener = take_fd(&fd);
    return 0;
}

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
    text_buffer_printf(&members, "\"cut_bytes\":%llu", (unsigned long long)cut);
    return drain_own_record(&server->drain, AUDIT_KIND_RECOVERED, "recovered",
                            text_buffer_view(&members));
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
    server->listener = server->wake = server->signals = server->state_file = -1;
    error = log_store_open(options->directory_fd, &server->drain.store, reterr);
    if (error < 0) {
        server_free(server);
        return error;
    }
    server->drain.producer = log_store_next_producer(server->drain.store);
    server->next_producer = server->drain.producer + 1;
    server->drain.realtime_offset_ns = realtime_offset_ns();
    server->drain.tickets = ticket_table_new();
    server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    error = server->drain.tickets == NULL ? -ENOMEM : server->wake < 0 ? -errno : 0;
    if (error == 0) {
        error = make_state(server);
    }
    if (error == 0) {
        error = make_signals(server);
    }
    if (error == 0) {
        error = record_recovery(server);
    }
    if (error == 0) {
        error = make_listener(server);
    }
    if (error < 0) {
        failure_set(reterr, error, "cannot serve the audit directory %s: %s", options->directory,
                    strerror(-error));
        server_free(server);
        return error;
    }
    server->last_work_ms = server->last_link_ms = server->last_sync_ms = now_ms();
    *ret_server = server;
    return 0;
}

void server_free(struct server *server)
{
    for (unsigned int i = 0; i < server->link_count; i++) {
        link_free(server->links[i]);
    }
    if (server->state != NULL) {
        munmap(server->state, STATE_BYTES);
    }
    log_store_free(server->drain.store);
    ticket_table_free(server->drain.tickets);
    close_fd(&server->listener);
    close_fd(&server->wake);
    close_fd(&server->signals);
    close_fd(&server->state_file);
    free(server);
}

/* ---- producers come and go --------------------------------------------------------------------
 */

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

static int welcome(struct server *server, struct link *link)
{
    struct attach_welcome message = {.magic = ATTACH_MAGIC,
                                     .version = ATTACH_VERSION,
                                     .kind = ATTACH_WELCOME,
                                     .state_bytes = (uint32_t)STATE_BYTES};
    const int fds[2] = {server->state_file, server->wake};
    int error = reserve_lines(server, link->ring_count, &link->first_line);

    if (error < 0) {
        return error;
    }
    link->welcomed = true;
    link->first_producer = server->next_producer;
    server->next_producer += link->ring_count;
    for (unsigned int i = 0; i < link->ring_count; i++) {
        struct ring_state *line = &server->lines[link->first_line + i];

        atomic_store(&line->consumed, 0);
        atomic_store(&line->durable, 0);
        link->rings[i].ring.state = line;
    }
    message.ring_state_offset =
        (uint32_t)(sizeof(struct writer_state) + link->first_line * sizeof(struct ring_state));
    message.first_producer = link->first_producer;
    return send_with_fds(link->socket, &message, sizeof(message), fds, 2);
}

static void accept_one(struct server *server)
{
    AUTO_CLOSE int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ucred peer;
    socklen_t length = sizeof(peer);

    if (fd < 0 || server->link_count == LINKS_MAX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 ||
        (peer.uid != geteuid() && peer.uid != 0)) {
        return;
    }
    server->links[server->link_count] = link_new(fd);
    if (server->links[server->link_count] != NULL) {
        server->link_count++;
        take_fd(&fd);
    }
}

static void link_message(struct server *server, struct link *link)
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
    }
}

static void forget_link(struct server *server, unsigned int index)
{
    struct link *link = server->links[index];

    if (link->welcomed) {
        memset(server->line_used + link->first_line, false, link->ring_count);
    }
    link_free(link);
    server->links[index] = server->links[--server->link_count];
    server->last_link_ms = now_ms();
}

/* ---- records -------------------------------------------------------------------------------- */

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

static void tell_producers(struct server *server, bool durable)
{
    for (unsigned int i = 0; i < server->link_count; i++) {
        struct link *link = server->links[i];

        for (unsigned int r = 0; link->welcomed && r < link->ring_count; r++) {
            tell_ring(&link->rings[r], durable);
        }
    }
}

static void set_condition(struct server *server, int error)
{
    atomic_store(&server->state->error, (uint32_t)-error);
    atomic_store(&server->state->condition, error < 0 ? WRITER_FAILED : WRITER_OK);
    server->retry_at_ms = now_ms() + RETRY_MS;
}

/* Writes what is collected, and commits when somebody waits or it is time. */
static void store_round(struct server *server)
{
    bool had_pending = log_store_has_pending(server->drain.store);
    bool durable = false;
    int error = log_store_write(server->drain.store);

    server->unsynced |= error == 0 && had_pending;
    if (error == 0 && server->unsynced &&
        (server->drain.sync_wanted || now_ms() - server->last_sync_ms >= COMMIT_MS)) {
        error = log_store_sync(server->drain.store);
        server->last_sync_ms = now_ms();
        server->drain.sync_wanted = false;
        server->unsynced = error < 0;
        durable = error == 0;
    }
    if (error < 0) {
        set_condition(server, error);
        return;
    }
    if (atomic_load(&server->state->condition) != WRITER_OK) {
        set_condition(server, 0);
    }
    tell_producers(server, durable);
}

static void end_hostile(struct server *server, struct link *link)
{
    AUTO(text_buffer_clear) struct text_buffer members = {0};

    text_buffer_printf(&members,
                       "\"producer\":%llu,\"program\":", (unsigned long long)link->first_producer);
    text_buffer_append_json_string(&members, str_view_from(link->program));
    (void)drain_own_record(&server->drain, AUDIT_KIND_LOSS, "producer_corrupt",
                           text_buffer_view(&members));
    link->finished = true;
    link->welcomed = false; /* nothing of it is read any more */
    memset(server->line_used + link->first_line, false, link->ring_count);
    shutdown(link->socket, SHUT_RDWR);
}

/* One round over all links; true when there was work. */
static bool drain_round(struct server *server)
{
    bool worked = false;

    if (atomic_load(&server->state->condition) != WRITER_OK && now_ms() < server->retry_at_ms) {
        return false;
    }
    server->drain.realtime_offset_ns = realtime_offset_ns();
    for (unsigned int i = 0; i < server->link_count;) {
        struct link *link = server->links[i];
        int taken = link->welcomed ? drain_link(&server->drain, link) : 0;

        if (taken == -EAGAIN) {
            worked = true;
            store_round(server);
            if (log_store_has_pending(server->drain.store)) {
                return false; /* the disk refuses: later */
            }
            continue;
        }
        if (taken < 0) {
            end_hostile(server, link);
        }
        worked |= taken > 0;
        if (link->finished && taken <= 0 && !log_store_has_pending(server->drain.store)) {
            forget_link(server, i);
            continue;
        }
        i++;
    }
    store_round(server);
    return worked;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static int poll_timeout_ms(const struct server *server, bool worked)
{
    if (worked) {
        return 0;
    }
    if (atomic_load(&server->state->condition) != WRITER_OK) {
        return RETRY_MS;
    }
    if (server->link_count > 0 && now_ms() - server->last_work_ms < AWAKE_MS) {
        return 1;
    }
    return server->options.idle_exit_ms < SLEEP_MS ? (int)server->options.idle_exit_ms
                                                   : (int)SLEEP_MS;
}

static void poll_once(struct server *server, int timeout_ms)
{
    struct pollfd polls[FIXED_POLLS + LINKS_MAX];
    unsigned int links = server->link_count;
    uint64_t count;

    polls[0] = (struct pollfd){.fd = server->listener, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = server->wake, .events = POLLIN};
    polls[2] = (struct pollfd){.fd = server->signals, .events = POLLIN};
    for (unsigned int i = 0; i < links; i++) {
        polls[FIXED_POLLS + i] = (struct pollfd){
            .fd = server->links[i]->finished ? -1 : server->links[i]->socket, .events = POLLIN};
    }
    if (poll(polls, FIXED_POLLS + links, timeout_ms) <= 0) {
        return;
    }
    (void)!read(server->wake, &count, sizeof(count));
    server->stopping |= polls[2].revents != 0;
    for (unsigned int i = 0; i < links; i++) {
        if (polls[FIXED_POLLS + i].revents != 0) {
            link_message(server, server->links[i]);
        }
    }
    if (polls[0].revents != 0) {
        accept_one(server);
    }
}

static bool any_published(const struct server *server)
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

static void rest(struct server *server, bool worked)
{
    int timeout_ms = poll_timeout_ms(server, worked);
    bool sleeps = timeout_ms > 1;

    if (sleeps) {
        atomic_store(&server->state->asleep, 1);
        if (any_published(server) && atomic_load(&server->state->condition) == WRITER_OK) {
            timeout_ms = 0;
        }
    }
    poll_once(server, timeout_ms);
    if (sleeps) {
        atomic_store(&server->state->asleep, 0);
    }
}

/* Somebody may have connected while we were making up our mind: the name goes first. */
static bool may_leave(struct server *server)
{
    if (server->link_count > 0 || log_store_has_pending(server->drain.store)) {
        return false;
    }
    if (!server->stopping && now_ms() - server->last_link_ms < server->options.idle_exit_ms) {
        return false;
    }
    unlink(server->socket_path);
    accept_one(server);
    if (server->link_count == 0) {
        return true;
    }
    return false;
}

int server_run(struct server *server)
{
    for (;;) {
        bool worked = drain_round(server);

        if (worked) {
            server->last_work_ms = now_ms();
        }
        if (!worked && may_leave(server)) {
            return log_store_sync(server->drain.store);
        }
        rest(server, worked);
    }
}
