/*
 * A producer for tests: THREADS threads emit EVENTS events each, then the producer detaches.
 *
 *   audit_emitter DIR THREADS EVENTS [sync|pairs|hold|denials|looks|names|count FILE TAG|
 *                                   sync FILE TAG|stubborn FILE TAG]
 *
 * pairs: each DECISION is followed by its RESULT, emitted by another thread's slot at times.
 * denials, looks: the same refused write, the same allowed read, over and over.
 * names: refused connections to one address under five TLS names.
 * count: FILE holds, for each thread, how many events were recorded so far, in 8 bytes each; it is
 * right also after SIGKILL. The paths are TAG/THREAD/NUMBER. With sync: how many are durable.
 * stubborn: as count, but begins with the first line of standard input and goes on after a refusal;
 * FILE holds, from byte 512 on, how many events of each thread were refused. Prints that too.
 * hold: stays attached until standard input ends. Prints how many events were emitted.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/audit/producer.h"

#define THREADS_MAX 64

struct work {
    struct audit_producer *producer;
    _Atomic uint64_t *count; /* NULL: none wanted */
    _Atomic uint64_t *refused;
    const char *mode;
    const char *tag;
    unsigned long events;
    unsigned int number;
    bool sync;
    bool pairs;
    bool stubborn;
    unsigned long emitted;
    int error;
};

static struct audit_event event_of(unsigned long number, const char *path)
{
    return (struct audit_event){
        .kind = AUDIT_KIND_DECISION,
        .source = AUDIT_SOURCE_FS,
        .status = AUDIT_STATUS_ALLOWED,
        .decision = AUDIT_DECISION_ALLOWED,
        .phase = AUDIT_PHASE_POLICY,
        .actor =
            {.pid = getpid(), .tid = gettid(), .uid = getuid(), .gid = getgid(), .present = true},
        .call.fs = {.operation = "write", .path = str_view_from(path), .inode = number},
        .rule = STR_VIEW_LITERAL("workspace"),
        .overhead_ns = 1500,
    };
}

static struct audit_event refused_name(unsigned long number)
{
    static const char *const names[] = {"a.example", "b.example", "c.example", "d.example",
                                        "e.example"};
    struct audit_event event = event_of(number, "");

    event.source = AUDIT_SOURCE_NET;
    event.decision = AUDIT_DECISION_BLOCKED;
    event.status = AUDIT_STATUS_BLOCKED;
    event.code = STR_VIEW_LITERAL("NAME_MISMATCH");
    event.actor.present = false;
    event.call.net =
        (struct audit_call_net){.operation = "connect",
                                .protocol = "tcp",
                                .address = ip_address_v4((const uint8_t[]){192, 0, 2, 1}),
                                .port = 443,
                                .sni = str_view_from(names[number % 5])};
    return event;
}

static void *emit(void *argument)
{
    struct work *work = argument;

    for (unsigned long i = 0; i < work->events; i++) {
        char path[64];
        struct audit_event event;
        uint64_t ticket;

        snprintf(path, sizeof(path), "%s/thread-%u/file-%lu", work->tag, work->number, i);
        event = event_of(i + 1, path);
        if (strcmp(work->mode, "denials") == 0) {
            event.call.fs.path = STR_VIEW_LITERAL(".env");
            event.decision = AUDIT_DECISION_BLOCKED;
            event.status = AUDIT_STATUS_BLOCKED;
            event.code = STR_VIEW_LITERAL("PATH_DENIED");
        } else if (strcmp(work->mode, "looks") == 0) {
            event.call.fs.path = STR_VIEW_LITERAL("src/main.c");
            event.call.fs.operation = "read";
        }
        if (strcmp(work->mode, "names") == 0) {
            event = refused_name(i);
        }
        event.sync = work->sync;
        work->error = audit_emit(work->producer, &event, &ticket);
        if (work->error < 0 && work->stubborn) {
            atomic_fetch_add(work->refused, 1);
            continue;
        }
        if (work->error < 0) {
            break;
        }
        work->emitted++;
        if (work->count != NULL) {
            atomic_fetch_add(work->count, 1);
        }
        if (work->pairs) {
            event.kind = AUDIT_KIND_RESULT;
            event.status = AUDIT_STATUS_OK;
            event.phase = AUDIT_PHASE_EXECUTE;
            event.of = ticket;
            work->error = audit_emit(work->producer, &event, NULL);
            if (work->error < 0) {
                break;
            }
            work->emitted++;
        }
    }
    return NULL;
}

static _Atomic uint64_t *map_counts(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *mapped = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, 4096) == 0) {
        mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
    return mapped == MAP_FAILED ? NULL : mapped;
}

int main(int argc, char **argv)
{
    struct failure failure = {0};
    unsigned int threads = argc > 3 ? (unsigned int)strtoul(argv[2], NULL, 10) : 0;
    const char *mode = argc > 4 ? argv[4] : "";
    struct audit_producer_options options = {.directory = argc > 3 ? argv[1] : NULL,
                                             .program = "audit_emitter",
                                             .policy_name = STR_VIEW_LITERAL("test"),
                                             .policy_revision = STR_VIEW_LITERAL("1"),
                                             .policy_hash = STR_VIEW_LITERAL("0123456789abcdef"),
                                             .threads = threads};
    _Atomic uint64_t *counts = argc > 6 ? map_counts(argv[5]) : NULL;
    struct audit_producer *producer;
    pthread_t thread[THREADS_MAX];
    struct work work[THREADS_MAX] = {0};
    unsigned long emitted = 0;
    uint64_t refused = 0;
    int error = 0;

    if (argc < 4 || threads > THREADS_MAX) {
        fprintf(stderr, "usage: %s DIR THREADS EVENTS [MODE]\n", argv[0]);
        return 2;
    }
    if (audit_producer_attach(&options, &producer, &failure) < 0) {
        failure_print(stderr, "audit_emitter", &failure);
        return 1;
    }
    if (strcmp(mode, "stubborn") == 0) {
        (void)getchar();
    }
    for (unsigned int i = 0; i < threads; i++) {
        work[i] = (struct work){.producer = producer,
                                .events = strtoul(argv[3], NULL, 10),
                                .number = i,
                                .mode = mode,
                                .tag = argc > 6 ? argv[6] : "src",
                                .count = counts == NULL ? NULL : counts + i,
                                .refused = counts == NULL ? NULL : counts + THREADS_MAX + i,
                                .stubborn = counts != NULL && strcmp(mode, "stubborn") == 0,
                                .sync = strcmp(mode, "sync") == 0,
                                .pairs = strcmp(mode, "pairs") == 0};
        if (pthread_create(&thread[i], NULL, emit, &work[i]) != 0) {
            return 1;
        }
    }
    for (unsigned int i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
        emitted += work[i].emitted;
        refused += work[i].stubborn ? atomic_load(work[i].refused) : 0;
        error = work[i].error < 0 ? work[i].error : error;
    }
    printf("%lu\n", emitted);
    if (strcmp(mode, "stubborn") == 0) {
        printf("%llu refused\n", (unsigned long long)refused);
    }
    fflush(stdout);
    if (strcmp(mode, "hold") == 0) {
        while (getchar() != EOF) {
        }
    }
    audit_producer_detach(producer);
    if (error < 0) {
        fprintf(stderr, "audit_emitter: refused: %s\n", strerror(-error));
        return 1;
    }
    return 0;
}
