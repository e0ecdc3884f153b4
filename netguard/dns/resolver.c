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
#include "netguard/dns/resolver_clients.h"
#include "shared/base/cleanup.h"

enum slot_state { SLOT_FREE = 0, SLOT_JUDGED, SLOT_ASKED, SLOT_ANSWERED };

/* One question under way, and who waits for its answer. */
struct slot {
    enum slot_state state;
    struct dns_query query;
    bool malformed;
    uint8_t reply[DNS_HEADER_BYTES]; /* malformed: what is said then */
    size_t reply_length;
    struct resolver_client client;
};

struct resolver {
    int guard, asker;
    struct resolver_clients clients;
    struct slot slots[RESOLVER_SLOTS];
    struct answer_cache cache;
    uint8_t buffer[sizeof(struct dns_told) + DNS_MESSAGE_MAX];
};

/* ---- replies ------------------------------------------------------------------------------- */

static void finish(struct resolver *resolver, struct slot *slot, const struct dns_reply *reply)
{
    uint8_t bytes[DNS_REPLY_MAX];

    if (slot->malformed) {
        resolver_clients_reply(&resolver->clients, &slot->client, slot->reply, slot->reply_length);
    } else {
        resolver_clients_reply(&resolver->clients, &slot->client, bytes,
                               dns_reply_build(&slot->query, reply, bytes));
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
        .over_tcp = slot->client.udp < 0,
        .client_port = resolver_client_port(&slot->client),
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

static void on_question(void *context, const struct resolver_client *client, const uint8_t *bytes,
                        size_t length)
{
    struct resolver *resolver = context;
    struct slot *slot = free_slot(resolver);
    struct slot crowded;
    struct resolver_request request;

    if (slot == NULL) {
        slot = &crowded;
    }
    *slot = (struct slot){.client = *client};
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

static void serve_once(struct resolver *resolver)
{
    struct pollfd polled[2 + RESOLVER_CLIENT_POLLS] = {{.fd = resolver->guard, .events = POLLIN},
                                                       {.fd = resolver->asker, .events = POLLIN}};

    resolver_clients_poll(&resolver->clients, polled + 2);
    if (poll(polled, 2 + RESOLVER_CLIENT_POLLS, (int)RESOLVER_IDLE_MS) < 0) {
        return;
    }
    if (polled[0].revents != 0) {
        on_verdict(resolver);
    }
    if (polled[1].revents != 0) {
        on_answer(resolver);
    }
    resolver_clients_serve(&resolver->clients, polled + 2);
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
    resolver_clients_init(&resolver.clients, sockets, on_question, &resolver);
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
