/*
 * The load of the network benchmark.
 *
 *   net_load serve PORT...                       in the world: answers, echoes, swallows
 *   net_load connect ADDRESS PORT COUNT          p50 and p99 of connect(2), in microseconds
 *   net_load hello ADDRESS PORT COUNT NAME       connect, TLS hello, first byte of the answer
 *   net_load rate ADDRESS PORT SECONDS           connect, 64 bytes there and back, reset; per
 * second net_load bulk ADDRESS PORT MEGABYTES         one upload, in Gbit/s net_load dns ADDRESS
 * NAME COUNT              p50 of a question, in microseconds
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Closing with a reset leaves nothing waiting on either side. */
static int open_connection(const struct sockaddr_in *address)
{
    struct linger at_once = {.l_onoff = 1};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) < 0 ||
        connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
        give_up("connect");
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
    size_t count = strtoul(argv[4], NULL, 10), length = 0;
    double *times = calloc(count, sizeof(*times));
    uint8_t hello[512], answer[64];

    if (name != NULL) {
        length = build_hello(name, hello);
    }
    for (size_t i = 0; times != NULL && i < count; i++) {
        double began = now_us();
        int fd = open_connection(&address);

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
    double began = now_us(), lasts = strtod(argv[4], NULL) * 1e6;
    char bytes[64] = {0};
    size_t count = 0;

    while (now_us() - began < lasts) {
        int fd = open_connection(&address);

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
    size_t left = strtoul(argv[4], NULL, 10) << 20, total = left;
    char *bytes = calloc(1, 1 << 20), answer[64];
    double began = now_us();
    int fd = open_connection(&address);

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

/* The first read is echoed; whatever comes after it is swallowed. */
static void *serve_one(void *argument)
{
    int fd = (int)(intptr_t)argument;
    static _Thread_local char bytes[1 << 18];
    ssize_t count = recv(fd, bytes, sizeof(bytes), 0);

    if (count > 0 && send(fd, bytes, count < 64 ? (size_t)count : 64, MSG_NOSIGNAL) > 0) {
        while (recv(fd, bytes, sizeof(bytes), 0) > 0) {
        }
    }
    close(fd);
    return NULL;
}

static int open_listener(const char *port)
{
    struct sockaddr_in address = address_of("0.0.0.0", port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4096) < 0) {
        give_up("listen");
    }
    return fd;
}

static _Noreturn void serve(int argc, char **argv)
{
    struct pollfd listeners[8];
    nfds_t count = 0;
    pthread_attr_t detached;

    signal(SIGPIPE, SIG_IGN);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (int i = 2; i < argc && count < 8; i++) {
        listeners[count++] = (struct pollfd){.fd = open_listener(argv[i]), .events = POLLIN};
    }
    for (;;) {
        poll(listeners, count, -1);
        for (nfds_t i = 0; i < count; i++) {
            int fd =
                listeners[i].revents == 0 ? -1 : accept4(listeners[i].fd, NULL, NULL, SOCK_CLOEXEC);
            pthread_t thread;

            if (fd >= 0 &&
                pthread_create(&thread, &detached, serve_one, (void *)(intptr_t)fd) != 0) {
                close(fd);
            }
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
