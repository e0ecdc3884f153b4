/*
 * A hostile kernel: requests of any shape, with true and invented node numbers and handles.
 *
 * Input: records of {kind, node, handle, length (2, little endian), body}. Kind 255 is a whole
 * message of the input's own making; any other is an opcode, sent for a node that the server gave
 * out before, its first eight bytes a handle that it gave out.
 *
 * Properties: no reply ever holds the content of the file that the policy denies, and that file
 * and the one outside the tree are as they were. That content is another one in each process and
 * is compared out of the fuzzer's sight: an input that could hold it would make its own reply
 * hold it (a link's target, an attribute), and prove nothing.
 */
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fusefs/fuse_abi.h"
#include "fusefs/request_check.h"
#include "fusefs/requests.h"
#include "fusefs/server.h"
#include "shared/base/byte_reader.h"
#include "shared/base/file_io.h"

#define SECRET_LENGTH 32u
#define LEARNT        16u
#define BODY_MAX      4096u
#define OPEN_MAX      512u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct opened {
    uint64_t handle;
    uint64_t node;
    uint32_t release; /* the opcode that ends it */
};

struct world {
    struct tree tree;
    struct server server;
    int replies; /* our end of what the server takes for the device */
    uint64_t nodes[LEARNT];
    uint64_t handles[LEARNT];
    unsigned int node_count;
    unsigned int handle_count;
    struct opened opened[OPEN_MAX]; /* by this input */
    unsigned int opened_count;
};

static void fail(const char *why)
{
    fprintf(stderr, "%s\n", why);
    abort();
}

static char secret[SECRET_LENGTH + 1];

static void make_secret(void)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t random[SECRET_LENGTH];

    if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
        fail("no random bytes");
    }
    for (size_t i = 0; i < SECRET_LENGTH; i++) {
        secret[i] = digits[random[i] % 16];
    }
}

/* The fuzzer learns what memmem, strcmp and every comparison of instrumented code look for. */
#ifdef __clang__
#define UNSEEN __attribute__((no_sanitize("coverage"), no_builtin))
#else
#define UNSEEN
#endif

UNSEEN static bool holds_secret(const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at + SECRET_LENGTH <= length; at++) {
        size_t same = 0;

        while (same < SECRET_LENGTH && bytes[at + same] == (uint8_t)secret[same]) {
            same++;
        }
        if (same == SECRET_LENGTH) {
            return true;
        }
    }
    return false;
}

/* The directory goes with the process; a finding keeps its own input. */
static char directory[] = "/tmp/failcore-fuzz.XXXXXX";

struct full_path {
    char path[128];
};

/* Full paths: libFuzzer reads its corpus relative to where it was started. */
static struct full_path in_directory(const char *name)
{
    struct full_path full;

    snprintf(full.path, sizeof(full.path), "%s/%s", directory, name);
    return full;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_directory(void)
{
    (void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put_file(const char *name, const char *text)
{
    int fd = open(in_directory(name).path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write_all(fd, text, strlen(text)) < 0) {
        fail("cannot prepare the tree");
    }
    close(fd);
}

static void check_still_secret(const char *name)
{
    uint8_t now[SECRET_LENGTH + 1];
    int fd = open(in_directory(name).path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        fail("a file that may not be touched cannot be opened");
    }
    if (read_upto(fd, now, sizeof(now)) != SECRET_LENGTH || !holds_secret(now, SECRET_LENGTH)) {
        fail("a file that may not be touched is not as it was");
    }
    close(fd);
}

static const char policy_text[] = "version: 1\n"
                                  "name: fuzz\n"
                                  "filesystem:\n"
                                  "  default: allow\n"
                                  "  rules:\n"
                                  "    - {id: secret, action: deny, paths: [\"secret\"]}\n"
                                  "    - {id: hidden, action: hide, paths: [\"hidden/**\"]}\n";

static struct world *world_new(void)
{
    static struct world world;
    const struct rlimit small = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    struct failure failure = {0};
    struct policy *policy = NULL;
    struct audit_producer *audit = NULL;
    struct full_path policy_path;
    struct full_path log_path;
    int pair[2];
    int root;

    signal(SIGXFSZ, SIG_IGN);
    make_secret();
    if (mkdtemp(directory) == NULL) {
        fail("cannot make a directory");
    }
    atexit(remove_directory);
    policy_path = in_directory("policy.yaml");
    log_path = in_directory("log");
    mkdir(in_directory("log").path, 0700);
    mkdir(in_directory("tree").path, 0700);
    mkdir(in_directory("tree/dir").path, 0700);
    mkdir(in_directory("tree/hidden").path, 0700);
    put_file("outside", secret);
    put_file("tree/secret", secret);
    put_file("tree/file", "open to all");
    put_file("policy.yaml", policy_text);
    if (policy_load((const char *const[]){policy_path.path}, 1, &policy, &failure) < 0 ||
        audit_producer_attach(&(struct audit_producer_options){.directory = log_path.path,
                                                               .program = "fuzz",
                                                               .threads = 1},
                              &audit, &failure) < 0) {
        fail(failure.what);
    }
    setrlimit(RLIMIT_FSIZE, &small); /* an fallocate of the input must not fill the disk */
    root = open(in_directory("tree").path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (tree_init(&world.tree, root, policy, audit,
                  &(struct tree_options){.descriptors_kept = 8, .timeout_seconds = 1}) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0 ||
        server_init(&world.server, &world.tree, pair[0],
                    &(struct server_options){.attributes = true}, &failure) < 0) {
        fail("cannot make the server");
    }
    world.replies = pair[1];
    policy_unref(policy);
    return &world;
}

/* Node numbers and handles that the server itself has given out. */
static void learn(struct world *world, uint32_t opcode, uint64_t node, const uint8_t *reply,
                  size_t length)
{
    const size_t header = sizeof(struct fuse_out_header);
    const size_t entry = sizeof(struct fuse_entry_out);
    uint64_t number;

    if (opcode == FUSE_LOOKUP || opcode == FUSE_MKDIR || opcode == FUSE_MKNOD ||
        opcode == FUSE_SYMLINK || opcode == FUSE_LINK || opcode == FUSE_CREATE) {
        if (length >= header + entry) {
            memcpy(&number, reply + header, sizeof(number));
            world->nodes[world->node_count++ % LEARNT] = number;
            node = number;
        }
    }
    if (opcode == FUSE_OPEN || opcode == FUSE_OPENDIR || opcode == FUSE_CREATE) {
        size_t at = header + (opcode == FUSE_CREATE ? entry : 0);

        if (length >= at + sizeof(struct fuse_open_out)) {
            memcpy(&number, reply + at, sizeof(number));
            world->handles[world->handle_count++ % LEARNT] = number;
            if (world->opened_count < OPEN_MAX) {
                world->opened[world->opened_count++] = (struct opened){
                    .handle = number,
                    .node = node,
                    .release = opcode == FUSE_OPENDIR ? FUSE_RELEASEDIR : FUSE_RELEASE};
            }
        }
    }
}

static void read_replies(struct world *world, uint32_t opcode, uint64_t node)
{
    static uint8_t reply[1 << 18];
    ssize_t length;

    while ((length = recv(world->replies, reply, sizeof(reply), 0)) > 0) {
        if (holds_secret(reply, (size_t)length)) {
            fail("a reply holds what the policy denies");
        }
        learn(world, opcode, node, reply, (size_t)length);
    }
}

static void send_request(struct world *world, void *message, size_t length)
{
    struct fuse_in_header *header = message;
    struct fuse_buf buffer = {.mem = message, .size = length};

    header->len = (uint32_t)length;
    /* DESTROY ends the session, and INIT again is refused by the library. */
    if (header->opcode == FUSE_DESTROY || !request_fits(message, length)) {
        return;
    }
    request_translate(message);
    fuse_session_process_buf(world->server.session, &buffer);
    read_replies(world, header->opcode, header->nodeid);
}

static void begin_session(struct world *world)
{
    struct {
        struct fuse_in_header header;
        struct fuse_init_in init;
    } message = {
        .header = {.opcode = FUSE_INIT, .unique = 1},
        .init = {.major = FUSE_KERNEL_VERSION,
                 .minor = FUSE_KERNEL_MINOR_VERSION,
                 .max_readahead = 65536,
                 .flags = ~0u & ~(1u << 31)},
    };

    send_request(world, &message, sizeof(message));
}

/* What an input left open would in the end be all descriptors that the process may have. */
static void release_opened(struct world *world)
{
    while (world->opened_count > 0) {
        const struct opened *opened = &world->opened[--world->opened_count];
        struct {
            struct fuse_in_header header;
            struct fuse_release_in release;
        } message = {
            .header = {.opcode = opened->release, .unique = 3, .nodeid = opened->node},
            .release = {.fh = opened->handle},
        };

        send_request(world, &message, sizeof(message));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct world *world;
    struct byte_reader input = byte_reader_init(bytes, length);
    _Alignas(8) static uint8_t message[sizeof(struct fuse_in_header) + BODY_MAX + 1];

    if (world == NULL) {
        world = world_new();
        begin_session(world);
    }
    world->nodes[0] = FUSE_ROOT_ID;
    while (byte_reader_left(&input) > 0) {
        uint8_t kind = byte_reader_u8(&input);
        uint8_t node = byte_reader_u8(&input);
        uint8_t handle = byte_reader_u8(&input);
        size_t size = byte_reader_u8(&input);
        const uint8_t *body;
        struct fuse_in_header *header = (void *)message;

        size |= (size_t)byte_reader_u8(&input) << 8;
        body = byte_reader_take(&input, size);
        if (body == NULL || size > BODY_MAX) {
            break;
        }
        memset(message, 0, sizeof(message));
        if (kind == 255) {
            if (size >= sizeof(*header)) {
                memcpy(message, body, size);
                send_request(world, message, size);
            }
            continue;
        }
        *header = (struct fuse_in_header){
            .opcode = kind,
            .unique = 2,
            .nodeid = world->nodes[node % LEARNT],
            .uid = getuid(),
            .gid = getgid(),
            .pid = (uint32_t)getpid(),
        };
        memcpy(message + sizeof(*header), body, size);
        if (handle != 0 && size >= 8) {
            memcpy(message + sizeof(*header), &world->handles[handle % LEARNT], 8);
        }
        send_request(world, message, sizeof(*header) + size);
    }
    release_opened(world);
    check_still_secret("outside");
    check_still_secret("tree/secret");
    return 0;
}
