/*
 * The process that asks the world's resolvers (SECURITY-RULES SR24).
 *
 * It lives in the network namespace beyond the uplink, where the resolvers are, listens to nobody,
 * and is told one thing only: a name and a type. What it gives back is the raw answer, matched
 * against the question (connected socket, random id, random case), and parsed by somebody else.
 * Truncated answers are asked for again over TCP.
 *
 * Ownership: dns_asker_start() gives the caller the socket; the process ends when it closes.
 * Threads: only from a process with one thread.
 */
#ifndef FAILCORE_NETGUARD_DNS_DNS_ASKER_H
#define FAILCORE_NETGUARD_DNS_DNS_ASKER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "netguard/dns/dns_message.h"
#include "shared/base/failure.h"

#define DNS_UPSTREAMS_MAX 4U
#define DNS_UPSTREAM_TEXT 64U
#define DNS_ASKER_PENDING 64U
#define DNS_ASKER_TRY_MS  2000U
#define DNS_ASKER_TRIES   3U

struct dns_upstreams {
    struct ip_address addresses[DNS_UPSTREAMS_MAX];
    size_t count;
};

/*
 * The nameservers of a resolv.conf(5). A file that is not there or names none: none are set.
 */
void dns_upstreams_read(const char *path, struct dns_upstreams *upstreams);

struct dns_ask {
    uint32_t id;
    uint16_t type;
    struct dns_name name;
};

/* What comes back: this, then the answer's bytes when status is 0. */
struct dns_told {
    uint32_t id;
    int32_t status;       /* negative errno: nobody answered */
    uint16_t answer_id;   /* what dns_answer_parse() wants to know */
    struct dns_name name; /* as it was spelt in the question */
};

/* `world` -1: the caller's own network namespace. Returns the asker's pid. */
pid_t dns_asker_start(const struct dns_upstreams *upstreams, int world, int *ret_socket,
                      struct failure *reterr);

#endif
