#include "netguard/dns/resolver.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netguard/child_process.h"
#include "netguard/clock.h"
#include "netguard/dns/answer_cache.h"
#include "netguard/dns/dns_asker.h"
#include "shared/base/cleanup.h"

#define QUESTION_MAX 512U /* a question with EDNS has far fewer bytes */

enum slot_state { SLOT_FREE = 0, SLOT_JUDGED, SLOT_ASKED, SLOT_ANSWERED };

/* One question under way, and who waits for its answer. */
struct slot {
    enum slot_state state;
    struct dns_query query;
    bool malformed;
    uint8_t reply[DNS_HEADER_BYTES]; /* malformed: what is said then */
    size_t reply_length;
    int udp; /* the socket it came through; -1: over a connection */
    struct sockaddr_storage client;
    socklen_t client_length;
    size_t connection;
    uint32_t connection_serial;
};

struct connection {
    int fd; /* -1: free */
    uint32_t serial;
    uint64_t idle_since_ms;
    uint8_t in[2 + QUESTION_MAX];
    size_t in_done;
    bool busy; /* one question at a time */
};

struct resolver {
    int guard, asker;
    struct resolver_sockets sockets;
    struct slot slots[RESOLVER_SLOTS];
    struct connection connections[RESOLVER_CONNECTIONS];
    struct answer_cache cache;
    uint8_t buffer[sizeof(struct dns_told) + DNS_MESSAGE_MAX];
};

static uint16_t port_of(const struct sockaddr_storage *client)
{
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;

    if (client->ss_family == AF_INET) {
        memcpy(&v4, client, sizeof(v4));
        return (uint16_t)(v4.sin_port >> 8 | v4.sin_port << 8);
    }
    memcpy(&v6, client, sizeof(v6));
    return (uint16_t)(v6.sin6_port >> 8 | v6.sin6_port << 8);
}

/* ---- replies ------------------------------------------------------------------------------- */

static void send_reply(struct resolver *resolver, struct slot *slot, const uint8_t *bytes,
                       size_t length)
{
    struct connection *connection = &resolver->connections[slot->connection];
    uint8_t framed[2 + DNS_REPLY_MAX];

    if (length == 0) {
        return;
    }
    if (slot->udp >= 0) {
        (void)sendto(slot->udp, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL,
                     (struct sockaddr *)&slot->client, slot->client_length);
        return;
    }
    if (connection->fd < 0 || connection->serial != slot->connection_serial) {
        return; /* the client has gone */
    }
    framed[0] = (uint8_t)(length >> 8);
    framed[1] = (uint8_t)length;
    memcpy(framed + 2, bytes, length);
    connection->busy = false;
    connection->idle_since_ms = clock_now_ms();
    /* A client that does not read its answers loses its connection, not our time. */
    if (send(connection->fd, framed, 2 + length, MSG_DONTWAIT | MSG_NOSIGNAL) !=
        (ssize_t)(2 + length)) {
        close_fd(&connection->fd);
    }
}

static void finish(struct resolver *resolver, struct slot *slot, const struct dns_reply *reply)
{
    uint8_t bytes[DNS_REPLY_MAX];

    if (slot->malformed) {
        send_reply(resolver, slot, slot->reply, slot->reply_length);
    } else {
        send_reply(resolver, slot, bytes, dns_reply_build(&slot->query, reply, bytes));
    }
    slot->state = SLOT_FREE;
}

static void finish_with(struct resolver *resolver, struct slot *slot, enum dns_rcode rcode,
                        enum dns_ede ede, const char *text)
{
    struct dns_reply reply = {.rcode = rcode, .ede = ede, .ede_text = text};

    finish(resolver, slot, &reply);
}

/* ---- the guard and the asker ------------------------------------------------------------------
 */

static void tell_guard(struct resolver *resolver, const struct resolver_request *request)
{
    if (send(resolver->guard, request, sizeof(*request), MSG_NOSIGNAL) != sizeof(*request)) {
        _exit(1); /* without the guard nothing may be answered */
    }
}

static struct resolver_request request_for(const struct resolver *resolver, const struct slot *slot,
                                           enum resolver_stage stage)
{
    struct resolver_request request = {
        .slot = (uint32_t)(slot - resolver->slots),
        .stage = stage,
        .over_tcp = slot->udp < 0,
        .client_port = port_of(&slot->client),
    };

    if (!slot->malformed) {
        request.name = slot->query.name;
        request.type = slot->query.type;
    }
    return request;
}

static void report_addresses(struct resolver *resolver, struct slot *slot, uint32_t ttl,
                             const struct ip_address *addresses, size_t count)
{
    struct resolver_request request = request_for(resolver, slot, RESOLVER_ANSWER);

    request.ttl = ttl;
    request.count = (uint32_t)count;
    memcpy(request.addresses, addresses, count * sizeof(*addresses));
    slot->state = SLOT_ANSWERED;
    tell_guard(resolver, &request);
}

static void report_failure(struct resolver *resolver, struct slot *slot, int status, uint8_t rcode)
{
    struct resolver_request request = request_for(resolver, slot, RESOLVER_ANSWER);

    request.status = status;
    request.rcode = rcode;
    slot->state = SLOT_ANSWERED;
    tell_guard(resolver, &request);
}

static void ask_world(struct resolver *resolver, struct slot *slot)
{
    struct dns_ask ask = {.id = (uint32_t)(slot - resolver->slots),
                          .type = slot->query.type,
                          .name = slot->query.name};
    const struct cached_answer *cached =
        answer_cache_find(&resolver->cache, &slot->query.name, slot->query.type, clock_now_ms());

    if (cached != NULL) {
        report_addresses(resolver, slot,
                         (uint32_t)((cached->expires_ms - clock_now_ms()) / 1000 + 1),
                         cached->addresses, cached->count);
        return;
    }
    slot->state = SLOT_ASKED;
    if (send(resolver->asker, &ask, sizeof(ask), MSG_NOSIGNAL) != sizeof(ask)) {
        _exit(1);
    }
}

static void on_verdict(struct resolver *resolver)
{
    struct resolver_verdict verdict;
    ssize_t count = recv(resolver->guard, &verdict, sizeof(verdict), 0);
    struct slot *slot;
    struct dns_reply reply;

    if (count != (ssize_t)sizeof(verdict) || verdict.slot >= RESOLVER_SLOTS) {
        _exit(1);
    }
    slot = &resolver->slots[verdict.slot];
    if (verdict.go && slot->state == SLOT_JUDGED && !slot->malformed) {
        ask_world(resolver, slot);
        return;
    }
    verdict.ede_text[DNS_EDE_TEXT_MAX - 1] = '\0';
    reply = (struct dns_reply){.rcode = verdict.rcode,
                               .addresses = verdict.addresses,
                               .count = verdict.count,
                               .ttl = verdict.ttl,
                               .ede = verdict.ede,
                               .ede_text = verdict.ede_text};
    finish(resolver, slot, &reply);
}

static uint32_t clamp_ttl(uint32_t ttl)
{
    if (ttl < RESOLVER_TTL_MIN) {
        return RESOLVER_TTL_MIN;
    }
    return ttl > RESOLVER_TTL_MAX ? RESOLVER_TTL_MAX : ttl;
}

static void on_answer(struct resolver *resolver)
{
    ssize_t count = recv(resolver->asker, resolver->buffer, sizeof(resolver->buffer), 0);
    struct dns_answer answer;
    struct dns_told told;
    struct slot *slot;
    int error;

    if (count < (ssize_t)sizeof(told)) {
        _exit(1);
    }
    memcpy(&told, resolver->buffer, sizeof(told));
    slot = told.id < RESOLVER_SLOTS ? &resolver->slots[told.id] : NULL;
    if (slot == NULL || slot->state != SLOT_ASKED) {
        return;
    }
    if (told.status < 0) {
        report_failure(resolver, slot, told.status, DNS_SERVFAIL);
        return;
    }
    error = dns_answer_parse(resolver->buffer + sizeof(told), (size_t)count - sizeof(told),
                             told.answer_id, &told.name, slot->query.type, &answer);
    if (error == 0 && !dns_name_equals(&told.name, &slot->query.name)) {
        error = -EBADMSG;
    }
    if (error < 0 || answer.truncated) {
        report_failure(resolver, slot, -EBADMSG, DNS_SERVFAIL);
        return;
    }
    if (answer.rcode != DNS_NOERROR || answer.count == 0) {
        report_failure(resolver, slot, 0, answer.rcode);
        return;
    }
    answer.ttl = clamp_ttl(answer.ttl);
    answer_cache_put(&resolver->cache, &slot->query.name, slot->query.type, &answer,
                     clock_now_ms());
    report_addresses(resolver, slot, answer.ttl, answer.addresses, answer.count);
}

/* ---- questions ---------------------------------------------------------------------------------
 */

static struct slot *free_slot(struct resolver *resolver)
{
    for (size_t i = 0; i < RESOLVER_SLOTS; i++) {
        if (resolver->slots[i].state == SLOT_FREE) {
            return &resolver->slots[i];
        }
    }
    return NULL;
}

/* `from` has the client; everything else of the slot is made here. */
static void on_question(struct resolver *resolver, const struct slot *from, const uint8_t *bytes,
                        size_t length)
{
    struct slot *slot = free_slot(resolver);
    struct slot crowded = *from;
    struct resolver_request request;

    if (slot == NULL) {
        slot = &crowded;
    } else {
        *slot = *from;
    }
    slot->malformed = dns_query_parse(bytes, length, &slot->query) < 0;
    if (slot->malformed) {
        slot->reply_length = dns_reply_build_malformed(bytes, length, slot->reply);
    }
    if (slot == &crowded) {
        finish_with(resolver, slot, DNS_SERVFAIL, DNS_EDE_OTHER, "too many questions at once");
        return;
    }
    slot->state = SLOT_JUDGED;
    request = request_for(resolver, slot, slot->malformed ? RESOLVER_MALFORMED : RESOLVER_JUDGE);
    tell_guard(resolver, &request);
}

static void on_datagram(struct resolver *resolver, int fd)
{
    struct slot from = {.udp = fd, .client_length = sizeof(from.client)};
    ssize_t count = recvfrom(fd, resolver->buffer, sizeof(resolver->buffer), MSG_DONTWAIT,
                             (struct sockaddr *)&from.client, &from.client_length);

    if (count >= 0) {
        on_question(resolver, &from, resolver->buffer, (size_t)count);
    }
}

static void on_connect(struct resolver *resolver, int listener)
{
    struct connection *connection = NULL;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0) {
        return;
    }
    for (size_t i = 0; i < RESOLVER_CONNECTIONS && connection == NULL; i++) {
        connection = resolver->connections[i].fd < 0 ? &resolver->connections[i] : NULL;
    }
    if (connection == NULL) {
        close(fd);
        return;
    }
    connection->fd = fd;
    connection->serial++;
    connection->in_done = 0;
    connection->busy = false;
    connection->idle_since_ms = clock_now_ms();
}

/* Takes one whole question out of what has arrived, if there is one. */
static void read_question(struct resolver *resolver, struct connection *connection)
{
    size_t length = (size_t)connection->in[0] << 8 | connection->in[1];
    struct slot from = {.udp = -1,
                        .connection = (size_t)(connection - resolver->connections),
                        .connection_serial = connection->serial,
                        .client_length = sizeof(from.client)};
    uint8_t question[QUESTION_MAX];

    if (connection->busy || connection->in_done < 2) {
        return;
    }
    if (length > QUESTION_MAX) {
        close_fd(&connection->fd);
        return;
    }
    if (connection->in_done < 2 + length) {
        return;
    }
    if (getpeername(connection->fd, (struct sockaddr *)&from.client, &from.client_length) < 0) {
        close_fd(&connection->fd);
        return;
    }
    memcpy(question, connection->in + 2, length);
    connection->in_done -= 2 + length;
    memmove(connection->in, connection->in + 2 + length, connection->in_done);
    connection->busy = true;
    on_question(resolver, &from, question, length);
}

static void on_readable(struct resolver *resolver, struct connection *connection)
{
    size_t room = sizeof(connection->in) - connection->in_done;
    ssize_t count = recv(connection->fd, connection->in + connection->in_done, room, MSG_DONTWAIT);

    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count <= 0) {
        close_fd(&connection->fd);
        return;
    }
    connection->in_done += (size_t)count;
    connection->idle_since_ms = clock_now_ms();
    read_question(resolver, connection);
}

static void close_idle(struct resolver *resolver)
{
    uint64_t now = clock_now_ms();

    for (size_t i = 0; i < RESOLVER_CONNECTIONS; i++) {
        struct connection *connection = &resolver->connections[i];

        if (connection->fd < 0) {
            continue;
        }
        if (!connection->busy && now - connection->idle_since_ms > RESOLVER_IDLE_MS) {
            close_fd(&connection->fd);
        } else {
            read_question(resolver, connection); /* the next of several in one segment */
        }
    }
}

static void serve_once(struct resolver *resolver)
{
    struct pollfd polled[6 + RESOLVER_CONNECTIONS];
    int fds[6] = {resolver->guard,          resolver->asker,          resolver->sockets.udp[0],
                  resolver->sockets.udp[1], resolver->sockets.tcp[0], resolver->sockets.tcp[1]};

    for (size_t i = 0; i < 6; i++) {
        polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    }
    for (size_t i = 0; i < RESOLVER_CONNECTIONS; i++) {
        struct connection *connection = &resolver->connections[i];
        bool full = connection->in_done == sizeof(connection->in);

        polled[6 + i] = (struct pollfd){.fd = connection->fd, .events = full ? 0 : (short)POLLIN};
    }
    if (poll(polled, 6 + RESOLVER_CONNECTIONS, (int)RESOLVER_IDLE_MS) < 0) {
        return;
    }
    if (polled[0].revents != 0) {
        on_verdict(resolver);
    }
    if (polled[1].revents != 0) {
        on_answer(resolver);
    }
    for (size_t i = 0; i < 2; i++) {
        if (polled[2 + i].revents != 0) {
            on_datagram(resolver, fds[2 + i]);
        }
        if (polled[4 + i].revents != 0) {
            on_connect(resolver, fds[4 + i]);
        }
    }
    for (size_t i = 0; i < RESOLVER_CONNECTIONS; i++) {
        struct connection *connection = &resolver->connections[i];

        if (polled[6 + i].revents != 0 && polled[6 + i].fd == connection->fd) {
            on_readable(resolver, connection);
        }
    }
    close_idle(resolver);
}

static _Noreturn void run(const struct resolver_sockets *sockets, int guard)
{
    static struct resolver resolver; /* of this process alone */
    int kept[] = {guard,           sockets->asker,  sockets->udp[0],
                  sockets->udp[1], sockets->tcp[0], sockets->tcp[1]};

    if (child_process_confine(GUARD_RESOLVER, kept, sizeof(kept) / sizeof(kept[0])) < 0) {
        _exit(1);
    }
    resolver.guard = guard;
    resolver.asker = sockets->asker;
    resolver.sockets = *sockets;
    for (size_t i = 0; i < RESOLVER_CONNECTIONS; i++) {
        resolver.connections[i].fd = -1;
    }
    for (;;) {
        serve_once(&resolver);
    }
}

pid_t resolver_start(const struct resolver_sockets *sockets, int *ret_socket,
                     struct failure *reterr)
{
    int ends[2];
    pid_t pid = child_process_start(ends, reterr);

    if (pid == 0) {
        run(sockets, ends[1]);
    }
    if (pid > 0) {
        *ret_socket = ends[0];
    }
    return pid;
}
