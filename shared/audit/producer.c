/*
 * The producer's side: rings, slots, and publishing.
 *
 * Each of the declared threads gets a slot of its own at its first event: a ring, a cache of
 * actors, the next pseq. One more slot, under a lock, serves whatever threads come on top. A slot
 * is one producer of the log: it has its own number and its own contiguous pseq.
 *
 * Publishing is a copy into the ring and one release store. The writer polls; it is woken only
 * when it sleeps, when somebody waits for durability, or when a ring fills up.
 */
#include "shared/audit/producer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shared/audit/actor_cache.h"
#include "shared/audit/attach.h"
#include "shared/audit/directory.h"
#include "shared/audit/event_record.h"
#include "shared/audit/json_members.h"
#include "shared/audit/ring.h"
#include "shared/audit/writer_start.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/crypto/sha256.h"

#define FULL_WAIT_NS    50000000U   /* how long an event waits for room */
#define DURABLE_WAIT_NS 5000000000U /* and for the disk */
#define DRAIN_WAIT_NS   5000000000U /* and, at the end, for the writer to take everything */
#define TURN_WAIT_NS    20000000U   /* one sleep; then the writer's life is looked at again */

#define TICKET_SLOT_SHIFT 48 /* a ticket is slot number and pseq + 1 */

struct slot {
    struct audit_producer *producer;
    struct ring_producer ring;
    uint64_t next_pseq;
    uint64_t unaccounted; /* events refused since the last record: their pseq are burned */
    struct sha256 *sha;
    struct actor_cache *actors;
    atomic_bool taken;
    unsigned int index;
    int fd; /* the data file, kept for handing it to a writer */
};

struct audit_producer {
    char run[RUN_ID_MAX];
    char directory[PATH_MAX];
    int socket;
    int wake;
    int proc;
    struct writer_state *state; /* read-only */
    size_t state_bytes;
    unsigned int slot_count; /* the last one is shared, under `lock` */
    struct slot *slots;
    pthread_key_t key;
    bool has_key;
    pthread_mutex_t lock;
    pthread_mutex_t policy_lock;
    _Atomic uint32_t policy;
};

static uint64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* ---- attaching ------------------------------------------------------------------------------ */

static int run_id_make(char run[static RUN_ID_MAX])
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32 of them */
    struct timespec now;
    struct tm utc = {0};
    uint8_t random[4];
    size_t length;

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return -EIO;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    length = strftime(run, RUN_ID_MAX, "%Y%m%d-%H%M%S-", &utc);
    for (size_t i = 0; i < sizeof(random); i++) {
        run[length + i] = letters[random[i] % 32];
    }
    run[length + sizeof(random)] = '\0';
    return 0;
}

static int copy_text(char *to, size_t room, struct str_view text)
{
    if (text.length >= room || memchr(text.bytes == NULL ? "" : text.bytes, '\0', text.length)) {
        return -EINVAL;
    }
    memset(to, 0, room);
    if (text.length > 0) {
        memcpy(to, text.bytes, text.length);
    }
    return 0;
}

static int map_slot(struct slot *slot, struct failure *reterr)
{
    void *mapped;

    slot->fd = ring_file_create();
    if (slot->fd < 0) {
        return failure_set(reterr, slot->fd, "cannot make a ring for the audit log: %s",
                           strerror(-slot->fd));
    }
    mapped = mmap(NULL, RING_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, slot->fd, 0);
    if (mapped == MAP_FAILED) {
        return failure_set(reterr, -errno, "cannot map a ring of the audit log: %s",
                           strerror(errno));
    }
    slot->ring.head = mapped;
    slot->ring.bytes = (uint8_t *)mapped + RING_HEAD_BYTES;
    /* A copy of the ring in a child would make two producers of one ring. */
    if (madvise(mapped, RING_FILE_BYTES, MADV_DONTFORK) < 0) {
        return failure_set(reterr, -errno, "cannot keep a ring from children: %s", strerror(errno));
    }
    slot->sha = sha256_new();
    slot->actors = calloc(1, sizeof(*slot->actors));
    if (slot->sha == NULL || slot->actors == NULL) {
        return failure_set(reterr, -ENOMEM, "no memory for the audit log's rings");
    }
    return 0;
}

static int make_slots(struct audit_producer *producer, unsigned int threads, struct failure *reterr)
{
    producer->slot_count = (threads == 0 ? 1 : threads) + 1;
    if (producer->slot_count > ATTACH_RINGS_MAX) {
        return failure_set(reterr, -EINVAL, "too many threads for one audit producer");
    }
    producer->slots = calloc(producer->slot_count, sizeof(*producer->slots));
    if (producer->slots == NULL) {
        return failure_set(reterr, -ENOMEM, "no memory for the audit log's rings");
    }
    for (unsigned int i = 0; i < producer->slot_count; i++) {
        producer->slots[i].fd = -1;
    }
    for (unsigned int i = 0; i < producer->slot_count; i++) {
        int error;

        producer->slots[i].producer = producer;
        producer->slots[i].index = i;
        error = map_slot(&producer->slots[i], reterr);
        if (error < 0) {
            return error;
        }
    }
    return 0;
}

static int send_hello(const struct audit_producer *producer,
                      const struct audit_producer_options *options)
{
    struct attach_hello hello = {.magic = ATTACH_MAGIC,
                                 .version = ATTACH_VERSION,
                                 .kind = ATTACH_HELLO,
                                 .ring_count = producer->slot_count};
    int error = 0;

    memcpy(hello.run, producer->run, sizeof(hello.run));
    if (copy_text(hello.program, sizeof(hello.program), str_view_from(options->program)) < 0 ||
        copy_text(hello.policy_name, sizeof(hello.policy_name), options->policy_name) < 0 ||
        copy_text(hello.policy_revision, sizeof(hello.policy_revision), options->policy_revision) <
            0 ||
        copy_text(hello.policy_hash, sizeof(hello.policy_hash), options->policy_hash) < 0) {
        return -EINVAL;
    }
    error = send_with_fds(producer->socket, &hello, sizeof(hello), NULL, 0);
    for (unsigned int i = 0; error == 0 && i < producer->slot_count; i++) {
        const struct attach_ring ring = {
            .magic = ATTACH_MAGIC, .version = ATTACH_VERSION, .kind = ATTACH_RING, .index = i};

        error = send_with_fds(producer->socket, &ring, sizeof(ring), &producer->slots[i].fd, 1);
    }
    return error;
}

/* SR28: a state file that a producer could write would let one producer fake another's progress. */
static int map_state(struct audit_producer *producer, int fd, const struct attach_welcome *welcome)
{
    const int wanted = F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    const uint8_t *first;
    void *mapped;

    if (fcntl(fd, F_GET_SEALS) != wanted ||
        welcome->ring_state_offset % _Alignof(struct ring_state) != 0 ||
        welcome->ring_state_offset + (uint64_t)producer->slot_count * sizeof(struct ring_state) >
            welcome->state_bytes) {
        return -EPROTO;
    }
    mapped = mmap(NULL, welcome->state_bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        return -errno;
    }
    producer->state = mapped;
    producer->state_bytes = welcome->state_bytes;
    first = (const uint8_t *)mapped + welcome->ring_state_offset;
    for (unsigned int i = 0; i < producer->slot_count; i++) {
        struct ring_producer *ring = &producer->slots[i].ring;

        ring->state = (const struct ring_state *)(const void *)first + i;
        ring->limit = atomic_load(&ring->state->consumed) + RING_BYTES;
    }
    return 0;
}

static int receive_welcome(struct audit_producer *producer)
{
    struct attach_welcome welcome;
    int fds[2] = {-1, -1};
    size_t fd_count = 2;
    ssize_t length = receive_with_fds(producer->socket, &welcome, sizeof(welcome), fds, &fd_count);
    int error;

    if (length < 0) {
        return (int)length;
    }
    if (length == 0) {
        return -ECONNRESET;
    }
    error = length != (ssize_t)sizeof(welcome) || fd_count != 2 || welcome.magic != ATTACH_MAGIC ||
                    welcome.version != ATTACH_VERSION || welcome.kind != ATTACH_WELCOME
                ? -EPROTO
                : map_state(producer, fds[0], &welcome);
    if (fd_count > 0) {
        close(fds[0]);
    }
    if (error < 0) {
        if (fd_count > 1) {
            close(fds[1]);
        }
        return error;
    }
    producer->wake = fds[1];
    return 0;
}

static int attach_once(struct audit_producer *producer,
                       const struct audit_producer_options *options, struct failure *reterr)
{
    int error;

    producer->socket = writer_connect(producer->directory, reterr);
    if (producer->socket < 0) {
        return producer->socket;
    }
    error = send_hello(producer, options);
    if (error == 0) {
        error = receive_welcome(producer);
    }
    if (error < 0) {
        close_fd(&producer->socket);
    }
    return error;
}

/* A writer may be about to leave just when we connect: it hangs up, and the next try starts one. */
static int attach(struct audit_producer *producer, const struct audit_producer_options *options,
                  struct failure *reterr)
{
    int error = 0;

    for (unsigned int tries = 0; tries < 5; tries++) {
        error = attach_once(producer, options, reterr);
        if (error != -ECONNRESET && error != -EPIPE) {
            break;
        }
    }
    if (error < 0) {
        failure_set(reterr, error, "cannot attach to the audit log's writer of %s: %s",
                    producer->directory, strerror(-error));
        failure_set_needed(reterr, "every decision is recorded before its effect");
        failure_set_mend(reterr, "failcore audit verify %s", producer->directory);
    }
    return error;
}

static void slot_release(void *value)
{
    struct slot *slot = value;

    atomic_store(&slot->taken, false);
}

int audit_producer_attach(const struct audit_producer_options *options,
                          struct audit_producer **ret_producer, struct failure *reterr)
{
    struct audit_producer *producer = calloc(1, sizeof(*producer));
    int error = 0;
    int fd;

    if (producer == NULL) {
        return failure_set(reterr, -ENOMEM, "no memory");
    }
    producer->socket = producer->wake = producer->proc = -1;
    pthread_mutex_init(&producer->lock, NULL);
    pthread_mutex_init(&producer->policy_lock, NULL);
    fd = audit_directory_make(options->directory, producer->directory, reterr);
    if (fd < 0) {
        error = fd;
        goto out_detach;
    }
    close(fd);
    producer->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (producer->proc < 0) {
        error = failure_set(reterr, -errno, "cannot open /proc: %s", strerror(errno));
        goto out_detach;
    }
    error = options->run == NULL
                ? run_id_make(producer->run)
                : copy_text(producer->run, sizeof(producer->run), str_view_from(options->run));
    if (error < 0) {
        failure_set(reterr, error, "cannot use the run id");
        goto out_detach;
    }
    error = make_slots(producer, options->threads, reterr);
    if (error < 0) {
        goto out_detach;
    }
    error = -pthread_key_create(&producer->key, slot_release);
    if (error < 0) {
        failure_set(reterr, error, "no thread key for the audit log");
        goto out_detach;
    }
    producer->has_key = true;
    error = attach(producer, options, reterr);
    if (error < 0) {
        goto out_detach;
    }
    *ret_producer = producer;
    return 0;

out_detach:
    audit_producer_detach(producer);
    return error;
}

const char *audit_producer_run(const struct audit_producer *producer)
{
    return producer->run;
}

const char *audit_producer_directory(const struct audit_producer *producer)
{
    return producer->directory;
}

int audit_producer_alarm_fd(const struct audit_producer *producer)
{
    return producer->socket;
}

/* ---- waiting for the writer -------------------------------------------------------------------
 */

static bool writer_is_gone(const struct audit_producer *producer)
{
    struct pollfd alarm = {.fd = producer->socket, .events = POLLIN};

    return poll(&alarm, 1, 0) != 0; /* nothing is ever sent after WELCOME: readable is hang-up */
}

static void writer_wake(const struct audit_producer *producer)
{
    const uint64_t one = 1;

    /* A full counter wakes too, and a dead writer is seen by whoever waits. */
    (void)!write(producer->wake, &one, sizeof(one));
}

/* Waits until *position (in the state file) reaches `wanted`. 0, -ETIMEDOUT or -EIO. */
static int slot_wait(struct slot *slot, const _Atomic uint64_t *position, uint64_t wanted,
                     uint64_t wait_ns)
{
    struct ring_producer *ring = &slot->ring;
    uint64_t until = monotonic_ns() + wait_ns;
    int error = 0;

    atomic_store(&ring->head->waiting, 1);
    for (;;) {
        const struct timespec turn_wait = {.tv_nsec = TURN_WAIT_NS};
        uint32_t turn = atomic_load(&ring->state->turn);

        if (atomic_load(position) >= wanted) {
            break;
        }
        if (atomic_load(&slot->producer->state->condition) != WRITER_OK ||
            writer_is_gone(slot->producer)) {
            error = -EIO;
            break;
        }
        if (monotonic_ns() >= until) {
            error = -ETIMEDOUT;
            break;
        }
        writer_wake(slot->producer);
        syscall(SYS_futex, &ring->state->turn, FUTEX_WAIT, turn, &turn_wait, NULL, 0);
    }
    atomic_store(&ring->head->waiting, 0);
    return error;
}

/* ---- publishing -------------------------------------------------------------------------------
 */

/* What an event becomes before it is copied into the ring. */
struct prepared {
    struct event_head head;
    struct str_view text[EVENT_TEXT_COUNT];
    uint8_t path_digest[SHA256_SIZE];
    uint8_t path2_digest[SHA256_SIZE];
    uint8_t digest[SHA256_SIZE];
    uint8_t answers[AUDIT_ANSWERS_MAX * EVENT_ADDRESS_SIZE];
};

static void set_text(struct prepared *prepared, enum event_text which, struct str_view text)
{
    prepared->text[which] = text;
    if (text.length > EVENT_TEXT_MAX) {
        prepared->text[which].length = EVENT_TEXT_MAX;
    }
}

static int set_digest(struct prepared *prepared, struct slot *slot, enum event_text which,
                      struct str_view of, uint8_t digest[static SHA256_SIZE])
{
    prepared->text[which] = (struct str_view){.bytes = (const char *)digest, .length = SHA256_SIZE};
    return sha256_of(slot->sha, of.bytes, of.length, digest);
}

static int set_path(struct prepared *prepared, struct slot *slot, enum event_text which,
                    struct str_view path)
{
    bool is_second = which == EVENT_TEXT_PATH2;

    prepared->text[which] = path;
    if (path.length <= EVENT_PATH_MAX) {
        return 0;
    }
    prepared->text[which].length = EVENT_PATH_MAX;
    if (is_second) {
        prepared->head.path2_length = (uint32_t)path.length;
        return set_digest(prepared, slot, EVENT_TEXT_PATH2_DIGEST, path, prepared->path2_digest);
    }
    prepared->head.path_length = (uint32_t)path.length;
    return set_digest(prepared, slot, EVENT_TEXT_PATH_DIGEST, path, prepared->path_digest);
}

static void set_address(uint8_t to[static EVENT_ADDRESS_SIZE], const struct ip_address *address)
{
    to[0] = (uint8_t)address->family;
    memcpy(to + 1, address->bytes, sizeof(address->bytes));
}

static int prepare_call(struct prepared *prepared, struct slot *slot,
                        const struct audit_event *event)
{
    struct event_head *head = &prepared->head;
    const char *operation = NULL;
    int error = 0;

    switch (event->source) {
    case AUDIT_SOURCE_FS:
        operation = event->call.fs.operation;
        head->numbers[EVENT_NUMBER_FLAGS] = event->call.fs.flags;
        head->numbers[EVENT_NUMBER_INODE] = event->call.fs.inode;
        head->numbers[EVENT_NUMBER_BYTES_IN] = event->call.fs.bytes_read;
        head->numbers[EVENT_NUMBER_BYTES_OUT] = event->call.fs.bytes_written;
        error = set_path(prepared, slot, EVENT_TEXT_PATH, event->call.fs.path);
        if (error == 0) {
            error = set_path(prepared, slot, EVENT_TEXT_PATH2, event->call.fs.path2);
        }
        break;
    case AUDIT_SOURCE_NET:
        operation = event->call.net.operation;
        set_text(prepared, EVENT_TEXT_WORD, str_view_from(event->call.net.protocol));
        set_text(prepared, EVENT_TEXT_HOST, event->call.net.host);
        set_text(prepared, EVENT_TEXT_SNI, event->call.net.sni);
        set_address(head->source_address, &event->call.net.source_address);
        set_address(head->address, &event->call.net.address);
        head->source_port = event->call.net.source_port;
        head->port = event->call.net.port;
        head->numbers[EVENT_NUMBER_BYTES_IN] = event->call.net.bytes_in;
        head->numbers[EVENT_NUMBER_BYTES_OUT] = event->call.net.bytes_out;
        break;
    case AUDIT_SOURCE_DNS: {
        size_t count = event->call.dns.answer_count;

        operation = event->call.dns.operation;
        count = count > AUDIT_ANSWERS_MAX ? AUDIT_ANSWERS_MAX : count;
        set_text(prepared, EVENT_TEXT_WORD, str_view_from(event->call.dns.type));
        set_text(prepared, EVENT_TEXT_HOST, event->call.dns.host);
        for (size_t i = 0; i < count; i++) {
            set_address(prepared->answers + i * EVENT_ADDRESS_SIZE, &event->call.dns.answers[i]);
        }
        prepared->text[EVENT_TEXT_ANSWERS] = (struct str_view){
            .bytes = (const char *)prepared->answers, .length = count * EVENT_ADDRESS_SIZE};
        break;
    }
    case AUDIT_SOURCE_EXEC:
        operation = event->call.exec.operation;
        head->numbers[EVENT_NUMBER_ARGC] = event->call.exec.argc;
        error = set_path(prepared, slot, EVENT_TEXT_PATH, event->call.exec.path);
        if (error == 0) {
            error = set_digest(prepared, slot, EVENT_TEXT_DIGEST, event->call.exec.argv,
                               prepared->digest);
        }
        break;
    case AUDIT_SOURCE_RUN:
    case AUDIT_SOURCE_AUDIT:
        operation = event->call.run.operation;
        prepared->text[EVENT_TEXT_BODY] = event->call.run.members;
        if (event->call.run.members.length > EVENT_BODY_MAX) {
            error = -E2BIG;
        } else if (!json_members_are_sound(event->call.run.members)) {
            error = -EINVAL;
        }
        break;
    case AUDIT_SOURCE_COUNT:
        error = -EINVAL;
        break;
    }
    set_text(prepared, EVENT_TEXT_OPERATION, str_view_from(operation));
    return error;
}

static void prepare_actor(struct prepared *prepared, struct slot *slot,
                          const struct audit_event *event)
{
    struct event_head *head = &prepared->head;
    const struct actor_identity *identity;

    if (!event->actor.present) {
        return;
    }
    head->flags |= EVENT_FLAG_ACTOR;
    head->tid = (uint32_t)event->actor.tid;
    head->uid = event->actor.uid;
    head->gid = event->actor.gid;
    if (event->actor.pid == 0 && event->actor.tid == 0) {
        return;
    }
    identity = actor_cache_find(slot->actors, slot->producer->proc, event->actor.pid,
                                event->actor.tid, head->mono_ns);
    head->pid = (uint32_t)identity->pid;
    head->ppid = (uint32_t)identity->ppid;
    head->actor_start = identity->start;
    prepared->text[EVENT_TEXT_COMM] =
        (struct str_view){.bytes = identity->comm, .length = identity->comm_length};
    prepared->text[EVENT_TEXT_EXE] =
        (struct str_view){.bytes = identity->exe, .length = identity->exe_length};
}

static int prepare(struct prepared *prepared, struct slot *slot, const struct audit_event *event)
{
    *prepared = (struct prepared){.head = {.count = 1,
                                           .mono_ns = monotonic_ns(),
                                           .of = event->of,
                                           .overhead_ns = event->overhead_ns,
                                           .duration_ns = event->duration_ns,
                                           .error = (uint32_t)event->error,
                                           .kind = (uint8_t)event->kind,
                                           .source = (uint8_t)event->source,
                                           .status = (uint8_t)event->status,
                                           .decision = (uint8_t)event->decision,
                                           .phase = (uint8_t)event->phase,
                                           .flags = event->sync ? EVENT_FLAG_SYNC : 0}};
    prepare_actor(prepared, slot, event);
    set_text(prepared, EVENT_TEXT_RULE, event->rule);
    set_text(prepared, EVENT_TEXT_CODE, event->code);
    set_text(prepared, EVENT_TEXT_REASON, event->reason);
    return prepare_call(prepared, slot, event);
}

static void *slot_reserve(struct slot *slot, uint32_t size)
{
    void *at = ring_producer_reserve(&slot->ring, size);
    uint64_t until;

    if (at != NULL) {
        return at;
    }
    until = monotonic_ns() + FULL_WAIT_NS;
    while (at == NULL) {
        uint64_t now = monotonic_ns();
        uint64_t consumed = atomic_load(&slot->ring.state->consumed);

        if (now >= until ||
            slot_wait(slot, &slot->ring.state->consumed, consumed + 1, until - now) < 0) {
            return NULL;
        }
        at = ring_producer_reserve(&slot->ring, size);
    }
    return at;
}

/* Copies a prepared record into the ring. 0, or -EIO when there is no room in time. */
static int slot_publish(struct slot *slot, struct prepared *prepared)
{
    uint32_t size = event_record_size(prepared->text);
    void *at;

    if (size == 0) {
        return -E2BIG;
    }
    at = slot_reserve(slot, size);
    if (at == NULL) {
        return -EIO;
    }
    prepared->head.length = size;
    prepared->head.pseq = slot->next_pseq;
    prepared->head.policy = atomic_load_explicit(&slot->producer->policy, memory_order_acquire);
    event_record_write(at, &prepared->head, prepared->text);
    slot->next_pseq += prepared->head.count;
    ring_producer_publish(&slot->ring, size);
    return 0;
}

/* Events that could not be recorded have their own pseq and one record that says how many. */
static int slot_account_for_loss(struct slot *slot)
{
    struct prepared loss = {.head = {.count = slot->unaccounted,
                                     .mono_ns = monotonic_ns(),
                                     .kind = AUDIT_KIND_LOSS,
                                     .source = AUDIT_SOURCE_AUDIT}};
    int error;

    if (slot->unaccounted == 0) {
        return 0;
    }
    loss.text[EVENT_TEXT_OPERATION] = STR_VIEW_LITERAL("loss");
    error = slot_publish(slot, &loss);
    if (error == 0) {
        slot->unaccounted = 0;
    }
    return error;
}

static int slot_emit(struct slot *slot, const struct audit_event *event, uint64_t *ret_ticket)
{
    const struct writer_state *state = slot->producer->state;
    struct prepared prepared;
    uint64_t pseq;
    int error = prepare(&prepared, slot, event);

    if (error == 0 && atomic_load_explicit(&state->condition, memory_order_relaxed) != WRITER_OK) {
        error = atomic_load(&state->error) == ENOSPC ? -ENOSPC : -EIO;
    }
    if (error == 0) {
        error = slot_account_for_loss(slot);
    }
    if (ret_ticket != NULL) {
        prepared.head.flags |= EVENT_FLAG_TICKET;
    }
    pseq = slot->next_pseq;
    if (error == 0) {
        error = slot_publish(slot, &prepared);
    }
    if (error < 0) {
        slot->unaccounted++;
        atomic_fetch_add(&slot->ring.head->refused, 1);
        return error;
    }
    if (ret_ticket != NULL) {
        *ret_ticket = (uint64_t)slot->index << TICKET_SLOT_SHIFT | (pseq + 1);
    }
    if (event->sync) {
        return slot_wait(slot, &slot->ring.state->durable, slot->ring.position, DURABLE_WAIT_NS);
    }
    if (atomic_load_explicit(&state->asleep, memory_order_relaxed) != 0) {
        writer_wake(slot->producer);
    }
    return 0;
}

/* The calling thread's own slot, or NULL when only the shared one is left. */
static struct slot *own_slot(struct audit_producer *producer)
{
    struct slot *slot = pthread_getspecific(producer->key);

    if (slot != NULL) {
        return slot;
    }
    for (unsigned int i = 0; i + 1 < producer->slot_count; i++) {
        if (!atomic_load(&producer->slots[i].taken) &&
            !atomic_exchange(&producer->slots[i].taken, true)) {
            if (pthread_setspecific(producer->key, &producer->slots[i]) != 0) {
                atomic_store(&producer->slots[i].taken, false);
                return NULL;
            }
            return &producer->slots[i];
        }
    }
    return NULL;
}

int audit_emit(struct audit_producer *producer, const struct audit_event *event,
               uint64_t *ret_ticket)
{
    struct slot *slot = own_slot(producer);
    int error;

    if (slot != NULL) {
        return slot_emit(slot, event, ret_ticket);
    }
    pthread_mutex_lock(&producer->lock);
    error = slot_emit(&producer->slots[producer->slot_count - 1], event, ret_ticket);
    pthread_mutex_unlock(&producer->lock);
    return error;
}

/* ---- policy and end ---------------------------------------------------------------------------
 */

/* In the shared slot: a reload is rare, and other threads go on with the policy they had. */
static int publish_policy(struct audit_producer *producer, uint32_t number, struct str_view body)
{
    struct slot *slot = &producer->slots[producer->slot_count - 1];
    struct prepared prepared = {.head = {.count = 1,
                                         .mono_ns = monotonic_ns(),
                                         .numbers = {number},
                                         .kind = AUDIT_KIND_POLICY,
                                         .source = AUDIT_SOURCE_AUDIT}};
    int error;

    prepared.text[EVENT_TEXT_OPERATION] = STR_VIEW_LITERAL("policy");
    prepared.text[EVENT_TEXT_BODY] = body;
    pthread_mutex_lock(&producer->lock);
    error = slot_account_for_loss(slot);
    if (error == 0) {
        error = slot_publish(slot, &prepared);
    }
    /* Taken by the writer before any record can name it. */
    if (error == 0) {
        error = slot_wait(slot, &slot->ring.state->consumed, slot->ring.position, DRAIN_WAIT_NS);
    }
    pthread_mutex_unlock(&producer->lock);
    return error;
}

int audit_producer_set_policy(struct audit_producer *producer, struct str_view name,
                              struct str_view revision, struct str_view hash)
{
    char body[2 * POLICY_NAME_MAX + POLICY_HASH_MAX];
    size_t length = 0;
    const struct str_view parts[] = {name, revision, hash};
    const size_t limits[] = {POLICY_NAME_MAX, POLICY_NAME_MAX, POLICY_HASH_MAX};
    uint32_t number;
    int error = 0;

    for (size_t i = 0; i < 3; i++) {
        if (copy_text(body + length, limits[i], parts[i]) < 0) {
            return -EINVAL;
        }
        length += parts[i].length + 1;
    }
    pthread_mutex_lock(&producer->policy_lock);
    number = atomic_load(&producer->policy) + 1;
    error = publish_policy(producer, number, (struct str_view){.bytes = body, .length = length});
    if (error == 0) {
        atomic_store_explicit(&producer->policy, number, memory_order_release);
    }
    pthread_mutex_unlock(&producer->policy_lock);
    return error;
}

static void slot_clear(struct slot *slot)
{
    if (slot->ring.head != NULL) {
        munmap(slot->ring.head, RING_FILE_BYTES);
    }
    sha256_free(slot->sha);
    free(slot->actors);
    close_fd(&slot->fd);
}

void audit_producer_detach(struct audit_producer *producer)
{
    for (unsigned int i = 0; i < producer->slot_count && producer->slots != NULL; i++) {
        struct slot *slot = &producer->slots[i];

        if (producer->state != NULL) {
            (void)slot_account_for_loss(slot);
            (void)slot_wait(slot, &slot->ring.state->consumed, slot->ring.position, DRAIN_WAIT_NS);
        }
        slot_clear(slot);
    }
    if (producer->has_key) {
        pthread_key_delete(producer->key);
    }
    if (producer->state != NULL) {
        munmap(producer->state, producer->state_bytes);
    }
    free(producer->slots);
    close_fd(&producer->socket);
    close_fd(&producer->wake);
    close_fd(&producer->proc);
    pthread_mutex_destroy(&producer->lock);
    pthread_mutex_destroy(&producer->policy_lock);
    free(producer);
}
