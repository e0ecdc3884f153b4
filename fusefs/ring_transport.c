#include "fusefs/ring_transport.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <liburing.h>

#include "fusefs/fuse_abi.h"
#include "fusefs/request_check.h"
#include "fusefs/request_counts.h"
#include "fusefs/requests.h"
#include "shared/base/cleanup.h"

#define ENTRIES_PER_QUEUE 8u
#define QUEUES_MAX        1024u

struct ring_entry {
    struct fuse_abi_ring_header header;
    struct iovec buffers[2]; /* the header and the payload, as the kernel registers them */
    char *payload;
    uint64_t unique; /* of the request being served */
    bool answered;
};

struct ring_queue {
    struct ring_transport *rings;
    struct io_uring ring;
    pthread_t thread;
    struct ring_entry *entries;
    char *request; /* one linear request at a time */
    uint16_t number;
    bool made;
    bool running;
};

struct ring_transport {
    struct fuse_session *session;
    int device;
    struct request_counts *counts;
    size_t payload;
    unsigned int count;
    struct ring_queue queues[];
};

/* Which entry the calling thread serves; the library's reply finds its way back by it. */
static _Thread_local struct ring_entry *serving;

/* The kernel has a queue for every CPU that may ever be there. */
static unsigned int possible_cpus(void)
{
    AUTO_FCLOSE FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
    unsigned int first = 0;
    unsigned int last = 0;

    if (file == NULL || fscanf(file, "%u-%u", &first, &last) < 1) {
        return 0;
    }
    return (last > first ? last : first) + 1;
}

unsigned int ring_transport_threads(void)
{
    unsigned int count = possible_cpus();

    return count > QUEUES_MAX ? 0 : count;
}

/* Straight: not every build of the library exports the calls for these two. */
static int ring_register(const struct io_uring *ring, unsigned int what, void *argument,
                         unsigned int count)
{
    return syscall(SYS_io_uring_register, ring->ring_fd, what, argument, count) < 0 ? -errno : 0;
}

static int queue_make(struct ring_queue *queue)
{
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SQE128 | IORING_SETUP_R_DISABLED,
    };
    struct io_uring_restriction only[] = {
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_URING_CMD},
    };
    int r = io_uring_queue_init_params(ENTRIES_PER_QUEUE * 2, &queue->ring, &parameters);

    if (r < 0) {
        return r;
    }
    queue->made = true;
    r = ring_register(&queue->ring, IORING_REGISTER_RESTRICTIONS, only, 1);
    return r < 0 ? r : ring_register(&queue->ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

int ring_transport_new(struct fuse_session *session, int device, struct request_counts *counts,
                       struct ring_transport **ret_rings)
{
    unsigned int count = possible_cpus();
    struct ring_transport *rings;

    if (count == 0 || count > QUEUES_MAX) {
        return -ENOSYS;
    }
    rings = calloc(1, sizeof(*rings) + count * sizeof(struct ring_queue));
    if (rings == NULL) {
        return -ENOMEM;
    }
    rings->session = session;
    rings->device = device;
    rings->counts = counts;
    rings->count = count;
    for (unsigned int i = 0; i < count; i++) {
        int r;

        rings->queues[i].rings = rings;
        rings->queues[i].number = (uint16_t)i;
        r = queue_make(&rings->queues[i]);
        if (r < 0) {
            ring_transport_free(rings);
            return r;
        }
    }
    *ret_rings = rings;
    return 0;
}

static void submit(struct ring_queue *queue, struct ring_entry *entry, uint32_t command)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&queue->ring);
    struct fuse_abi_ring_command *body;

    if (sqe == NULL) {
        return; /* cannot be: twice as many slots as entries */
    }
    io_uring_prep_rw(IORING_OP_URING_CMD, sqe, queue->rings->device, entry->buffers, 2, 0);
    sqe->cmd_op = command;
    io_uring_sqe_set_data(sqe, entry);
    body = (struct fuse_abi_ring_command *)(void *)sqe->cmd;
    memset(body, 0, 80);
    body->queue = queue->number;
    body->commit_id = entry->header.entry.commit_id;
}

/* The three parts of a request in one piece, as read(2) would have given it. */
static void serve(struct ring_queue *queue, struct ring_entry *entry)
{
    struct fuse_in_header header;
    size_t payload = entry->header.entry.payload_size;
    size_t fixed;

    memcpy(&header, entry->header.in_out, sizeof(header));
    request_counts_add(queue->rings->counts, header.opcode);
    entry->unique = header.unique;
    entry->answered = false;
    fixed = header.len - sizeof(header) - payload;
    if (payload > queue->rings->payload || header.len < sizeof(header) + payload ||
        fixed > sizeof(entry->header.op_in)) {
        struct fuse_out_header refusal = {
            .len = sizeof(refusal), .error = -EIO, .unique = header.unique};

        memcpy(entry->header.in_out, &refusal, sizeof(refusal));
        entry->header.entry.payload_size = 0;
        return;
    }
    memcpy(queue->request, &header, sizeof(header));
    memcpy(queue->request + sizeof(header), entry->header.op_in, fixed);
    memcpy(queue->request + sizeof(header) + fixed, entry->payload, payload);
    if (request_fits(queue->request, header.len)) {
        request_translate(queue->request);
        serving = entry;
        fuse_session_process_buf(queue->rings->session,
                                 &(struct fuse_buf){.mem = queue->request, .size = header.len});
        serving = NULL;
    }
    if (!entry->answered) {
        /* No handler leaves a request without a reply; should one, the caller must not hang. */
        struct fuse_out_header refusal = {
            .len = sizeof(refusal), .error = -EIO, .unique = header.unique};

        memcpy(entry->header.in_out, &refusal, sizeof(refusal));
        entry->header.entry.payload_size = 0;
    }
}

bool ring_transport_put(const struct iovec *parts, int count)
{
    struct ring_entry *entry = serving;
    const struct fuse_out_header *header = parts[0].iov_base;
    size_t used = 0;

    if (entry == NULL || header->unique != entry->unique) {
        return false;
    }
    memcpy(entry->header.in_out, header, sizeof(*header));
    for (int i = 1; i < count; i++) {
        if (used + parts[i].iov_len > entry->buffers[1].iov_len) {
            struct fuse_out_header refusal = {
                .len = sizeof(refusal), .error = -EIO, .unique = header->unique};

            memcpy(entry->header.in_out, &refusal, sizeof(refusal));
            used = 0;
            break;
        }
        memcpy(entry->payload + used, parts[i].iov_base, parts[i].iov_len);
        used += parts[i].iov_len;
    }
    entry->header.entry.payload_size = (uint32_t)used;
    entry->answered = true;
    return true;
}

static void pin_to(unsigned int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set); /* a missing CPU: anywhere */
}

static void *run(void *argument)
{
    struct ring_queue *queue = argument;
    unsigned int live = ENTRIES_PER_QUEUE;

    pin_to(queue->number);
    for (unsigned int i = 0; i < ENTRIES_PER_QUEUE; i++) {
        submit(queue, &queue->entries[i], FUSE_ABI_RING_REGISTER);
    }
    while (live > 0) {
        struct io_uring_cqe *cqe;
        int r = io_uring_submit_and_wait(&queue->ring, 1);

        if (r < 0 && r != -EINTR) {
            break;
        }
        while (io_uring_peek_cqe(&queue->ring, &cqe) == 0) {
            struct ring_entry *entry = io_uring_cqe_get_data(cqe);
            int result = cqe->res;

            io_uring_cqe_seen(&queue->ring, cqe);
            if (result == 0) {
                serve(queue, entry);
                submit(queue, entry, FUSE_ABI_RING_COMMIT_AND_FETCH);
            } else if (result == -EAGAIN || result == -EINTR) {
                submit(queue, entry, FUSE_ABI_RING_REGISTER);
            } else {
                live--; /* -ENOTCONN: the mount is gone */
            }
        }
    }
    return NULL;
}

static int queue_allocate(struct ring_queue *queue, size_t payload)
{
    queue->request = malloc(payload + 4096);
    queue->entries = calloc(ENTRIES_PER_QUEUE, sizeof(struct ring_entry));
    if (queue->request == NULL || queue->entries == NULL) {
        return -ENOMEM;
    }
    for (unsigned int i = 0; i < ENTRIES_PER_QUEUE; i++) {
        struct ring_entry *entry = &queue->entries[i];

        entry->payload =
            mmap(NULL, payload, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (entry->payload == MAP_FAILED) {
            entry->payload = NULL;
            return -ENOMEM;
        }
        entry->buffers[0] = (struct iovec){&entry->header, sizeof(entry->header)};
        entry->buffers[1] = (struct iovec){entry->payload, payload};
    }
    return 0;
}

int ring_transport_start(struct ring_transport *rings, size_t payload)
{
    sigset_t all;
    sigset_t before;
    int r = 0;

    rings->payload = payload;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned int i = 0; r == 0 && i < rings->count; i++) {
        struct ring_queue *queue = &rings->queues[i];

        r = queue_allocate(queue, payload);
        if (r == 0) {
            r = -pthread_create(&queue->thread, NULL, run, queue);
            queue->running = r == 0;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

void ring_transport_free(struct ring_transport *rings)
{
    if (rings == NULL) {
        return;
    }
    for (unsigned int i = 0; i < rings->count; i++) {
        struct ring_queue *queue = &rings->queues[i];

        if (queue->running) {
            pthread_join(queue->thread, NULL);
        }
        if (queue->made) {
            io_uring_queue_exit(&queue->ring);
        }
        for (unsigned int j = 0; queue->entries != NULL && j < ENTRIES_PER_QUEUE; j++) {
            if (queue->entries[j].payload != NULL) {
                munmap(queue->entries[j].payload, rings->payload);
            }
        }
        free(queue->entries);
        free(queue->request);
    }
    free(rings);
}
