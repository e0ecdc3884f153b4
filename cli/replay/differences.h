/*
 * What a replay found: requests that would be decided otherwise, equal ones together.
 *
 * Ownership: release with differences_clear().
 */
#ifndef FAILCORE_CLI_REPLAY_DIFFERENCES_H
#define FAILCORE_CLI_REPLAY_DIFFERENCES_H

#include "cli/log/event_words.h"
#include "cli/log/paint.h"
#include "cli/log/tally.h"
#include "cli/replay/decide_again.h"

enum change { CHANGE_DENIED = 0, CHANGE_ALLOWED, CHANGE_LOGGED, CHANGE_COUNT };

struct differences {
    struct tally rows[CHANGE_COUNT]; /* "verb\0target\0target2\0rule before\0rule now" */
    struct event_words words;
    uint64_t changed[CHANGE_COUNT]; /* requests */
    uint64_t unchanged;
    uint64_t carried; /* decided by the boundary itself */
    uint64_t records;
};

int differences_add(struct differences *differences, const struct audit_record *record,
                    const struct decided_again *again, struct str_view rule_now);
void differences_clear(struct differences *differences);
uint64_t differences_count(const struct differences *differences);

void differences_print(const struct paint_box *box, struct differences *differences);
void differences_append_json(struct text_buffer *text, struct differences *differences);

#endif
