/*
 * The last refusals of this mount, for whoever was refused: so that an agent can learn why, and
 * stop trying (CONTRACT: ".failcore/denials").
 *
 * Bounded: the last DENIALS_KEPT different ones; the same again is counted. Hidden names are never
 * kept (SR19). Everything is escaped as JSON. Threads: any; one lock.
 */
#ifndef FAILCORE_FUSEFS_DENIALS_H
#define FAILCORE_FUSEFS_DENIALS_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/base/str_view.h"
#include "shared/base/text_buffer.h"

#define DENIALS_KEPT    128
#define DENIAL_PATH_MAX 512 /* longer paths are cut */
#define DENIAL_TEXT_MAX 128

struct denial_text {
    uint16_t length;
    char bytes[DENIAL_TEXT_MAX];
};

struct denial {
    int64_t seconds; /* since the epoch, of the last one */
    uint64_t count;  /* how often the same was refused */
    uid_t uid;
    const char *operation; /* static */
    const char *code;      /* static */
    const char *error;     /* static: "EACCES" */
    struct denial_text rule;
    struct denial_text reason;
    uint16_t path_length;
    char path[DENIAL_PATH_MAX];
};

struct denials {
    pthread_mutex_t lock;
    uint64_t count; /* ever; the ring holds the last ones */
    struct denial ring[DENIALS_KEPT];
};

void denials_init(struct denials *denials);
/* Texts are copied. */
void denials_add(struct denials *denials, uid_t uid, const char *operation, const char *code,
                 const char *error, struct str_view rule, struct str_view reason,
                 struct str_view path);
/* JSON lines, oldest first: those of `uid`, or all for root. */
void denials_print(struct denials *denials, uid_t uid, struct text_buffer *text);

#endif
