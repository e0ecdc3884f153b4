/*
 * What the processes of one run count together, in memory that they share: the windows, and whether
 * the breaker has tripped.
 *
 * Under `failcore run` the supervisor makes the board, and the mount's server and the guard get its
 * descriptor; what one of them trips, all obey with their next look, which is one load. Alone, a
 * server makes its own, in a file that outlives it.
 *
 * Nobody but our daemons ever holds the descriptor. Its size is sealed (a memory file) or its file
 * is this user's alone, so that reading it can never fail.
 *
 * Ownership: breaker_board_close() unmaps. Threads: any. Errors: negative errno.
 */
#ifndef FAILCORE_BREAKER_BREAKER_BOARD_H
#define FAILCORE_BREAKER_BREAKER_BOARD_H

#include "shared/breaker/breaker_window.h"

#define BREAKER_WINDOWS_MAX 32U

enum breaker_state { BREAKER_STATE_CLOSED = 0, BREAKER_STATE_TRIPPING, BREAKER_STATE_TRIPPED };

/* Why it tripped. Numbers are of breaker_settings.h. */
struct breaker_trip {
    uint32_t event;
    uint32_t action;
    uint64_t count; /* that was permitted */
    uint64_t seen;  /* that would have been reached */
    uint64_t within_ms;
    int64_t at_seconds; /* since 1970 */
};

struct breaker_place {
    _Atomic uint64_t key; /* of what is counted; 0: free */
    struct breaker_window window;
};

struct breaker_board {
    uint32_t magic;
    uint32_t size;
    _Atomic uint32_t state;      /* enum breaker_state; anything but CLOSED refuses */
    _Atomic uint32_t trip_count; /* how often it has tripped: a reader of `trip` compares */
    _Atomic uint32_t answered;   /* the trip_count that the supervisor has acted upon */
    struct breaker_trip trip;    /* written before `state` says TRIPPED */
    struct breaker_place places[BREAKER_WINDOWS_MAX];
};

/* A new one in a memory file: the descriptor may be handed to others. */
int breaker_board_new(struct breaker_board **ret_board, int *ret_fd);
/* The one behind a descriptor. -EBADMSG: it is none. */
int breaker_board_attach(int fd, struct breaker_board **ret_board);
/*
 * The one in the file `name` of a directory that only this user can write; made when there is none
 * or when what is there is not one of this version.
 */
int breaker_board_open_file(int directory, const char *name, struct breaker_board **ret_board);
void breaker_board_close(struct breaker_board *board);

/*
 * The window for these events, of which those of a scope (policy_breaker) count; made when it is
 * the first time. NULL: BREAKER_WINDOWS_MAX are there already.
 */
struct breaker_window *breaker_board_window(struct breaker_board *board, uint32_t event,
                                            uint64_t within_ms, uint64_t scope);

/* Forgets all counts and lets the run go on. */
void breaker_board_reset(struct breaker_board *board);

#endif
