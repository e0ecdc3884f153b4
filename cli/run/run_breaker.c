#include "cli/run/run_breaker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cli/run/messages.h"
#include "cli/run/status_lines.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define PATIENCE_MS 500 /* with who does not read standard error */

int run_breaker_open(struct run_breaker *breaker, const struct run_plan *plan,
                     struct audit_producer *audit, struct failure *reterr)
{
    struct breaker_board *board = NULL;
    int error;

    if (policy_breaker_count(plan->policy) == 0) {
        return 0;
    }
    breaker->alarm_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    error = breaker->alarm_fd < 0 ? -errno : breaker_board_new(&board, &breaker->board_fd);
    if (error == 0) {
        breaker_init(&breaker->breaker, board, audit, breaker->alarm_fd);
        error = breaker_set_policy(&breaker->breaker, plan->policy);
    }
    return error < 0 ? failure_set(reterr, error, "cannot make the breaker: %s", strerror(-error))
                     : 0;
}

void run_breaker_close(struct run_breaker *breaker)
{
    breaker_clear(&breaker->breaker);
    close_fd(&breaker->board_fd);
    close_fd(&breaker->alarm_fd);
}

static void path_of(const struct run_plan *plan, char path[static 64])
{
    snprintf(path, 64, "runs/%s/breaker", plan->id);
}

/* For `failcore ps`; without it only the log would know. */
static void publish(const struct run_plan *plan, const struct breaker_trip *trip)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO_CLOSE int file = -1;
    char path[64];
    char new_path[64];

    snprintf(new_path, sizeof(new_path), "runs/%s/breaker.new", plan->id);
    file = openat(plan->runtime, new_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                  0600);
    text_buffer_printf(&text,
                       "{\"action\":\"%s\",\"event\":\"%s\",\"count\":%" PRIu64 ",\"seen\":%" PRIu64
                       ",\"within_ms\":%" PRIu64 ",\"at\":%lld}\n",
                       breaker_action_word((enum breaker_action)trip->action),
                       breaker_event_word((enum breaker_event)trip->event), trip->count, trip->seen,
                       trip->within_ms, (long long)trip->at_seconds);
    if (file >= 0 && text_buffer_error(&text) == 0) {
        path_of(plan, path);
        if (write_all(file, text.bytes, text.length) == 0) {
            (void)renameat(plan->runtime, new_path, plan->runtime, path);
        }
    }
}

static void tell(const struct run_plan *plan, const struct breaker_trip *trip, const char *why)
{
    const char *what = trip->action == (uint32_t)BREAKER_FREEZE ? "the run is frozen"
                                                                : "nothing is changed or sent";
    /* The terminal may be in raw mode. */
    const char *end = isatty(STDERR_FILENO) == 1 ? "\r\n" : "\n";
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    text_buffer_printf(&text,
                       "failcore run: the circuit breaker has tripped: %s; %s%s"
                       "  try: failcore resume %s, or failcore kill %s%s",
                       why, what, end, plan->id, plan->id, end);
    /* The run may have filled it, and its caller may not read: the clock goes on all the same. */
    if (text_buffer_error(&text) == 0) {
        (void)write_within(STDERR_FILENO, text.bytes, text.length, PATIENCE_MS);
    }
    status_line_breaker(plan->options->status_fd, plan, "tripped", trip);
}

bool run_breaker_answer(struct run_breaker *breaker, const struct run_plan *plan, int socket,
                        struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer why = {0};
    const struct message freeze = {.kind = MESSAGE_FREEZE};
    struct breaker_trip trip;
    uint64_t rung;

    if (read(breaker->alarm_fd, &rung, sizeof(rung)) < 0 ||
        !breaker_last_trip(&breaker->breaker, &trip)) {
        return false;
    }
    breaker_trip_describe(&trip, &why);
    publish(plan, &trip);
    switch ((enum breaker_action)trip.action) {
    case BREAKER_KILL:
        status_line_breaker(plan->options->status_fd, plan, "tripped", &trip);
        break;
    case BREAKER_FREEZE:
        breaker->frozen = true;
        if (message_send(socket, &freeze, NULL, 0) < 0) {
            break; /* what cannot be frozen is ended */
        }
        tell(plan, &trip, text_buffer_text(&why));
        return false;
    case BREAKER_READONLY:
        tell(plan, &trip, text_buffer_text(&why));
        return false;
    }
    failure_set(reterr, -EACCES, "the circuit breaker has ended the run: %s",
                text_buffer_text(&why));
    failure_set_mend(reterr, "failcore show %s says what it did", plan->id);
    return true;
}

void run_breaker_acted(struct run_breaker *breaker)
{
    if (breaker->board_fd >= 0) {
        breaker_answered(&breaker->breaker);
    }
}

void run_breaker_dismiss(struct run_breaker *breaker)
{
    uint64_t rung;

    (void)!read(breaker->alarm_fd, &rung, sizeof(rung));
    run_breaker_acted(breaker);
}

int run_breaker_resume(struct run_breaker *breaker, const struct run_plan *plan, int socket)
{
    const struct message thaw = {.kind = MESSAGE_THAW};
    struct breaker_trip trip = {0};
    char path[64];
    int error;

    if (breaker->board_fd < 0) {
        return -EALREADY;
    }
    (void)breaker_last_trip(&breaker->breaker, &trip);
    error = breaker_resume(&breaker->breaker);
    if (error < 0) {
        return error;
    }
    path_of(plan, path);
    (void)unlinkat(plan->runtime, path, 0);
    if (breaker->frozen) {
        breaker->frozen = false;
        error = message_send(socket, &thaw, NULL, 0);
    }
    status_line_breaker(plan->options->status_fd, plan, "resumed", &trip);
    return error;
}
