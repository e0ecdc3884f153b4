/*
 * The circuit breaker: counts what a run does, and stops it before it does one too many.
 *
 *     count N are permitted within any time of the window's length, the next is refused. What would
 *     be refused by the policy anyway is not counted (but as `blocked`), what failed is taken back.
 *
 * Whoever decides about an event asks breaker_count() before its effect. The answer "refused" means
 * that the breaker has tripped, now or before: from here on nothing is changed and nothing is sent,
 * whatever the policy allows, until the operator resumes or ends the run (breaker_resume). A
 * restart of a daemon or another policy does not change that.
 *
 * Who trips it writes the BREAKER record and wakes the supervisor, if there is one, which freezes
 * or kills. Without one, every action comes to the same: mutations are refused by the mount,
 * packets by the guard.
 *
 * Ownership: breaker_init() takes the board over; the producer is borrowed. Threads: any number may
 * count, without a lock: one load when nothing is counted, a few atomic additions when it is.
 * breaker_set_policy() and breaker_clear(): one at a time. Errors: negative errno.
 */
#ifndef FAILCORE_BREAKER_BREAKER_H
#define FAILCORE_BREAKER_BREAKER_H

#include <stdbool.h>

#include "shared/audit/producer.h"
#include "shared/base/text_buffer.h"
#include "shared/breaker/breaker_board.h"
#include "shared/policy/breaker_settings.h"

struct breaker_rules;

/*
 * How many names there are that rule `number` counts: what its `share` is a part of. Need not count
 * further than `enough`.
 */
typedef uint64_t (*breaker_survey)(void *context, const struct policy *policy, size_t number,
                                   uint64_t enough);

struct breaker {
    struct breaker_board *board; /* NULL: nobody counts */
    _Atomic(struct breaker_rules *) rules;
    struct audit_producer *audit;
    int alarm;             /* eventfd of the supervisor; -1: none */
    breaker_survey survey; /* NULL: this process counts nothing that a share is of */
    void *survey_context;
};

/* What breaker_count() added, to be taken back when the effect failed. Good as long as the breaker.
 */
struct breaker_charge {
    const struct breaker_rules *rules;
    uint32_t limits; /* which of them, as bits */
    uint64_t count;  /* 0: nothing */
    uint64_t at_ms;
};

void breaker_init(struct breaker *breaker, struct breaker_board *taken_board,
                  struct audit_producer *audit, int alarm);
void breaker_clear(struct breaker *breaker);
/* Before the first policy; the context is borrowed. */
void breaker_set_survey(struct breaker *breaker, breaker_survey survey, void *context);

/*
 * The policy's rules hold from now on; it is referenced until breaker_clear(), but where it says
 * the same as the one before. Counts of windows that the old ones had, too, go on. -E2BIG: more
 * different windows than a board has (see breaker_board.h).
 */
int breaker_set_policy(struct breaker *breaker, struct policy *policy);

uint64_t breaker_now_ms(void);

/* Whether anybody counts such events at all: what costs something to find out need not be asked. */
bool breaker_counts(const struct breaker *breaker, enum breaker_event event);
/* Whether there is any rule. */
bool breaker_is_armed(const struct breaker *breaker);
bool breaker_tripped(const struct breaker *breaker);
/* Why; false when it has not. */
bool breaker_last_trip(const struct breaker *breaker, struct breaker_trip *ret_trip);

/*
 * `count` more such events are about to happen, to what is called `path` from the mount root
 * (absent: nothing that has a path). True: they may; *ret_charge (may be NULL) is what to give to
 * breaker_take_back() if they fail. False: tripped.
 */
bool breaker_count(struct breaker *breaker, enum breaker_event event, uint64_t count,
                   struct str_view path, uint64_t now_ms, struct breaker_charge *ret_charge);
void breaker_take_back(const struct breaker_charge *charge);

/* Whether what counts under one name would not count under the other (policy_breaker_loses). */
bool breaker_loses(const struct breaker *breaker, struct str_view from, struct str_view to,
                   bool directory);

/*
 * What was refused because of a trip need not be told before the run is frozen or killed: waits for
 * that, ten seconds at most. At once when there is no supervisor, or when the action is read-only.
 */
void breaker_await_answer(const struct breaker *breaker);
/* The supervisor has acted. */
void breaker_answered(struct breaker *breaker);

/* The operator lets the run go on: counts begin anew. Recorded before it holds. */
int breaker_resume(struct breaker *breaker);

/* "more than 50 deletes within 10s". */
void breaker_trip_describe(const struct breaker_trip *trip, struct text_buffer *text);
/* "breaker.delete": what stands where a rule's id stands in a record. Static. */
const char *breaker_rule_word(enum breaker_event event);

#endif
