#include "netguard/dns/resolver_clients.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "netguard/clock.h"
#include "shared/base/cleanup.h"

void resolver_clients_init(struct resolver_clients *clients, const struct resolver_sockets *sockets,
                           resolver_on_question on_question, void *context)
{
    *clients = (struct resolver_clients){
        .sockets = *sockets, .on_question = on_question, .context = context};
    for (size_t i = 0; i < RESOLVER_CONNECTIONS; i++) {
        clients->connections[i].fd = -1;
    }
}

uint16_t resolver_client_port(const struct resolver_client *client)
{
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;

    if (client->address.ss_family == AF_INET) {
        memcpy(&v4, &client->address, sizeof(v4));
        return (uint16_t)(v4.sin_port >> 8 | v4.sin_port << 8);
    }
    memcpy(&v6, &client->address, sizeof(v6));
    return (uint16_t)(v6.sin6_port >> 8 | v6.sin6_port << 8);
}

void resolver_clients_reply(struct resolver_clients *clients, const struct resolver_client *client,
                            const uint8_t *bytes, size_t length)
{
    struct resolver_connection *connection = &clients->connections[client->connection];
    uint8_t framed[2 + DNS_REPLY_MAX];

    if (length == 0) {
        return;
    }
    if (client->udp >= 0) {
        (void)sendto(client->udp, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL,
                     (const struct sockaddr *)&client->address, client->address_length);
        return;
    }
    if (connection->fd < 0 || connection->serial != client->connection_serial) {
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

static void on_datagram(struct resolver_clients *clients, int fd)
{
    struct resolver_client from = {.udp = fd, .address_length = sizeof(from.address)};
    ssize_t count = recvfrom(fd, clients->datagram, sizeof(clients->datagram), MSG_DONTWAIT,
                             (struct sockaddr *)&from.address, &from.address_length);

    if (count >= 0) {
        clients->on_question(clients->context, &from, clients->datagram, (size_t)count);
    }
}

static void on_connect(struct resolver_clients *clients, int listener)
{
    struct resolver_connection *connection = NULL;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0) {
        return;
    }
    for (size_t i = 0; i < RESOLVER_CONNECTIONS && connection == NULL; i++) {
        connection = clients->connections[i].fd < 0 ? &clients->connections[i] : NULL;
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
static void read_question(struct resolver_clients *clients, struct resolver_connection *connection)
{
    size_t length = (size_t)connection->in[0] << 8 | connection->in[1];
    struct resolver_client from = {.udp = -1,
                                   .connection = (size_t)(connection - clients->connections),
                                   .connection_serial = connection->serial,
                                   .address_length = sizeof(from.address)};
    uint8_t question[RESOLVER_QUESTION_MAX];

    if (connection->busy || connection->in_done < 2) {
        return;
    }
    if (length > RESOLVER_QUESTION_MAX) {
        close_fd(&connection->fd);
        return;
    }
    if (connection->in_done < 2 + length) {
        return;
    }
    if (getpeername(connection->fd, (struct sockaddr *)&from.address, &from.address_length) < 0) {
        close_fd(&connection->fd);
        return;
    }
    memcpy(question, connection->in + 2, length);
    connection->in_done -= 2 + length;
    memmove(connection->in, connection->in + 2 + length, connection->in_done);
    connection->busy = true;
    clients->on_question(clients->context, &from, question, length);
}

static void on_readable(struct resolver_clients *clients, struct resolver_connection *connection)
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
    read_question(clients, connection);
}

static void close_idle(struct resolver_clients *clients)
{
    uint64_t now = clock_now_ms();

    for (size_t i = 0; i < RESOLVER_CONNECTIONS; i++) {
        struct resolver_connection *connection = &clients->connections[i];

        if (connection->fd < 0) {
            continue;
        }
        if (!connection->busy && now - connection->idle_since_ms > RESOLVER_IDLE_MS) {
            close_fd(&connection->fd);
        } else {
            read_question(clients, connection); /* the next of several in one segment */
        }
    }
}

void resolver_clients_poll(const struct resolver_clients *clients,
                           struct pollfd polled[static RESOLVER_CLIENT_POLLS])
{
    const struct resolver_sockets *sockets = &clients->sockets;

    for (size_t i = 0; i < 2; i++) {
        polled[i] = (struct pollfd){.fd = sockets->udp[i], .events = POLLIN};
        polled[2 + i] = (struct pollfd){.fd = sockets->tcp[i], .events = POLLIN};
    }
    for (size_t i = 0; i < RESOLVER_CONNECTIONS; i++) {
        const struct resolver_connection *connection = &clients->connections[i];
        bool full = connection->in_done == sizeof(connection->in);

        polled[4 + i] = (struct pollfd){.fd = connection->fd, .events = full ? 0 : (short)POLLIN};
    }
}

void resolver_clients_serve(struct resolver_clients *clients,
                            const struct pollfd polled[static RESOLVER_CLIENT_POLLS])
{
    for (size_t i = 0; i < 2; i++) {
        if (polled[i].revents != 0) {
            on_datagram(clients, polled[i].fd);
        }
        if (polled[2 + i].revents != 0) {
            on_connect(clients, polled[2 + i].fd);
        }
    }
    for (size_t i = 0; i < RESOLVER_CONNECTIONS; i++) {
        struct resolver_connection *connection = &clients->connections[i];

        if (polled[4 + i].revents != 0 && polled[4 + i].fd == connection->fd) {
            on_readable(clients, connection);
        }
    }
    close_idle(clients);
}
