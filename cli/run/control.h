/*
 * The supervisor's side of `failcore ps | stop | kill`: a socket in the run's directory, which only
 * this user can reach, and beside it what the run is, as JSON.
 *
 * A word comes in ("status", "stop", "kill", "resume"), a line goes out. Who asked for an end keeps
 * the connection: it hears "gone" when the run's processes are, and it closes when all is recorded.
 * Errors: negative errno.
 */
#ifndef FAILCORE_CLI_RUN_CONTROL_H
#define FAILCORE_CLI_RUN_CONTROL_H

#include "cli/run/plan.h"
#include "shared/base/text_buffer.h"

#define CONTROL_CLIENTS_MAX 8

enum control_word { CONTROL_NOTHING = 0, CONTROL_STOP, CONTROL_KILL, CONTROL_RESUME };

struct control {
    int listener; /* -1: none */
    int clients[CONTROL_CLIENTS_MAX];
    size_t client_count;
    int asker;                      /* of CONTROL_RESUME, until it is answered; 0: none */
    struct text_buffer description; /* the run as one JSON object */
};

/* Makes runs/ID with its socket and description. */
int control_open(struct control *control, const struct run_plan *plan, const char *audit_directory,
                 struct failure *reterr);
/* The listener is readable: answers one caller. */
enum control_word control_serve(struct control *control);
/* After CONTROL_RESUME: what came of it; 0 or a negative errno. */
void control_answer(struct control *control, int error);
/* The run's processes have ended: who asked for that need not wait any longer. */
void control_tell_gone(const struct control *control);
void control_close(struct control *control, const struct run_plan *plan);

#endif
