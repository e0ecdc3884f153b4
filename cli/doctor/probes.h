/*
 * What this machine can really enforce, found out by trying: each probe does the thing itself, in a
 * child or with programs of ours in a directory that is removed again.
 */
#ifndef FAILCORE_CLI_DOCTOR_PROBES_H
#define FAILCORE_CLI_DOCTOR_PROBES_H

#include <limits.h>
#include <stddef.h>

enum probe_state {
    PROBE_MISSING = 0, /* something does not work without it */
    PROBE_WEAK,        /* it works, slower or weaker */
    PROBE_OK,
};

struct probe_result {
    enum probe_state state;
    char found[256];
    char mend[256]; /* a command or an imperative; "" when there is nothing to mend */
};

__attribute__((format(printf, 3, 4))) struct probe_result probe_found(enum probe_state state,
                                                                      const char *mend,
                                                                      const char *format, ...);

/* The first line of a small file; "" when it is not there. */
void probe_first_line(const char *path, char *text, size_t size);

struct probe_scratch {
    char directory[64]; /* private; "" when it could not be made */
};

struct probe {
    const char *name;
    const char *means; /* what it is for */
    struct probe_result (*try)(const struct probe_scratch *scratch);
};

extern const struct probe probes[];
extern const size_t probe_count;

int probe_scratch_make(struct probe_scratch *ret_scratch);
void probe_scratch_remove(struct probe_scratch *scratch);

#endif
