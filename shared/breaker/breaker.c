#include "shared/breaker/breaker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/monotonic.h"
#include "shared/policy/quantity.h"

#define HANDFUL            5U
#define SHARE_COUNT_MAX    100000U /* the count of a rule with a share: so far a survey goes */
#define ANSWER_PATIENCE_MS 10000U  /* a busy machine; whoever waits ends with the server */

/* One window and the most that may be in it. */
struct breaker_limit {
    struct policy_breaker rule;
    size_t number; /* in the policy */
    struct breaker_window *window;
};

/* Of one policy; never changed once it is in force. */
struct breaker_rules {
    struct breaker_rules *older; /* a thread may still read it: freed with the breaker */
    struct policy *policy;       /* referenced: it knows the exceptions */
    unsigned int events;         /* 1 << enum breaker_event */
    size_t count;
    struct breaker_limit limits[BREAKER_WINDOWS_MAX];
};

void breaker_init(struct breaker *breaker, struct breaker_board *taken_board,
                  struct audit_producer *audit, int alarm)
{
    breaker->board = taken_board;
    breaker->audit = audit;
    breaker->alarm = alarm;
    breaker->survey = NULL;
    breaker->survey_context = NULL;
    atomic_init(&breaker->rules, NULL);
}

void breaker_set_survey(struct breaker *breaker, breaker_survey survey, void *context)
{
    breaker->survey = survey;
    breaker->survey_context = context;
}

void breaker_clear(struct breaker *breaker)
{
    struct breaker_rules *rules = atomic_load(&breaker->rules);

    while (rules != NULL) {
        struct breaker_rules *older = rules->older;

        policy_unref(rules->policy);
        free(rules);
        rules = older;
    }
    atomic_store(&breaker->rules, NULL);
    breaker_board_close(breaker->board);
    breaker->board = NULL;
}

uint64_t breaker_now_ms(void)
{
    return monotonic_ms();
}

/* Of two limits of one window the smaller counts; of two that are the same the stronger action. */
static bool is_narrower(const struct policy_breaker *a, const struct policy_breaker *b)
{
    return a->count != b->count ? a->count < b->count : a->action < b->action;
}

/*
 * What the share leaves of the count. A handful may always go, or nobody could work with a few
 * files; but never all that is there.
 */
static uint64_t narrowed(const struct breaker *breaker, const struct policy *policy, size_t number,
                         const struct policy_breaker *rule)
{
    uint64_t most = rule->count < SHARE_COUNT_MAX ? rule->count : SHARE_COUNT_MAX;
    uint64_t existing;
    uint64_t part;
    uint64_t few;

    if (rule->share == 0 || breaker->survey == NULL) {
        return rule->count;
    }
    existing =
        breaker->survey(breaker->survey_context, policy, number, most * 100 / rule->share + 1);
    part = existing * rule->share / 100;
    few = existing == 0 || existing > HANDFUL ? HANDFUL : existing == 1 ? 1 : existing - 1;
    part = part < few ? few : part;
    return part < rule->count ? part : rule->count;
}

static int add_limit(struct breaker *breaker, struct breaker_rules *rules, size_t number)
{
    struct policy_breaker rule = policy_breaker_at(rules->policy, number);
    struct breaker_window *window =
        breaker_board_window(breaker->board, (uint32_t)rule.event, rule.within_ms, rule.scope);

    if (window == NULL) {
        return -E2BIG;
    }
    rule.count = narrowed(breaker, rules->policy, number, &rule);
    rules->events |= 1U << rule.event;
    for (size_t i = 0; i < rules->count; i++) {
        if (rules->limits[i].window == window) {
            if (is_narrower(&rule, &rules->limits[i].rule)) {
                rules->limits[i].rule = rule;
                rules->limits[i].number = number;
            }
            return 0;
        }
    }
    rules->limits[rules->count++] =
        (struct breaker_limit){.rule = rule, .number = number, .window = window};
    return 0;
}

int breaker_set_policy(struct breaker *breaker, struct policy *policy)
{
    AUTO_FREE struct breaker_rules *rules = NULL;
    struct breaker_rules *now = atomic_load(&breaker->rules);
    int error = 0;

    /* Old rules are kept, with their policy: a reload that changes nothing here must keep none. */
    if (now != NULL && policy_breakers_equal(now->policy, policy)) {
        return 0;
    }
    rules = calloc(1, sizeof(*rules));
    if (rules == NULL) {
        return -ENOMEM;
    }
    rules->policy = policy;
    for (size_t i = 0; error == 0 && i < policy_breaker_count(policy); i++) {
        error = add_limit(breaker, rules, i);
    }
    if (error < 0) {
        return error;
    }
    (void)policy_ref(policy);
    rules->older = now;
    atomic_store(&breaker->rules, take_pointer(&rules));
    return 0;
}

bool breaker_counts(const struct breaker *breaker, enum breaker_event event)
{
    const struct breaker_rules *rules = atomic_load(&breaker->rules);

    return rules != NULL && (rules->events & 1U << event) != 0;
}

bool breaker_is_armed(const struct breaker *breaker)
{
    const struct breaker_rules *rules = atomic_load(&breaker->rules);

    return rules != NULL && rules->count > 0;
}

bool breaker_tripped(const struct breaker *breaker)
{
    return breaker->board != NULL &&
           atomic_load_explicit(&breaker->board->state, memory_order_acquire) !=
               BREAKER_STATE_CLOSED;
}

bool breaker_last_trip(const struct breaker *breaker, struct breaker_trip *ret_trip)
{
    const struct timespec moment = {.tv_nsec = 100000};

    if (!breaker_tripped(breaker)) {
        return false;
    }
    /* Who trips it writes a few words before it says so. One that died between leaves it closed. */
    for (unsigned int i = 0; i < 100; i++) {
        if (atomic_load(&breaker->board->state) == BREAKER_STATE_TRIPPED) {
            *ret_trip = breaker->board->trip;
            return true;
        }
        (void)nanosleep(&moment, NULL);
    }
    *ret_trip = (struct breaker_trip){0};
    return true;
}

static const char *plural(enum breaker_event event)
{
    switch (event) {
    case BREAKER_DELETE:
        return "deletes";
    case BREAKER_OVERWRITE:
        return "overwrites";
    case BREAKER_RENAME:
        return "renames";
    case BREAKER_BLOCKED:
        return "refusals";
    case BREAKER_CONNECT:
        return "connections";
    case BREAKER_BYTES_OUT:
        return "bytes sent";
    case BREAKER_EXEC:
        return "executions";
    case BREAKER_EVENT_COUNT:
        break;
    }
    return "events";
}

void breaker_trip_describe(const struct breaker_trip *trip, struct text_buffer *text)
{
    char within[QUANTITY_TEXT_MAX];

    text_buffer_printf(text, "more than %" PRIu64 " %s within %s", trip->count,
                       plural((enum breaker_event)trip->event),
                       quantity_format(QUANTITY_DURATION, trip->within_ms, within));
}

const char *breaker_rule_word(enum breaker_event event)
{
    static const char *const words[BREAKER_EVENT_COUNT] = {
        [BREAKER_DELETE] = "breaker.delete",   [BREAKER_OVERWRITE] = "breaker.overwrite",
        [BREAKER_RENAME] = "breaker.rename",   [BREAKER_BLOCKED] = "breaker.blocked",
        [BREAKER_CONNECT] = "breaker.connect", [BREAKER_BYTES_OUT] = "breaker.bytes_out",
        [BREAKER_EXEC] = "breaker.exec",
    };

    return event < BREAKER_EVENT_COUNT ? words[event] : "breaker";
}

static int record(const struct breaker *breaker, const struct breaker_trip *trip, bool resumed)
{
    AUTO(text_buffer_clear) struct text_buffer members = {0};
    AUTO(text_buffer_clear) struct text_buffer reason = {0};
    struct audit_event event = {
        .kind = AUDIT_KIND_BREAKER,
        .source = AUDIT_SOURCE_RUN,
        .status = resumed ? AUDIT_STATUS_OK : AUDIT_STATUS_BLOCKED,
        .decision = resumed ? AUDIT_DECISION_ALLOWED : AUDIT_DECISION_BLOCKED,
        .phase = AUDIT_PHASE_EXECUTE,
        .rule = str_view_from(breaker_rule_word((enum breaker_event)trip->event)),
        .code = str_view_from(resumed ? NULL : denial_code_word(DENIAL_BREAKER_TRIPPED)),
        .actor = {.pid = getpid(), .uid = getuid(), .gid = getgid(), .present = true},
    };

    text_buffer_printf(&members,
                       "\"state\":\"%s\",\"event\":\"%s\",\"count\":%" PRIu64 ",\"seen\":%" PRIu64
                       ",\"within_ms\":%" PRIu64 ",\"action\":\"%s\"",
                       resumed ? "resumed" : "tripped",
                       breaker_event_word((enum breaker_event)trip->event), trip->count, trip->seen,
                       trip->within_ms, breaker_action_word((enum breaker_action)trip->action));
    if (resumed) {
        text_buffer_append_text(&reason, "the operator lets the run go on after ");
    }
    breaker_trip_describe(trip, &reason);
    if (text_buffer_error(&members) < 0 || text_buffer_error(&reason) < 0) {
        return -ENOMEM;
    }
    event.call.run = (struct audit_call_run){"breaker", text_buffer_view(&members)};
    event.reason = text_buffer_view(&reason);
    return breaker->audit == NULL ? 0 : audit_emit(breaker->audit, &event, NULL);
}

static void trip(struct breaker *breaker, const struct breaker_trip *why)
{
    const uint64_t one = 1;
    uint32_t closed = BREAKER_STATE_CLOSED;

    if (!atomic_compare_exchange_strong(&breaker->board->state, &closed, BREAKER_STATE_TRIPPING)) {
        return; /* somebody was first */
    }
    breaker->board->trip = *why;
    atomic_fetch_add(&breaker->board->trip_count, 1);
    atomic_store(&breaker->board->state, BREAKER_STATE_TRIPPED);
    /* It holds, whether it can be recorded or not: then nothing is permitted anyway. */
    (void)record(breaker, why, false);
    if (breaker->alarm >= 0 && write(breaker->alarm, &one, sizeof(one)) < 0) {
        return; /* full: the supervisor has not come to look at the last one yet */
    }
}

/* Which limits the event belongs to, as bits. */
static uint32_t limits_of(const struct breaker_rules *rules, enum breaker_event event,
                          struct str_view path)
{
    uint32_t limits = 0;

    for (size_t i = 0; i < rules->count; i++) {
        const struct breaker_limit *limit = &rules->limits[i];

        if (limit->rule.event == event &&
            (!limit->rule.has_exceptions || path.bytes == NULL ||
             !policy_breaker_excepts(rules->policy, limit->number, path))) {
            limits |= UINT32_C(1) << i;
        }
    }
    return limits;
}

static void add(const struct breaker_charge *charge)
{
    for (size_t i = 0; i < charge->rules->count; i++) {
        if ((charge->limits & UINT32_C(1) << i) != 0) {
            (void)breaker_window_add(charge->rules->limits[i].window, charge->at_ms, charge->count);
        }
    }
}

static void take(const struct breaker_charge *charge)
{
    for (size_t i = 0; i < charge->rules->count; i++) {
        if ((charge->limits & UINT32_C(1) << i) != 0) {
            breaker_window_take_back(charge->rules->limits[i].window, charge->at_ms, charge->count);
        }
    }
}

/* The strongest of the rules that what is in the windows by now passes. */
static bool find_passed(const struct breaker_charge *charge, struct breaker_trip *ret_trip)
{
    bool found = false;

    for (size_t i = 0; i < charge->rules->count; i++) {
        const struct policy_breaker *rule = &charge->rules->limits[i].rule;
        uint64_t total;

        if ((charge->limits & UINT32_C(1) << i) == 0) {
            continue;
        }
        total = breaker_window_total(charge->rules->limits[i].window, charge->at_ms);
        if (total > rule->count && (!found || (uint32_t)rule->action < ret_trip->action)) {
            found = true;
            *ret_trip = (struct breaker_trip){
                .event = (uint32_t)rule->event,
                .action = (uint32_t)rule->action,
                .count = rule->count,
                .seen = total,
                .within_ms = rule->within_ms,
                .at_seconds = (int64_t)time(NULL),
            };
        }
    }
    return found;
}

bool breaker_count(struct breaker *breaker, enum breaker_event event, uint64_t count,
                   struct str_view path, uint64_t now_ms, struct breaker_charge *ret_charge)
{
    const struct breaker_rules *rules = atomic_load(&breaker->rules);
    struct breaker_charge charge = {.rules = rules, .count = count, .at_ms = now_ms};
    struct breaker_trip why;

    if (breaker_tripped(breaker)) {
        return false;
    }
    if (rules == NULL || (rules->events & 1U << event) == 0 || count == 0) {
        return true;
    }
    charge.limits = limits_of(rules, event, path);
    add(&charge);
    if (find_passed(&charge, &why)) {
        take(&charge);
        trip(breaker, &why);
        return false;
    }
    /* It may have tripped while we counted. */
    if (breaker_tripped(breaker)) {
        take(&charge);
        return false;
    }
    if (ret_charge != NULL) {
        *ret_charge = charge;
    }
    return true;
}

void breaker_take_back(const struct breaker_charge *charge)
{
    if (charge->rules != NULL) {
        take(charge);
    }
}

bool breaker_loses(const struct breaker *breaker, struct str_view from, struct str_view to,
                   bool directory)
{
    const struct breaker_rules *rules = atomic_load(&breaker->rules);

    for (size_t i = 0; rules != NULL && i < rules->count; i++) {
        if (rules->limits[i].rule.has_exceptions &&
            policy_breaker_loses(rules->policy, rules->limits[i].number, from, to, directory)) {
            return true;
        }
    }
    return false;
}

void breaker_await_answer(const struct breaker *breaker)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    struct breaker_trip why;

    if (breaker->alarm < 0 || !breaker_last_trip(breaker, &why) ||
        why.action == (uint32_t)BREAKER_READONLY) {
        return;
    }
    for (unsigned int i = 0; i < ANSWER_PATIENCE_MS; i++) {
        if (!breaker_tripped(breaker) ||
            atomic_load(&breaker->board->answered) == atomic_load(&breaker->board->trip_count)) {
            return;
        }
        (void)nanosleep(&moment, NULL);
    }
}

void breaker_answered(struct breaker *breaker)
{
    atomic_store(&breaker->board->answered, atomic_load(&breaker->board->trip_count));
}

int breaker_resume(struct breaker *breaker)
{
    struct breaker_trip why;
    int error;

    if (!breaker_last_trip(breaker, &why)) {
        return -EALREADY;
    }
    error = record(breaker, &why, true);
    if (error == 0) {
        breaker_board_reset(breaker->board);
    }
    return error;
}
