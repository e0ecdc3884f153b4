/*
 * The load of the network benchmark.
 *
 *   net_load serve PORT... -- PORT...        in the world: the first ports answer, echo and
 *                                            swallow; the others take connections now and then
 *   net_load connect ADDRESS PORT COUNT      p50 and p99 of connect(2), in microseconds
 *   net_load hello ADDRESS PORT COUNT NAME   the same of connect, TLS hello, first byte back
 *   net_load rate ADDRESS PORT SECONDS       connect, 64 bytes there and back, reset; per second
 *   net_load bulk ADDRESS PORT MEGABYTES     one upload, in Gbit/s
 *   net_load dns ADDRESS NAME COUNT          p50 and p99 of a question, in microseconds
 *
 * NET_LOAD_PROXY="http ADDRESS PORT" or "socks ADDRESS PORT": each connection goes through that
 * proxy, and is made when the proxy says so.
 *
 * A connect(2) is over with the server's SYN-ACK. A server that shares the processors with the
 * client and takes each connection at once is in the way of the next one, and what it costs depends
 * on who sleeps when: so connects are measured against ports whose connections are taken in
 * batches.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "net_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int compare(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static struct sockaddr_in address_of(const char *text, const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};

    if (inet_pton(AF_INET, text, &address.sin_addr) != 1) {
        give_up("address");
    }
    return address;
}

struct proxy {
    enum { PROXY_NONE = 0, PROXY_HTTP, PROXY_SOCKS } kind;
    struct sockaddr_in address;
};

static struct proxy proxy_from_environment(void)
{
    const char *text = getenv("NET_LOAD_PROXY");
    struct proxy proxy = {.kind = PROXY_NONE};
    char kind[8], address[16], port[8];

    if (text == NULL) {
        return proxy;
    }
    if (sscanf(text, "%7s %15s %7s", kind, address, port) != 3) {
        give_up("NET_LOAD_PROXY");
    }
    proxy.kind = strcmp(kind, "http") == 0 ? PROXY_HTTP : PROXY_SOCKS;
    proxy.address = address_of(address, port);
    return proxy;
}

static void receive_all(int fd, char *bytes, size_t length)
{
    if (recv(fd, bytes, length, MSG_WAITALL) != (ssize_t)length) {
        give_up("proxy");
    }
}

static void ask_http(int fd, const struct sockaddr_in *to)
{
    char host[INET_ADDRSTRLEN], text[128], answer[4096];
    int length;
    size_t got = 0;

    inet_ntop(AF_INET, &to->sin_addr, host, sizeof(host));
    length = snprintf(text, sizeof(text), "CONNECT %s:%u HTTP/1.1\r\nHost: %s\r\n\r\n", host,
                      ntohs(to->sin_port), host);
    if (send(fd, text, (size_t)length, 0) != length) {
        give_up("proxy");
    }
    /* A proxy says nothing of its own after the empty line. */
    while (got < 4 || memcmp(answer + got - 4, "\r\n\r\n", 4) != 0) {
        ssize_t count = recv(fd, answer + got, sizeof(answer) - got, 0);

        if (count <= 0) {
            give_up("proxy");
        }
        got += (size_t)count;
    }
    if (got < 12 || memcmp(answer + 9, "200", 3) != 0) {
        errno = EACCES;
        give_up("proxy");
    }
}

/* RFC 1928: no authentication, CONNECT, IPv4. */
static void ask_socks(int fd, const struct sockaddr_in *to)
{
    char request[10] = {5, 1, 0, 1}, answer[10];

    if (send(fd, "\5\1\0", 3, 0) != 3) {
        give_up("proxy");
    }
    receive_all(fd, answer, 2);
    memcpy(request + 4, &to->sin_addr, 4);
    memcpy(request + 8, &to->sin_port, 2);
    if (send(fd, request, sizeof(request), 0) != sizeof(request)) {
        give_up("proxy");
    }
    receive_all(fd, answer, sizeof(answer));
    if (answer[1] != 0) {
        errno = EACCES;
        give_up("proxy");
    }
}

/* Closing with a reset leaves nothing waiting on either side. */
static int open_connection(const struct sockaddr_in *address, const struct proxy *proxy)
{
    const struct sockaddr_in *first = proxy->kind == PROXY_NONE ? address : &proxy->address;
    struct linger at_once = {.l_onoff = 1};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) < 0 ||
        connect(fd, (const struct sockaddr *)first, sizeof(*first)) < 0) {
        give_up("connect");
    }
    if (proxy->kind == PROXY_HTTP) {
        ask_http(fd, address);
    } else if (proxy->kind == PROXY_SOCKS) {
        ask_socks(fd, address);
    }
    return fd;
}

static void print_percentiles(double *times, size_t count)
{
    qsort(times, count, sizeof(*times), compare);
    printf("%.1f %.1f\n", times[count / 2], times[count * 99 / 100]);
}

/* A TLS 1.3 hello as small as they come, for the name. */
static size_t build_hello(const char *name, uint8_t *bytes)
{
    size_t n = strlen(name), extension = 9 + n, body = 2 + 32 + 1 + 4 + 2 + 2 + extension;
    uint8_t head[] = {22, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3};
    size_t at = sizeof(head);

    head[3] = (uint8_t)((body + 4) >> 8);
    head[4] = (uint8_t)(body + 4);
    head[7] = (uint8_t)(body >> 8);
    head[8] = (uint8_t)body;
    memcpy(bytes, head, sizeof(head));
    memset(bytes + at, 7, 32);
    at += 32;
    memcpy(bytes + at, "\0\0\2\x13\1\1\0", 7);
    at += 7;
    bytes[at++] = (uint8_t)(extension >> 8);
    bytes[at++] = (uint8_t)extension;
    memcpy(bytes + at, "\0\0\0", 3);
    bytes[at + 3] = (uint8_t)(n + 5);
    bytes[at + 4] = 0;
    bytes[at + 5] = (uint8_t)(n + 3);
    bytes[at + 6] = 0;
    bytes[at + 7] = 0;
    bytes[at + 8] = (uint8_t)n;
    memcpy(bytes + at + 9, name, n);
    return at + 9 + n;
}

static void measure_connects(char **argv, const char *name)
{
    struct sockaddr_in address = address_of(argv[2], argv[3]);
    const struct proxy proxy = proxy_from_environment();
    size_t count = strtoul(argv[4], NULL, 10), length = 0;
    double *times = calloc(count, sizeof(*times));
    uint8_t hello[512], answer[64];

    if (name != NULL) {
        length = build_hello(name, hello);
    }
    for (size_t i = 0; times != NULL && i < count; i++) {
        double began = now_us();
        int fd = open_connection(&address, &proxy);

        if (name != NULL && (send(fd, hello, length, 0) < 0 || recv(fd, answer, 64, 0) <= 0)) {
            give_up("hello");
        }
        times[i] = now_us() - began;
        close(fd);
    }
    print_percentiles(times, count);
    free(times);
}

static void measure_rate(char **argv)
{
    struct sockaddr_in address = address_of(argv[2], argv[3]);
    const struct proxy proxy = proxy_from_environment();
    double began = now_us(), lasts = strtod(argv[4], NULL) * 1e6;
    char bytes[64] = {0};
    size_t count = 0;

    while (now_us() - began < lasts) {
        int fd = open_connection(&address, &proxy);

        if (send(fd, bytes, 64, 0) != 64 || recv(fd, bytes, 64, 0) <= 0) {
            give_up("echo");
        }
        close(fd);
        count++;
    }
    printf("%.0f\n", (double)count / (now_us() - began) * 1e6);
}

static void measure_bulk(char **argv)
{
    struct sockaddr_in address = address_of(argv[2], argv[3]);
    const struct proxy proxy = proxy_from_environment();
    size_t left = strtoul(argv[4], NULL, 10) << 20, total = left;
    char *bytes = calloc(1, 1 << 20), answer[64];
    double began = now_us();
    int fd = open_connection(&address, &proxy);

    while (bytes != NULL && left > 0) {
        ssize_t sent = send(fd, bytes, left < 1 << 20 ? left : 1 << 20, 0);

        if (sent < 0) {
            give_up("send");
        }
        left -= (size_t)sent;
    }
    shutdown(fd, SHUT_WR);
    while (recv(fd, answer, sizeof(answer), 0) > 0) {
    }
    printf("%.2f\n", (double)total * 8 / (now_us() - began) / 1e3);
    free(bytes);
}

static void measure_dns(char **argv)
{
    struct sockaddr_in address = address_of(argv[2], "53");
    size_t count = strtoul(argv[4], NULL, 10), length = 12, label = 12;
    double *times = calloc(count, sizeof(*times));
    uint8_t question[300] = {0, 1, 1, 0, 0, 1}, answer[1500];
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    for (const char *at = argv[3];; at++) {
        if (*at == '.' || *at == '\0') {
            question[label] = (uint8_t)(length - label);
            label = ++length;
            if (*at == '\0') {
                break;
            }
        } else {
            question[++length] = (uint8_t)*at;
        }
    }
    question[length++] = 0;
    memcpy(question + length, "\0\1\0\1", 4);
    length += 4;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        give_up("dns");
    }
    for (size_t i = 0; times != NULL && i < count; i++) {
        double began = now_us();

        if (send(fd, question, length, 0) < 0 || recv(fd, answer, sizeof(answer), 0) < 0) {
            give_up("question");
        }
        times[i] = now_us() - began;
        usleep(2000); /* stay within the question budget's burst */
    }
    print_percentiles(times, count);
    free(times);
}

enum port_use { PORT_SERVED = 0, PORT_TAKEN_AT_LEISURE };

#define PORTS_MAX    16
#define LEISURE_MS   5
#define EVENTS_MAX   64
#define FIRST_ECHO   64U
#define LISTENER     UINT64_C(1) /* in an event's word, beside the descriptor */
#define HAS_ANSWERED UINT64_C(2)

static uint64_t event_word(int fd, uint64_t flags)
{
    return (uint64_t)(unsigned int)fd << 8 | flags;
}

static void watch(int epoll, int operation, int fd, uint64_t flags)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = event_word(fd, flags)};

    if (epoll_ctl(epoll, operation, fd, &event) < 0) {
        give_up("epoll");
    }
}

static int open_listener(const char *port)
{
    struct sockaddr_in address = address_of("0.0.0.0", port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4096) < 0) {
        give_up("listen");
    }
    return fd;
}

/* The first read is echoed; whatever comes after it is swallowed. */
static void serve_connection(int epoll, int fd, bool has_answered)
{
    static char bytes[1 << 18];
    ssize_t count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (count < 0 && errno == EAGAIN) {
        return;
    }
    if (count <= 0) {
        close(fd);
    } else if (!has_answered) {
        (void)send(fd, bytes, (size_t)count < FIRST_ECHO ? (size_t)count : FIRST_ECHO,
                   MSG_NOSIGNAL | MSG_DONTWAIT);
        watch(epoll, EPOLL_CTL_MOD, fd, HAS_ANSWERED);
    }
}

static void take_at_leisure(const int *listeners, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int fd;

        while ((fd = accept4(listeners[i], NULL, NULL, SOCK_CLOEXEC)) >= 0) {
            close(fd);
        }
    }
}

static _Noreturn void serve(int argc, char **argv)
{
    enum port_use use = PORT_SERVED;
    int epoll = epoll_create1(EPOLL_CLOEXEC), at_leisure[PORTS_MAX];
    struct epoll_event events[EVENTS_MAX];
    size_t leisurely = 0;
    double taken = 0;

    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            use = PORT_TAKEN_AT_LEISURE;
        } else if (use == PORT_SERVED) {
            watch(epoll, EPOLL_CTL_ADD, open_listener(argv[i]), LISTENER);
        } else if (leisurely < PORTS_MAX) {
            at_leisure[leisurely++] = open_listener(argv[i]);
        }
    }
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_MAX, LEISURE_MS);

        for (int i = 0; i < count; i++) {
            int fd = (int)(events[i].data.u64 >> 8);

            if ((events[i].data.u64 & LISTENER) == 0) {
                serve_connection(epoll, fd, (events[i].data.u64 & HAS_ANSWERED) != 0);
            } else if ((fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
                watch(epoll, EPOLL_CTL_ADD, fd, 0);
            }
        }
        if (now_us() - taken > LEISURE_MS * 1e3) {
            take_at_leisure(at_leisure, leisurely);
            taken = now_us();
        }
    }
}

int main(int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[1] : "";

    if (strcmp(mode, "serve") == 0) {
        serve(argc, argv);
    } else if (strcmp(mode, "connect") == 0 && argc == 5) {
        measure_connects(argv, NULL);
    } else if (strcmp(mode, "hello") == 0 && argc == 6) {
        measure_connects(argv, argv[5]);
    } else if (strcmp(mode, "rate") == 0 && argc == 5) {
        measure_rate(argv);
    } else if (strcmp(mode, "bulk") == 0 && argc == 5) {
        measure_bulk(argv);
    } else if (strcmp(mode, "dns") == 0 && argc == 5) {
        measure_dns(argv);
    } else {
        fprintf(stderr, "net_load: see the top of net_load.c\n");
        return 2;
    }
    return 0;
}
