/* The automaton at its caps and under threads: the same answers, whatever is cached. */
#include "tests/support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "shared/policy/path_automaton.h"

#define RULES   400
#define THREADS 16
#define WALKS   4000

static char pattern_text[RULES][48];
static struct str_view patterns[RULES];
static struct path_rule rules[RULES];

static void make_rules(void)
{
    static const char *const shapes[] = {"**/x%u",     "d%u/**",  "*/y%u*/z",
                                         "a/**/b%u.*", "**/*%u?", "q%u/[a-m]*/{one,two}"};

    for (unsigned int i = 0; i < RULES; i++) {
        const char *shape = shapes[i % 6];
        const char *at = strchr(shape, '%');

        snprintf(pattern_text[i], sizeof(pattern_text[i]), "%.*s%u%s", (int)(at - shape), shape, i,
                 at + 2);
        patterns[i] = str_view_from(pattern_text[i]);
        rules[i] = (struct path_rule){
            .rule = i,
            .action = i % 3 == 0 ? VERDICT_DENY : VERDICT_ALLOW,
            .operations = i % 5 == 0 ? 1U << FS_WRITE : PATH_ALL_OPERATIONS,
            .patterns = &patterns[i],
            .pattern_count = 1,
        };
    }
}

static struct path_automaton *automaton_with(size_t cap)
{
    struct path_section section = {
        .rules = rules, .rule_count = RULES, .otherwise = VERDICT_DENY, .state_cap = cap};
    struct path_automaton *automaton = NULL;

    assert_int_equal(path_automaton_new(&section, &automaton), 0);
    return automaton;
}

/* The n-th name of a fixed sequence. */
static struct str_view name_number(uint64_t n, char text[static 32])
{
    uint64_t hash = n * UINT64_C(0x9E3779B97F4A7C15) >> 40;
    static const char *const shapes[] = {"x%u", "d%u", "y%uq", "b%u.c", "k%u7", "q%u", "a", "one"};
    const char *shape = shapes[hash % 8];
    const char *at = strchr(shape, '%');
    unsigned int number = (unsigned int)(hash >> 4) % RULES;

    if (at == NULL) {
        snprintf(text, 32, "%s", shape);
    } else {
        snprintf(text, 32, "%.*s%u%s", (int)(at - shape), shape, number, at + 2);
    }
    return str_view_from(text);
}

/* A walk of four names; its verdicts and rules folded into one number. */
static uint64_t walk_digest(struct path_automaton *automaton, uint64_t walk)
{
    const struct policy_state *state = path_automaton_root(automaton);
    uint64_t digest = 0;

    for (uint64_t depth = 0; depth < 4; depth++) {
        char text[32];
        const struct policy_state *next =
            path_automaton_step(automaton, state, name_number(walk * 4 + depth, text));

        policy_state_unref(state);
        state = policy_state_ref(next);
        policy_state_unref(next);
        for (unsigned int operation = 0; operation < FS_OPERATION_COUNT; operation++) {
            enum fs_operation asked = (enum fs_operation)operation;

            digest = digest * 1099511628211U + policy_state_verdict(state, asked);
            digest = digest * 1099511628211U + policy_state_rule(state, asked).index;
        }
    }
    policy_state_unref(state);
    return digest;
}

static void caps_do_not_change_answers(void **unused)
{
    struct path_automaton *roomy = automaton_with(0);
    struct path_automaton *tight = automaton_with(1);
    struct path_automaton *middle = automaton_with(40);

    (void)unused;
    for (uint64_t walk = 0; walk < WALKS; walk++) {
        uint64_t digest = walk_digest(roomy, walk);

        assert_int_equal(walk_digest(tight, walk), digest);
        assert_int_equal(walk_digest(middle, walk), digest);
    }
    assert_int_equal(path_automaton_size(tight).states, 1);
    assert_int_equal(path_automaton_size(middle).states, 40);
    path_automaton_free(roomy);
    path_automaton_free(tight);
    path_automaton_free(middle);
}

struct worker {
    pthread_t thread;
    struct path_automaton *automaton;
    const uint64_t *wanted;
    size_t first;
    size_t wrong;
};

static void *step_along(void *context)
{
    struct worker *worker = context;

    for (size_t i = 0; i < WALKS; i++) {
        size_t walk = (worker->first + i) % WALKS;

        worker->wrong += walk_digest(worker->automaton, walk) != worker->wanted[walk] ? 1 : 0;
    }
    return NULL;
}

static void threads_share_one_automaton(size_t cap)
{
    static uint64_t wanted[WALKS];
    struct path_automaton *alone = automaton_with(0);
    struct path_automaton *shared = automaton_with(cap);
    struct worker workers[THREADS];

    for (uint64_t walk = 0; walk < WALKS; walk++) {
        wanted[walk] = walk_digest(alone, walk);
    }
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] =
            (struct worker){.automaton = shared, .wanted = wanted, .first = i * WALKS / THREADS};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, step_along, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].wrong, 0);
    }
    path_automaton_free(alone);
    path_automaton_free(shared);
}

static void sixteen_threads(void **unused)
{
    (void)unused;
    threads_share_one_automaton(0);
}

static void sixteen_threads_at_the_cap(void **unused)
{
    (void)unused;
    threads_share_one_automaton(100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caps_do_not_change_answers),
        cmocka_unit_test(sixteen_threads),
        cmocka_unit_test(sixteen_threads_at_the_cap),
    };

    make_rules();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
