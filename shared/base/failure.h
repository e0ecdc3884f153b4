/*
 * An error as a person reads it: what failed, what needed it, what to do.
 *
 * Libraries fill one in and return a negative errno; only a program's main prints it. A library
 * that fails further down keeps the first failure: failure_set() on a filled one does nothing.
 */
#ifndef FAILCORE_BASE_FAILURE_H
#define FAILCORE_BASE_FAILURE_H

#include <stdio.h>

struct failure {
    char what[512];   /* "cannot read the policy: unknown key" */
    char needed[512]; /* who needed it: "policies/agent.yaml:12:5"; "" when there is nothing to name
                       */
    char mend[512];   /* an imperative or a command; "" only when nobody can mend it */
};

/* Each text is cut at its size. Returns `error`, so that `return failure_set(...)` reads well. */
__attribute__((format(printf, 3, 4))) int failure_set(struct failure *failure, int error,
                                                      const char *what_format, ...);
__attribute__((format(printf, 2, 3))) void failure_set_needed(struct failure *failure,
                                                              const char *format, ...);
__attribute__((format(printf, 2, 3))) void failure_set_mend(struct failure *failure,
                                                            const char *format, ...);

/*
 * "program: what", "  needed by: …", "  try: …"; control bytes are shown as "?". Where the stream
 * is the system's journal (sd-daemon(3)), one line with fields instead, of priority "error":
 *
 *     <3>program: error="what" needed_by="…" try="…"
 */
void failure_print(FILE *stream, const char *program, const struct failure *failure);

#endif
