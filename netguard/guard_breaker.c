#include "netguard/guard_breaker.h"

#include "shared/base/cleanup.h"

int guard_breaker_open(struct guard *guard, const struct guard_options *options)
{
    AUTO_CLOSE int unused = -1;
    struct breaker_board *board = NULL;
    int error = options->breaker_fd >= 0 ? breaker_board_attach(options->breaker_fd, &board)
                                         : breaker_board_new(&board, &unused);

    if (error < 0) {
        return error;
    }
    breaker_init(&guard->breaker, board, options->audit, options->breaker_alarm_fd);
    return breaker_set_policy(&guard->breaker, options->policy);
}

void guard_breaker_count_bytes(struct guard *guard)
{
    const uint64_t sent = budget_bytes_sent(guard->gate.budget);

    /* Less than before: a flow has ended and its last count was not heard. */
    if (sent > guard->bytes_counted) {
        (void)breaker_count(&guard->breaker, BREAKER_BYTES_OUT, sent - guard->bytes_counted,
                            (struct str_view){0}, breaker_now_ms(), NULL);
    }
    guard->bytes_counted = sent;
}

int guard_breaker_look(struct guard *guard)
{
    const bool tripped = breaker_tripped(&guard->breaker);

    if (tripped == guard->tripped) {
        return 0;
    }
    guard->tripped = tripped;
    return tripped ? guard_judge_all_again(guard) : 0;
}
