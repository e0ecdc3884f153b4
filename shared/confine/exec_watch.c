#include "shared/confine/exec_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

#define PAGE_BYTES     4096U
#define POINTERS_MAX   64U
#define FIRST_LOOK     192U /* bytes of an argument, at once for all */
#define SYNC_WAKE_UP   1ULL /* SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP */
#define SET_FLAGS      SECCOMP_IOW(4, unsigned long long) /* Linux 6.6 */
#define ARGUMENTS_MOST 65536U

int exec_watch_begin(void)
{
    /* The architecture was checked by the filter beside it: others end the process. */
    static const struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_filter *const first = program;
    struct sock_fprog loaded = {.len = sizeof(program) / sizeof(program[0])};
    long listener;

    memcpy(&loaded.filter, &first, sizeof(first)); /* seccomp(2) only reads it */
    listener =
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &loaded);
    if (listener < 0) {
        return -errno;
    }
    /* Answer on the same processor; older kernels do without. */
    (void)ioctl((int)listener, SET_FLAGS, SYNC_WAKE_UP);
    return (int)listener;
}

static size_t to_page_end(uint64_t address, size_t wanted)
{
    size_t left = PAGE_BYTES - (size_t)(address % PAGE_BYTES);

    return wanted < left ? wanted : left;
}

static struct iovec remote(uint64_t address, size_t length)
{
    struct iovec part = {.iov_len = length};

    memcpy(&part.iov_base, &address, sizeof(part.iov_base)); /* of another process */
    return part;
}

static ssize_t read_memory(pid_t pid, uint64_t address, void *bytes, size_t length)
{
    const struct iovec local = {.iov_base = bytes, .iov_len = length};
    const struct iovec from = remote(address, length);

    return process_vm_readv(pid, &local, 1, &from, 1, 0);
}

/* Up to its NUL, which is left out. */
static int read_text(pid_t pid, uint64_t address, struct text_buffer *text, size_t most)
{
    char bytes[PAGE_BYTES];
    size_t done = 0;

    while (done < most) {
        ssize_t got =
            read_memory(pid, address + done, bytes, to_page_end(address + done, sizeof(bytes)));
        size_t length;

        if (got <= 0) {
            return -EFAULT;
        }
        length = strnlen(bytes, (size_t)got);
        text_buffer_append(text, (struct str_view){bytes, length});
        if (length < (size_t)got) {
            return text_buffer_error(text);
        }
        done += length;
    }
    return -E2BIG;
}

/* Memory of the caller that was read already. */
struct known {
    uint64_t address;
    const char *bytes;
    size_t length;
};

/* Shells keep name and arguments side by side: then all is known, and nothing is read again. */
static bool take_known_arguments(const struct known *known, const uint64_t *pointers, size_t count,
                                 struct exec_notice *notice)
{
    size_t total = notice->arguments.length;

    for (size_t i = 0; i < count; i++) {
        const uint64_t offset = pointers[i] - known->address;
        const char *end;

        if (pointers[i] < known->address || offset >= known->length) {
            return false;
        }
        end = memchr(known->bytes + offset, '\0', known->length - offset);
        if (end == NULL) {
            return false;
        }
        total += (size_t)(end - known->bytes) - offset + 1;
    }
    if (total > EXEC_ARGUMENTS_MAX) {
        return false; /* many times the same: cut as any other */
    }
    for (size_t i = 0; i < count; i++) {
        text_buffer_append_text(&notice->arguments, known->bytes + (pointers[i] - known->address));
        text_buffer_append_char(&notice->arguments, '\0');
        notice->argument_count++;
    }
    return true;
}

/* The beginnings of many arguments in one call; what is longer is read by itself. */
static int read_some_arguments(pid_t pid, const uint64_t *pointers, size_t count,
                               struct exec_notice *notice)
{
    char bytes[POINTERS_MAX][FIRST_LOOK];
    struct iovec local[POINTERS_MAX] = {0};
    struct iovec from[POINTERS_MAX] = {0};
    ssize_t got;

    for (size_t i = 0; i < count; i++) {
        size_t length = to_page_end(pointers[i], FIRST_LOOK);

        local[i] = (struct iovec){.iov_base = bytes[i], .iov_len = length};
        from[i] = remote(pointers[i], length);
    }
    got = process_vm_readv(pid, local, count, from, count, 0);
    for (size_t i = 0; i < count; i++) {
        size_t length = local[i].iov_len;
        int error = 0;

        if (notice->arguments.length >= EXEC_ARGUMENTS_MAX) {
            notice->cut = true;
            return 0;
        }
        if (got >= (ssize_t)length && memchr(bytes[i], '\0', length) != NULL) {
            text_buffer_append_text(&notice->arguments, bytes[i]);
        } else {
            error = read_text(pid, pointers[i], &notice->arguments,
                              EXEC_ARGUMENTS_MAX - notice->arguments.length);
        }
        if (error == -E2BIG) {
            notice->cut = true;
            return 0;
        }
        if (error < 0) {
            return error;
        }
        text_buffer_append_char(&notice->arguments, '\0');
        notice->argument_count++;
        got -= got < (ssize_t)length ? got : (ssize_t)length;
    }
    return text_buffer_error(&notice->arguments);
}

/* What is looked at first, of an execve that was asked for: in one call. */
struct first_look {
    char page[PAGE_BYTES]; /* what follows the name's address */
    size_t page_length;
    uint64_t pointers[POINTERS_MAX]; /* the first of the arguments' */
    size_t pointer_bytes;
};

/* A page costs more than its bytes: mostly the pointers lie in the one of the name. */
static int look(pid_t pid, uint64_t name, uint64_t arguments, struct first_look *ret_look)
{
    const size_t page_length = to_page_end(name, sizeof(ret_look->page));
    const uint64_t offset = arguments - name;
    const bool in_page = arguments >= name && offset < page_length;
    const struct iovec from[] = {
        remote(name, page_length),
        remote(arguments, to_page_end(arguments, sizeof(ret_look->pointers))),
    };
    const struct iovec local[] = {
        {.iov_base = ret_look->page, .iov_len = page_length},
        {.iov_base = ret_look->pointers, .iov_len = from[1].iov_len},
    };
    const unsigned long parts = in_page ? 1 : 2;
    ssize_t got = process_vm_readv(pid, local, parts, from, parts, 0);

    if (got <= 0) {
        return -EFAULT;
    }
    ret_look->page_length = (size_t)got < page_length ? (size_t)got : page_length;
    ret_look->pointer_bytes = (size_t)got - ret_look->page_length;
    if (in_page && ret_look->page_length == page_length) {
        ret_look->pointer_bytes = from[1].iov_len;
        memcpy(ret_look->pointers, ret_look->page + offset, from[1].iov_len);
    }
    return 0;
}

/* The next of the pointers to them: the first were read already. */
static ssize_t read_pointers(pid_t pid, uint64_t address, const struct first_look *look, bool first,
                             uint64_t pointers[static POINTERS_MAX])
{
    if (first && look->pointer_bytes > 0) {
        memcpy(pointers, look->pointers, look->pointer_bytes);
        return (ssize_t)look->pointer_bytes;
    }
    return read_memory(pid, address, pointers,
                       to_page_end(address, POINTERS_MAX * sizeof(pointers[0])));
}

static int read_arguments(pid_t pid, const struct seccomp_data *call, const struct first_look *look,
                          struct exec_notice *notice)
{
    const bool at = call->nr == SYS_execveat;
    const struct known known = {
        .address = call->args[at ? 1 : 0], .bytes = look->page, .length = look->page_length};
    const uint64_t begin = call->args[at ? 2 : 1];
    uint64_t address = begin;

    while (address != 0 && !notice->cut) {
        uint64_t pointers[POINTERS_MAX];
        ssize_t got = read_pointers(pid, address, look, address == begin, pointers);
        size_t count = 0;
        int error;

        if (got < (ssize_t)sizeof(pointers[0])) {
            return -EFAULT;
        }
        while (count < (size_t)got / sizeof(pointers[0]) && pointers[count] != 0) {
            count++;
        }
        error = count == 0 || take_known_arguments(&known, pointers, count, notice)
                    ? text_buffer_error(&notice->arguments)
                    : read_some_arguments(pid, pointers, count, notice);
        if (error < 0 || count < (size_t)got / sizeof(pointers[0])) {
            return error;
        }
        if (notice->argument_count > ARGUMENTS_MOST) {
            notice->cut = true;
        }
        address += count * sizeof(pointers[0]);
    }
    return 0;
}

/* What a relative name begins at. */
static void append_place(pid_t pid, const struct seccomp_data *call, struct text_buffer *text)
{
    bool at = call->nr == SYS_execveat && (int)call->args[0] != AT_FDCWD;
    char link[64];
    char place[PATH_MAX];
    ssize_t length;

    if (at) {
        snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)pid, (int)call->args[0]);
    } else {
        snprintf(link, sizeof(link), "/proc/%d/cwd", (int)pid);
    }
    length = readlink(link, place, sizeof(place));
    if (length > 0) {
        text_buffer_append(text, (struct str_view){place, (size_t)length});
    }
}

static int read_name(pid_t pid, uint64_t address, const struct first_look *look,
                     struct text_buffer *name)
{
    if (memchr(look->page, '\0', look->page_length) == NULL) {
        return read_text(pid, address, name, PATH_MAX);
    }
    text_buffer_append_text(name, look->page);
    return text_buffer_error(name);
}

static int read_path(pid_t pid, const struct seccomp_data *call, const struct first_look *look,
                     struct exec_notice *notice)
{
    AUTO(text_buffer_clear) struct text_buffer name = {0};
    int error = read_name(pid, call->args[call->nr == SYS_execveat ? 1 : 0], look, &name);

    if (error < 0) {
        return error;
    }
    if (name.length == 0 || name.bytes[0] != '/') {
        append_place(pid, call, &notice->path);
        text_buffer_append_text(&notice->path, name.length == 0 ? "" : "/");
    }
    text_buffer_append(&notice->path, text_buffer_view(&name));
    return text_buffer_error(&notice->path);
}

/* Since Linux 6.11 RECV answers at once when everybody who was watched has ended: to ask again
 * would be to turn in a circle. */
static bool nobody_is_left(int listener)
{
    struct pollfd poll_fd = {.fd = listener, .events = POLLIN};

    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLHUP | POLLIN)) == POLLHUP;
}

int exec_watch_receive(int listener, struct exec_notice *ret_notice)
{
    struct seccomp_notif received = {0};
    struct first_look first;
    const struct seccomp_data *call = &received.data;
    pid_t pid;
    int error;

    *ret_notice = (struct exec_notice){0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &received) < 0) {
        int failed = -errno;

        return failed == -ENOENT && nobody_is_left(listener) ? -ECONNRESET : failed;
    }
    pid = (pid_t)received.pid;
    ret_notice->id = received.id;
    ret_notice->pid = pid;
    ret_notice->argv_address = call->args[call->nr == SYS_execveat ? 2 : 1];
    error =
        look(pid, call->args[call->nr == SYS_execveat ? 1 : 0], ret_notice->argv_address, &first);
    error = error < 0 ? error : read_path(pid, call, &first, ret_notice);
    error = error < 0 ? error : read_arguments(pid, call, &first, ret_notice);
    /* Still the same process, or its number was somebody else's while we read. */
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &received.id) < 0) {
        exec_notice_clear(ret_notice);
        return -ENOENT;
    }
    if (error < 0) {
        /* The kernel will not be able to read it either: its answer. */
        (void)exec_watch_answer(listener, ret_notice, error == -E2BIG ? -ENAMETOOLONG : error);
        exec_notice_clear(ret_notice);
        return -ENOENT;
    }
    return 0;
}

void exec_notice_clear(struct exec_notice *notice)
{
    text_buffer_clear(&notice->path);
    text_buffer_clear(&notice->arguments);
    *notice = (struct exec_notice){0};
}

int exec_watch_answer(int listener, const struct exec_notice *notice, int error)
{
    struct seccomp_notif_resp answer = {.id = notice->id, .error = error};

    if (error == 0) {
        answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    }
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 ? -errno : 0;
}
