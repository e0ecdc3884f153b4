#include "netguard/dns/dns_asker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "netguard/child_process.h"
#include "netguard/clock.h"
#include "shared/base/cleanup.h"
#include "shared/confine/namespaces.h"

#define DOMAIN_PORT 53
#define NOISE_MAX   16U /* datagrams that answer another question before the try is given up */

/* One question on its way. */
struct inquiry {
    int fd; /* -1: free */
    bool over_tcp;
    struct dns_ask ask;
    struct dns_name spelt;
    uint16_t id;
    unsigned int tries, noise;
    uint64_t deadline_ms;
    /* TCP: what is still to be written, then what is being read (RFC 1035 section 4.2.2). */
    uint8_t out[2 + 512];
    size_t out_length, out_done;
    uint8_t *in; /* 2 + DNS_MESSAGE_MAX bytes, shared by nobody */
    size_t in_done;
};

struct asker {
    int socket;
    struct dns_upstreams upstreams;
    struct inquiry inquiries[DNS_ASKER_PENDING];
    uint8_t buffer[DNS_MESSAGE_MAX];
};

void dns_upstreams_read(const char *path, struct dns_upstreams *upstreams)
{
    AUTO_FCLOSE FILE *file = fopen(path, "re");
    char line[512];

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        char text[DNS_UPSTREAM_TEXT];
        struct ip_address address;

        if (upstreams->count < DNS_UPSTREAMS_MAX && sscanf(line, "nameserver %63s", text) == 1 &&
            ip_address_parse(str_view_from(text), &address) == 0) {
            upstreams->addresses[upstreams->count++] = address;
        }
    }
}

static void close_inquiry(struct inquiry *inquiry)
{
    close_fd(&inquiry->fd);
    free(inquiry->in);
    inquiry->in = NULL;
}

static void tell(struct asker *asker, struct inquiry *inquiry, int status, const uint8_t *answer,
                 size_t length)
{
    struct dns_told told = {
        .id = inquiry->ask.id, .status = status, .answer_id = inquiry->id, .name = inquiry->spelt};
    struct iovec parts[] = {{&told, sizeof(told)}, {NULL, length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    memcpy(&parts[1].iov_base, &answer, sizeof(answer));
    (void)sendmsg(asker->socket, &message, MSG_NOSIGNAL);
    close_inquiry(inquiry);
}

/* Random case in the letters of the name: 0x20 (draft-vixie-dnsext-dns0x20). */
static void spell(struct inquiry *inquiry)
{
    uint8_t bits[DNS_NAME_WIRE_MAX];

    inquiry->spelt = inquiry->ask.name;
    if (getrandom(bits, sizeof(bits), 0) != sizeof(bits) ||
        getrandom(&inquiry->id, sizeof(inquiry->id), 0) != sizeof(inquiry->id)) {
        _exit(1); /* guessable questions are worse than none */
    }
    for (size_t i = 0; i < inquiry->spelt.length;) {
        size_t end = i + 1 + inquiry->spelt.wire[i];

        for (i++; i < end; i++) {
            uint8_t byte = inquiry->spelt.wire[i] | 0x20U;

            if (byte >= 'a' && byte <= 'z') {
                inquiry->spelt.wire[i] = (bits[i] & 1U) != 0 ? byte : (uint8_t)(byte & ~0x20U);
            }
        }
    }
}

static int connect_upstream(const struct ip_address *address, int type)
{
    AUTO_CLOSE int fd = socket(address->family == IP_V4 ? AF_INET : AF_INET6,
                               type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(DOMAIN_PORT)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(DOMAIN_PORT)};
    int status;

    if (fd < 0) {
        return -errno;
    }
    if (address->family == IP_V4) {
        memcpy(&v4.sin_addr, address->bytes, 4);
        status = connect(fd, (struct sockaddr *)&v4, sizeof(v4));
    } else {
        memcpy(&v6.sin6_addr, address->bytes, 16);
        status = connect(fd, (struct sockaddr *)&v6, sizeof(v6));
    }
    if (status < 0 && errno != EINPROGRESS) {
        return -errno;
    }
    return take_fd(&fd);
}

static void start_try(struct asker *asker, struct inquiry *inquiry, bool over_tcp);

/* The next upstream, or the news that nobody answers. */
static void try_next(struct asker *asker, struct inquiry *inquiry)
{
    if (++inquiry->tries >= DNS_ASKER_TRIES || asker->upstreams.count == 0) {
        tell(asker, inquiry, -ETIMEDOUT, NULL, 0);
        return;
    }
    start_try(asker, inquiry, false);
}

static void start_try(struct asker *asker, struct inquiry *inquiry, bool over_tcp)
{
    const struct ip_address *upstream =
        &asker->upstreams.addresses[inquiry->tries % asker->upstreams.count];
    size_t length;

    close_inquiry(inquiry);
    spell(inquiry);
    length = dns_query_build(inquiry->id, &inquiry->spelt, inquiry->ask.type, inquiry->out + 2);
    inquiry->over_tcp = over_tcp;
    inquiry->noise = 0;
    inquiry->deadline_ms = clock_now_ms() + DNS_ASKER_TRY_MS;
    inquiry->fd = connect_upstream(upstream, over_tcp ? SOCK_STREAM : SOCK_DGRAM);
    if (inquiry->fd >= 0 && over_tcp) {
        inquiry->out[0] = (uint8_t)(length >> 8);
        inquiry->out[1] = (uint8_t)length;
        inquiry->out_length = length + 2;
        inquiry->out_done = inquiry->in_done = 0;
        inquiry->in = malloc(2 + DNS_MESSAGE_MAX);
    }
    if (inquiry->fd < 0 || (over_tcp && inquiry->in == NULL) ||
        (!over_tcp && send(inquiry->fd, inquiry->out + 2, length, 0) < 0)) {
        close_inquiry(inquiry);
        try_next(asker, inquiry);
    }
}

/*
 * True when the bytes answer the question, whatever else is wrong with them: then they are what
 * the resolver said, and the next process judges them.
 */
static bool answers_question(const struct inquiry *inquiry, const uint8_t *bytes, size_t length,
                             bool *ret_truncated)
{
    struct dns_answer answer = {0};
    int error =
        dns_answer_parse(bytes, length, inquiry->id, &inquiry->spelt, inquiry->ask.type, &answer);

    *ret_truncated = error == 0 && answer.truncated;
    return error != -ENOMSG && length >= DNS_HEADER_BYTES;
}

static void on_udp(struct asker *asker, struct inquiry *inquiry)
{
    ssize_t count = recv(inquiry->fd, asker->buffer, sizeof(asker->buffer), 0);
    bool truncated;

    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            try_next(asker, inquiry);
        }
        return;
    }
    if (!answers_question(inquiry, asker->buffer, (size_t)count, &truncated)) {
        if (++inquiry->noise > NOISE_MAX) {
            start_try(asker, inquiry,
                      true); /* somebody is guessing: ask where guessing is harder */
        }
        return;
    }
    if (truncated) {
        start_try(asker, inquiry, true);
        return;
    }
    tell(asker, inquiry, 0, asker->buffer, (size_t)count);
}

static void on_tcp_writable(struct asker *asker, struct inquiry *inquiry)
{
    ssize_t count = send(inquiry->fd, inquiry->out + inquiry->out_done,
                         inquiry->out_length - inquiry->out_done, MSG_NOSIGNAL);

    if (count >= 0) {
        inquiry->out_done += (size_t)count;
    } else if (errno != EAGAIN && errno != EINTR) {
        try_next(asker, inquiry);
    }
}

static void on_tcp_readable(struct asker *asker, struct inquiry *inquiry)
{
    ssize_t count = recv(inquiry->fd, inquiry->in + inquiry->in_done,
                         2 + DNS_MESSAGE_MAX - inquiry->in_done, 0);
    size_t length;
    bool truncated;

    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count <= 0) {
        try_next(asker, inquiry);
        return;
    }
    inquiry->in_done += (size_t)count;
    if (inquiry->in_done < 2) {
        return;
    }
    length = (size_t)inquiry->in[0] << 8 | inquiry->in[1];
    if (length > DNS_MESSAGE_MAX) {
        try_next(asker, inquiry);
        return;
    }
    if (inquiry->in_done < 2 + length) {
        return;
    }
    if (inquiry->in_done > 2 + length ||
        !answers_question(inquiry, inquiry->in + 2, length, &truncated) || truncated) {
        try_next(asker, inquiry);
        return;
    }
    tell(asker, inquiry, 0, inquiry->in + 2, length);
}

static void on_ask(struct asker *asker)
{
    struct dns_ask ask;
    ssize_t count = recv(asker->socket, &ask, sizeof(ask), 0);
    struct inquiry *inquiry = NULL;

    if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (count != (ssize_t)sizeof(ask)) {
        _exit(0); /* the resolver has gone */
    }
    for (size_t i = 0; i < DNS_ASKER_PENDING && inquiry == NULL; i++) {
        inquiry = asker->inquiries[i].fd < 0 ? &asker->inquiries[i] : NULL;
    }
    if (inquiry == NULL) {
        struct inquiry full = {.fd = -1, .ask = ask};

        tell(asker, &full, -EBUSY, NULL, 0);
        return;
    }
    *inquiry = (struct inquiry){.fd = -1, .ask = ask};
    if (asker->upstreams.count == 0) {
        tell(asker, inquiry, -ENETUNREACH, NULL, 0);
        return;
    }
    start_try(asker, inquiry, false);
}

static void on_inquiry(struct asker *asker, struct inquiry *inquiry)
{
    if (!inquiry->over_tcp) {
        on_udp(asker, inquiry);
    } else if (inquiry->out_done < inquiry->out_length) {
        on_tcp_writable(asker, inquiry);
    } else {
        on_tcp_readable(asker, inquiry);
    }
}

static short wanted_events(const struct inquiry *inquiry)
{
    return inquiry->over_tcp && inquiry->out_done < inquiry->out_length ? POLLOUT : POLLIN;
}

static int milliseconds_left(const struct asker *asker, uint64_t now)
{
    uint64_t earliest = UINT64_MAX;

    for (size_t i = 0; i < DNS_ASKER_PENDING; i++) {
        if (asker->inquiries[i].fd >= 0 && asker->inquiries[i].deadline_ms < earliest) {
            earliest = asker->inquiries[i].deadline_ms;
        }
    }
    if (earliest == UINT64_MAX) {
        return -1;
    }
    return earliest <= now ? 0 : (int)(earliest - now);
}

static void serve_once(struct asker *asker)
{
    struct pollfd polled[1 + DNS_ASKER_PENDING];
    uint64_t now;

    polled[0] = (struct pollfd){.fd = asker->socket, .events = POLLIN};
    for (size_t i = 0; i < DNS_ASKER_PENDING; i++) {
        polled[1 + i] = (struct pollfd){.fd = asker->inquiries[i].fd,
                                        .events = wanted_events(&asker->inquiries[i])};
    }
    if (poll(polled, 1 + DNS_ASKER_PENDING, milliseconds_left(asker, clock_now_ms())) < 0) {
        return;
    }
    now = clock_now_ms();
    for (size_t i = 0; i < DNS_ASKER_PENDING; i++) {
        struct inquiry *inquiry = &asker->inquiries[i];

        if (inquiry->fd < 0 || inquiry->fd != polled[1 + i].fd) {
            continue;
        }
        if (polled[1 + i].revents != 0) {
            on_inquiry(asker, inquiry);
        } else if (inquiry->deadline_ms <= now) {
            try_next(asker, inquiry);
        }
    }
    if (polled[0].revents != 0) {
        on_ask(asker);
    }
}

static _Noreturn void run(const struct dns_upstreams *upstreams, int world, int socket)
{
    static struct asker asker; /* of this process alone */

    if (world >= 0 && namespace_enter(world, CLONE_NEWNET) < 0) {
        _exit(1);
    }
    if (child_process_confine(GUARD_ASKER, &socket, 1) < 0) {
        _exit(1);
    }
    asker.socket = socket;
    asker.upstreams = *upstreams;
    for (size_t i = 0; i < DNS_ASKER_PENDING; i++) {
        asker.inquiries[i].fd = -1;
    }
    for (;;) {
        serve_once(&asker);
    }
}

pid_t dns_asker_start(const struct dns_upstreams *upstreams, int world, int *ret_socket,
                      struct failure *reterr)
{
    int sockets[2];
    pid_t pid = child_process_start(sockets, reterr);

    if (pid == 0) {
        run(upstreams, world, sockets[1]);
    }
    if (pid > 0) {
        *ret_socket = sockets[0];
    }
    return pid;
}
