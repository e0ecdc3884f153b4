/*
 * The process that answers the agent's DNS questions (SECURITY-RULES SR25).
 *
 * It parses what the agent and the world's resolvers send, and has no capability, no file and no
 * socket but those it was given. Whether a name may be asked for, and which of the addresses in an
 * answer may be heard of, is decided, recorded and pinned by the guard, to which it speaks:
 *
 *     question ──> JUDGE ──> guard ──> go ──> asker ──> ANSWER ──> guard ──> addresses ──> reply
 *
 * Threads: only from a process with one thread.
 */
#ifndef FAILCORE_NETGUARD_DNS_RESOLVER_H
#define FAILCORE_NETGUARD_DNS_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "netguard/dns/dns_message.h"
#include "shared/base/failure.h"

#define RESOLVER_SLOTS       128U /* questions under way; one more gets SERVFAIL */
#define RESOLVER_CONNECTIONS 32U  /* over TCP; one more is closed */
#define RESOLVER_IDLE_MS     10000U
#define RESOLVER_TTL_MIN     5U
#define RESOLVER_TTL_MAX     300U

enum resolver_stage {
    RESOLVER_MALFORMED = 0, /* the agent's bytes were no question */
    RESOLVER_JUDGE,         /* may this name be asked for? */
    RESOLVER_ANSWER,        /* the world has answered, or has not: what may be told? */
};

struct resolver_request {
    uint32_t slot;
    enum resolver_stage stage;
    bool over_tcp;
    uint16_t client_port;
    struct dns_name name; /* as the agent spelt it; empty when malformed */
    uint16_t type;
    int32_t status; /* ANSWER: 0; -EBADMSG: could not be parsed; other negative errno: none came */
    uint8_t rcode;
    uint32_t ttl;
    uint32_t count;
    struct ip_address addresses[DNS_ADDRESSES_MAX];
};

struct resolver_verdict {
    uint32_t slot;
    bool go; /* JUDGE: ask the world. Otherwise the rest is the reply */
    uint8_t rcode;
    int16_t ede;
    char ede_text[DNS_EDE_TEXT_MAX];
    uint32_t ttl;
    uint32_t count;
    struct ip_address addresses[DNS_ADDRESSES_MAX];
};

struct resolver_sockets {
    int udp[2]; /* bound to port 53 of the guard's namespace; -1: none */
    int tcp[2];
    int asker;
};

/* Called in the guard's namespace, with the privilege to bind port 53. */
int resolver_open_sockets(const char *link, struct resolver_sockets *sockets,
                          struct failure *reterr);
void resolver_close_sockets(struct resolver_sockets *sockets);

/* Returns the resolver's pid and the guard's end of its socket; the sockets stay the caller's. */
pid_t resolver_start(const struct resolver_sockets *sockets, int *ret_socket,
                     struct failure *reterr);

#endif
