#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "netguard/dns/resolver.h"
#include "shared/base/cleanup.h"

#define DOMAIN_PORT 53
#define BACKLOG     32

/* Bound to the link: the agent's questions come in there and nowhere else. */
static int open_socket(int family, int type, const char *link)
{
    AUTO_CLOSE int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(DOMAIN_PORT)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(DOMAIN_PORT)};
    int yes = 1, status;

    if (fd < 0) {
        return -errno;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link, (socklen_t)strlen(link) + 1) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0) {
        return -errno;
    }
    if (family == AF_INET) {
        status = bind(fd, (struct sockaddr *)&v4, sizeof(v4));
    } else {
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) < 0) {
            return -errno;
        }
        status = bind(fd, (struct sockaddr *)&v6, sizeof(v6));
    }
    if (status < 0 || (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)) {
        return -errno;
    }
    return take_fd(&fd);
}

int resolver_open_sockets(const char *link, struct resolver_sockets *sockets,
                          struct failure *reterr)
{
    static const int families[2] = {AF_INET, AF_INET6};

    for (size_t i = 0; i < 2; i++) {
        int udp = open_socket(families[i], SOCK_DGRAM, link);
        int tcp = udp < 0 ? udp : open_socket(families[i], SOCK_STREAM, link);

        if (udp == -EAFNOSUPPORT && families[i] == AF_INET6) {
            return 0; /* a kernel without IPv6 */
        }
        sockets->udp[i] = udp < 0 ? -1 : udp;
        sockets->tcp[i] = tcp < 0 ? -1 : tcp;
        if (udp < 0 || tcp < 0) {
            int error = udp < 0 ? udp : tcp;

            failure_set(reterr, error, "cannot listen on port 53: %s", strerror(-error));
            failure_set_needed(reterr, "the resolver in the guard's namespace");
            failure_set_mend(reterr, "failcore doctor");
            return error;
        }
    }
    return 0;
}

void resolver_close_sockets(struct resolver_sockets *sockets)
{
    for (size_t i = 0; i < 2; i++) {
        close_fd(&sockets->udp[i]);
        close_fd(&sockets->tcp[i]);
    }
    close_fd(&sockets->asker);
}
