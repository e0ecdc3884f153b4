/*
 * Who asks the resolver: by datagrams, or over connections with one question at a time each.
 *
 * A question comes with the client that it is of, and the reply goes to that one, if it is still
 * there. Nobody is waited for: a client that does not read its answers loses its connection.
 * Private to resolver.c. Threads: one.
 */
#ifndef FAILCORE_NETGUARD_DNS_RESOLVER_CLIENTS_H
#define FAILCORE_NETGUARD_DNS_RESOLVER_CLIENTS_H

#include <poll.h>
#include <sys/socket.h>

#include "netguard/dns/resolver.h"

#define RESOLVER_QUESTION_MAX 512U /* over a connection; one with EDNS has far fewer bytes */
#define RESOLVER_CLIENT_POLLS (4 + RESOLVER_CONNECTIONS)

struct resolver_client {
    int udp; /* the socket it came through; -1: over a connection */
    struct sockaddr_storage address;
    socklen_t address_length;
    size_t connection;
    uint32_t connection_serial;
};

struct resolver_connection {
    int fd; /* -1: free */
    uint32_t serial;
    uint64_t idle_since_ms;
    uint8_t in[2 + RESOLVER_QUESTION_MAX];
    size_t in_done;
    bool busy; /* one question at a time */
};

typedef void (*resolver_on_question)(void *context, const struct resolver_client *client,
                                     const uint8_t *bytes, size_t length);

struct resolver_clients {
    struct resolver_sockets sockets; /* borrowed */
    struct resolver_connection connections[RESOLVER_CONNECTIONS];
    uint8_t datagram[DNS_MESSAGE_MAX];
    resolver_on_question on_question;
    void *context;
};

void resolver_clients_init(struct resolver_clients *clients, const struct resolver_sockets *sockets,
                           resolver_on_question on_question, void *context);

/* What to wait for; then, with the same, what has come is taken. Idle connections are closed. */
void resolver_clients_poll(const struct resolver_clients *clients,
                           struct pollfd polled[static RESOLVER_CLIENT_POLLS]);
void resolver_clients_serve(struct resolver_clients *clients,
                            const struct pollfd polled[static RESOLVER_CLIENT_POLLS]);

/* Of no length: there is nothing to say. */
void resolver_clients_reply(struct resolver_clients *clients, const struct resolver_client *client,
                            const uint8_t *bytes, size_t length);
uint16_t resolver_client_port(const struct resolver_client *client);

#endif
