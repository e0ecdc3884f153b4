#include "shared/breaker/breaker_board.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

#define BOARD_MAGIC 0x31624346U /* "FCb1" */

static int map(int fd, struct breaker_board **ret_board)
{
    void *memory =
        mmap(NULL, sizeof(struct breaker_board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (memory == MAP_FAILED) {
        return -errno;
    }
    *ret_board = memory;
    return 0;
}

static int set_up(int fd, struct breaker_board **ret_board)
{
    int error = ftruncate(fd, sizeof(struct breaker_board)) < 0 ? -errno : map(fd, ret_board);

    if (error == 0) {
        (*ret_board)->size = sizeof(struct breaker_board);
        (*ret_board)->magic = BOARD_MAGIC;
    }
    return error;
}

int breaker_board_new(struct breaker_board **ret_board, int *ret_fd)
{
    AUTO_CLOSE int fd = memfd_create("failcore-breaker", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int error = fd < 0 ? -errno : set_up(fd, ret_board);

    if (error < 0) {
        return error;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        error = -errno;
        breaker_board_close(*ret_board);
        *ret_board = NULL;
        return error;
    }
    *ret_fd = take_fd(&fd);
    return 0;
}

static int attach(int fd, struct breaker_board **ret_board)
{
    struct stat status;
    int error;

    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode) || status.st_size != (off_t)sizeof(struct breaker_board)) {
        return -EBADMSG;
    }
    error = map(fd, ret_board);
    if (error == 0 && ((*ret_board)->magic != BOARD_MAGIC ||
                       (*ret_board)->size != sizeof(struct breaker_board))) {
        breaker_board_close(*ret_board);
        *ret_board = NULL;
        error = -EBADMSG;
    }
    return error;
}

int breaker_board_attach(int fd, struct breaker_board **ret_board)
{
    return attach(fd, ret_board);
}

int breaker_board_open_file(int directory, const char *name, struct breaker_board **ret_board)
{
    AUTO_CLOSE int fd =
        openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    struct stat status;
    int error;

    if (fd < 0 || fstat(fd, &status) < 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) != 0) {
        return -EPERM;
    }
    error = attach(fd, ret_board);
    if (error == -EBADMSG) {
        /* New, or of another version: what it counted means nothing here. */
        error = ftruncate(fd, 0) < 0 ? -errno : set_up(fd, ret_board);
    }
    return error;
}

void breaker_board_close(struct breaker_board *board)
{
    if (board != NULL) {
        munmap(board, sizeof(*board));
    }
}

static uint64_t key_of(uint32_t event, uint64_t within_ms, uint64_t scope)
{
    const uint64_t parts[] = {event, within_ms, scope};
    uint64_t key = UINT64_C(0x9e3779b97f4a7c15);

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        key = (key ^ parts[i]) * UINT64_C(0xff51afd7ed558ccd);
        key ^= key >> 32;
    }
    return key == 0 ? 1 : key;
}

struct breaker_window *breaker_board_window(struct breaker_board *board, uint32_t event,
                                            uint64_t within_ms, uint64_t scope)
{
    const uint64_t key = key_of(event, within_ms, scope);

    for (unsigned int i = 0; i < BREAKER_WINDOWS_MAX; i++) {
        struct breaker_place *place = &board->places[i];
        uint64_t there = atomic_load(&place->key);

        if (there == 0 && atomic_compare_exchange_strong(&place->key, &there, key)) {
            there = key;
        }
        if (there == key) {
            /* The same from all who know the key: before any of them counts. */
            atomic_store_explicit(&place->window.within_ms, within_ms, memory_order_relaxed);
            return &place->window;
        }
    }
    return NULL;
}

void breaker_board_reset(struct breaker_board *board)
{
    for (unsigned int i = 0; i < BREAKER_WINDOWS_MAX; i++) {
        breaker_window_reset(&board->places[i].window);
    }
    atomic_store(&board->state, BREAKER_STATE_CLOSED);
}
