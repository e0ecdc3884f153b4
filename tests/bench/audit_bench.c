/*
 * The audit log's costs, in one run: what a caller pays per event against an empty loop, a
 * SOCK_SEQPACKET send and an append under flock; what the writer sustains; a burst; verifying.
 *
 *   bench_audit DIRECTORY      a directory of its own; prints Markdown
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shared/audit/event_record.h"
#include "shared/audit/producer.h"
#include "shared/audit/verify.h"

#define SAMPLES      40000U
#define PACE_NS      1000000U /* bursts of one millisecond */
#define BURST_EVENTS 1000000U
#define SUSTAIN_RATE 100000U
#define SUSTAIN_S    5U

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void sleep_until(uint64_t when)
{
    struct timespec time = {.tv_sec = (time_t)(when / 1000000000U),
                            .tv_nsec = (long)(when % 1000000000U)};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

struct subject {
    struct audit_producer *producer;
    int socket;
    int file;
    pid_t pid;
    struct audit_event event;
    char line[512];
};

typedef void action(struct subject *subject, uint64_t number);

static struct audit_event event_of(const struct subject *subject, uint64_t number)
{
    static const char *const paths[] = {"src/main.c", "src/parser/tree.c", "docs/index.md",
                                        "tests/unit/parser/test_tree.c"};

    return (struct audit_event){
        .kind = AUDIT_KIND_DECISION,
        .source = AUDIT_SOURCE_FS,
        .status = AUDIT_STATUS_ALLOWED,
        .decision = AUDIT_DECISION_ALLOWED,
        .phase = AUDIT_PHASE_POLICY,
        .actor = {.pid = subject->pid, .uid = 1000, .gid = 1000, .present = true},
        .call.fs = {.operation = "write",
                    .path = str_view_from(paths[number % 4]),
                    .inode = number},
        .rule = STR_VIEW_LITERAL("workspace"),
        .overhead_ns = 800,
    };
}

static void emit(struct subject *subject, uint64_t number)
{
    const struct audit_event event = event_of(subject, number);

    if (audit_emit(subject->producer, &event, NULL) < 0) {
        fprintf(stderr, "bench_audit: an event was refused\n");
        exit(1);
    }
}

/* What the caller of audit_emit() does anyway: it has the event. */
static void nothing(struct subject *subject, uint64_t number)
{
    subject->event = event_of(subject, number);
}

static void send_packet(struct subject *subject, uint64_t number)
{
    memcpy(subject->line, &number, sizeof(number));
    (void)!send(subject->socket, subject->line, 320, 0);
}

/* What a log with file locking does: take the lock, read the head again, append, let go. */
static void append_locked(struct subject *subject, uint64_t number)
{
    char last[96];

    memcpy(subject->line, &number, sizeof(number));
    flock(subject->file, LOCK_EX);
    (void)!pread(subject->file, last, sizeof(last), 0);
    (void)!write(subject->file, subject->line, sizeof(subject->line));
    flock(subject->file, LOCK_UN);
}

static int compare(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;

    return *a < *b ? -1 : *a > *b;
}

struct figures {
    uint32_t p50, p99, p999;
    double mean;
};

static struct figures measure(action *what, struct subject *subject, unsigned int per_burst)
{
    static uint32_t sample[SAMPLES];
    struct figures figures = {0};
    uint64_t next = now_ns();
    uint64_t total = 0;

    for (unsigned int i = 0; i < SAMPLES; i++) {
        uint64_t begin;

        if (i % per_burst == 0) {
            next += PACE_NS;
            sleep_until(next);
        }
        begin = now_ns();
        what(subject, i);
        sample[i] = (uint32_t)(now_ns() - begin);
        total += sample[i];
    }
    qsort(sample, SAMPLES, sizeof(sample[0]), compare);
    figures.p50 = sample[SAMPLES / 2];
    figures.p99 = sample[SAMPLES / 100 * 99];
    figures.p999 = sample[SAMPLES / 1000 * 999];
    figures.mean = (double)total / SAMPLES;
    return figures;
}

static void *drain_socket(void *argument)
{
    int *socket = argument;
    char buffer[1024];

    while (recv(*socket, buffer, sizeof(buffer), 0) > 0) {
    }
    return NULL;
}

static void caller_path(struct subject *subject, unsigned int per_burst)
{
    static const struct {
        const char *name;
        action *what;
    } rows[] = {{"empty loop", nothing},
                {"audit_emit", emit},
                {"SOCK_SEQPACKET send", send_packet},
                {"append under flock", append_locked}};
    struct figures empty = {0};

    printf("\ncaller's path, ns, %u,000 events/s in bursts of 1 ms (in all of it: reading the "
           "clock, and "
           "making the event or line)\n\n",
           per_burst);
    puts("| what | p50 | p99 | p99.9 | mean | p50 - empty | p99 / empty "
         "|\n|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct figures figures = measure(rows[i].what, subject, per_burst);

        if (i == 0) {
            empty = figures;
        }
        printf("| %s | %u | %u | %u | %.0f | %u | %.1f |\n", rows[i].name, figures.p50, figures.p99,
               figures.p999, figures.mean, figures.p50 - empty.p50,
               (double)figures.p99 / (empty.p99 == 0 ? 1 : empty.p99));
    }
}

static void sustained(struct subject *subject)
{
    uint64_t begin = now_ns();
    uint64_t next = begin;
    uint64_t done = 0;

    while (done < (uint64_t)SUSTAIN_RATE * SUSTAIN_S) {
        for (unsigned int i = 0; i < SUSTAIN_RATE / 1000; i++) {
            emit(subject, done++);
        }
        next += PACE_NS;
        sleep_until(next);
    }
    printf("| %u events/s asked, sustained | %.0f events/s |\n", SUSTAIN_RATE,
           (double)done * 1e9 / (double)(now_ns() - begin));
    begin = now_ns();
    for (uint64_t i = 0; i < BURST_EVENTS; i++) {
        emit(subject, i);
    }
    printf("| a burst of %u events, none refused | %.0f events/s |\n", BURST_EVENTS,
           (double)BURST_EVENTS * 1e9 / (double)(now_ns() - begin));
}

static void verifying(const char *log, unsigned int threads)
{
    const struct audit_verify_options options = {.path = log, .threads = threads};
    struct audit_verdict verdict;
    struct failure failure = {0};
    uint64_t begin = now_ns();

    if (audit_verify(&options, &verdict, &failure) < 0 || !verdict.intact) {
        fprintf(stderr, "bench_audit: the log does not verify: %s%s\n", failure.what, verdict.why);
        exit(1);
    }
    printf("| verify (chain, ledger, tree, grammar), %u threads | %.0f records/s |\n", threads,
           (double)verdict.records * 1e9 / (double)(now_ns() - begin));
}

int main(int argc, char **argv)
{
    struct audit_producer_options options = {.program = "bench_audit",
                                             .policy_name = STR_VIEW_LITERAL("bench"),
                                             .policy_revision = STR_VIEW_LITERAL("1"),
                                             .policy_hash = STR_VIEW_LITERAL("0123456789abcdef")};
    struct subject subject = {0};
    struct failure failure = {0};
    char log[4096];
    char file[4096];
    int sockets[2];
    pthread_t drainer;

    if (argc != 2) {
        fprintf(stderr, "usage: bench_audit DIRECTORY\n");
        return 2;
    }
    snprintf(log, sizeof(log), "%s/log", argv[1]);
    snprintf(file, sizeof(file), "%s/flock", argv[1]);
    options.directory = log;
    subject.file = open(file, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (subject.file < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0 ||
        pthread_create(&drainer, NULL, drain_socket, &sockets[1]) != 0) {
        perror("bench_audit");
        return 1;
    }
    subject.socket = sockets[0];
    subject.pid = getpid();
    if (audit_producer_attach(&options, &subject.producer, &failure) < 0) {
        failure_print(stderr, "bench_audit", &failure);
        return 1;
    }
    /* The bar speaks of a producer at work. With 50 events a millisecond one in fifty is the first
     * after a sleep, whose caches others have used: that row shows what it costs. */
    caller_path(&subject, 200);
    caller_path(&subject, 50);
    puts("\n| throughput | |\n|---|---|");
    sustained(&subject);
    audit_producer_detach(subject.producer);
    verifying(log, 1);
    verifying(log, (unsigned int)sysconf(_SC_NPROCESSORS_ONLN));
    shutdown(sockets[0], SHUT_RDWR);
    pthread_join(drainer, NULL);
    return 0;
}
