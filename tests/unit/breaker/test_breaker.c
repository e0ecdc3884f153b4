/* When it trips, what stays tripped, and what processes share. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/breaker/breaker.h"
#include "tests/support/unit.h"
#include "tests/unit/policy/policy_text.h"

#define NO_PATH ((struct str_view){0})

static struct breaker_board *board_of(int *ret_fd)
{
    struct breaker_board *board = NULL;

    assert_int_equal(breaker_board_new(&board, ret_fd), 0);
    return board;
}

static struct breaker breaker_of(const char *rules, int alarm)
{
    struct breaker breaker;
    char text[1024];
    int fd = -1;
    struct policy *policy;

    snprintf(text, sizeof(text), "version: 1\nname: t\nbreaker:\n%s", rules);
    policy = policy_of_text(text);
    breaker_init(&breaker, board_of(&fd), NULL, alarm);
    close(fd);
    assert_int_equal(breaker_set_policy(&breaker, policy), 0);
    policy_unref(policy);
    return breaker;
}

static bool count(struct breaker *breaker, enum breaker_event event, uint64_t now_ms)
{
    return breaker_count(breaker, event, 1, NO_PATH, now_ms, NULL);
}

static void test_one_too_many(void **state)
{
    int alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct breaker breaker =
        breaker_of("  - {event: delete, count: 3, within: 10s, action: freeze}\n", alarm);
    struct breaker_trip trip;
    uint64_t rung = 0;

    (void)state;
    assert_true(breaker_counts(&breaker, BREAKER_DELETE));
    assert_false(breaker_counts(&breaker, BREAKER_RENAME));
    for (int i = 0; i < 3; i++) {
        assert_true(count(&breaker, BREAKER_DELETE, 1000));
    }
    assert_true(count(&breaker, BREAKER_RENAME, 1000));
    assert_false(breaker_tripped(&breaker));
    assert_int_equal(read(alarm, &rung, sizeof(rung)), -1);
    assert_false(count(&breaker, BREAKER_DELETE, 10999));
    assert_true(breaker_tripped(&breaker));
    assert_int_equal(read(alarm, &rung, sizeof(rung)), sizeof(rung));
    assert_true(breaker_last_trip(&breaker, &trip));
    assert_int_equal(trip.event, BREAKER_DELETE);
    assert_int_equal(trip.action, BREAKER_FREEZE);
    assert_int_equal(trip.count, 3);
    assert_int_equal(trip.seen, 4);
    /* Everything is refused now, also much later, also what nobody counts. */
    assert_false(count(&breaker, BREAKER_RENAME, 99000000));
    assert_int_equal(breaker_resume(&breaker), 0);
    assert_int_equal(breaker_resume(&breaker), -EALREADY);
    assert_true(count(&breaker, BREAKER_DELETE, 99000000));
    breaker_clear(&breaker);
    close(alarm);
}

static void test_slow_ones_pass(void **state)
{
    struct breaker breaker =
        breaker_of("  - {event: delete, count: 3, within: 10s, action: freeze}\n"
                   "  - {event: delete, count: 8, within: 1h, action: kill}\n",
                   -1);
    struct breaker_trip trip;

    (void)state;
    /* Below the short window's rate; the long one counts them all the same. */
    for (uint64_t i = 0; i < 8; i++) {
        assert_true(count(&breaker, BREAKER_DELETE, 1000 + i * 5000));
    }
    assert_false(count(&breaker, BREAKER_DELETE, 1000 + 9 * 5000));
    assert_true(breaker_last_trip(&breaker, &trip));
    assert_int_equal(trip.action, BREAKER_KILL);
    assert_int_equal(trip.count, 8);
    breaker_clear(&breaker);
}

static void test_failures_are_taken_back(void **state)
{
    struct breaker breaker =
        breaker_of("  - {event: delete, count: 1, within: 10s, action: kill}\n", -1);
    struct breaker_charge charge = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_true(breaker_count(&breaker, BREAKER_DELETE, 1, NO_PATH, 1000, &charge));
        breaker_take_back(&charge);
    }
    assert_true(count(&breaker, BREAKER_DELETE, 1000));
    assert_false(count(&breaker, BREAKER_DELETE, 1000));
    breaker_clear(&breaker);
}

static void test_the_narrower_of_one_window(void **state)
{
    struct breaker breaker =
        breaker_of("  - {event: connect, count: 5, within: 1s, action: kill}\n"
                   "  - {event: connect, count: 2, within: 1s, action: readonly}\n"
                   "  - {event: connect, count: 2, within: 1s, action: freeze}\n",
                   -1);
    struct breaker_trip trip;

    (void)state;
    assert_true(count(&breaker, BREAKER_CONNECT, 1));
    assert_true(count(&breaker, BREAKER_CONNECT, 1));
    assert_false(count(&breaker, BREAKER_CONNECT, 1));
    assert_true(breaker_last_trip(&breaker, &trip));
    assert_int_equal(trip.count, 2);
    assert_int_equal(trip.action, BREAKER_FREEZE);
    breaker_clear(&breaker);
}

static uint64_t survey_of(void *context, const struct policy *policy, size_t number,
                          uint64_t enough)
{
    const uint64_t *existing = context;

    (void)policy;
    (void)number;
    return *existing < enough ? *existing : enough;
}

/* How many may go where so many are. */
static uint64_t permitted_of(uint64_t existing)
{
    struct breaker breaker;
    int fd = -1;
    uint64_t permitted = 0;
    struct policy *policy =
        policy_of_text("version: 1\nname: t\nbreaker:\n"
                       "  - {event: delete, count: 40, within: 1h, action: freeze, share: 50%}\n");

    breaker_init(&breaker, board_of(&fd), NULL, -1);
    close(fd);
    breaker_set_survey(&breaker, survey_of, &existing);
    assert_int_equal(breaker_set_policy(&breaker, policy), 0);
    policy_unref(policy);
    while (count(&breaker, BREAKER_DELETE, 1000)) {
        permitted++;
    }
    breaker_clear(&breaker);
    return permitted;
}

static void test_a_part_of_what_is_there(void **state)
{
    (void)state;
    assert_int_equal(permitted_of(1000000), 40);
    assert_int_equal(permitted_of(80), 40);
    assert_int_equal(permitted_of(79), 39);
    assert_int_equal(permitted_of(12), 6);
    assert_int_equal(permitted_of(8), 5);
    assert_int_equal(permitted_of(5), 4);
    assert_int_equal(permitted_of(2), 1);
    assert_int_equal(permitted_of(1), 1);
    assert_int_equal(permitted_of(0), 5);
}

static void test_bytes(void **state)
{
    struct breaker breaker =
        breaker_of("  - {event: bytes_out, count: 1MiB, within: 1m, action: readonly}\n", -1);

    (void)state;
    assert_true(breaker_count(&breaker, BREAKER_BYTES_OUT, 1 << 20, NO_PATH, 5, NULL));
    assert_true(breaker_count(&breaker, BREAKER_BYTES_OUT, 0, NO_PATH, 5, NULL));
    assert_false(breaker_count(&breaker, BREAKER_BYTES_OUT, 1, NO_PATH, 5, NULL));
    breaker_clear(&breaker);
}

static void test_another_policy(void **state)
{
    struct breaker breaker =
        breaker_of("  - {event: delete, count: 5, within: 10s, action: freeze}\n", -1);
    struct policy *narrower = policy_of_text("version: 1\nname: n\nbreaker:\n"
                                             "  - {event: delete, count: 2, within: 10s, "
                                             "action: freeze}\n");
    struct policy *none = policy_of_text("version: 1\nname: none\n");

    (void)state;
    assert_true(count(&breaker, BREAKER_DELETE, 1));
    assert_true(count(&breaker, BREAKER_DELETE, 1));
    assert_int_equal(breaker_set_policy(&breaker, narrower), 0);
    assert_false(count(&breaker, BREAKER_DELETE, 1)); /* the two before count */
    /* A policy without a breaker does not let it go on. */
    assert_int_equal(breaker_set_policy(&breaker, none), 0);
    assert_false(count(&breaker, BREAKER_DELETE, 1));
    assert_int_equal(breaker_resume(&breaker), 0);
    assert_true(count(&breaker, BREAKER_DELETE, 1));
    breaker_clear(&breaker);
    policy_unref(narrower);
    policy_unref(none);
}

/* Each policy that is kept costs half a megabyte: only another breaker is a reason to. */
static void test_the_same_breaker_keeps_nothing(void **state)
{
    static const char *const others[] = {
        "  - {event: delete, count: 5, within: 10s, action: freeze}\n",
        "  - {event: delete, count: 5, within: 10s, action: freeze, except: [\"a/**\"]}\n",
        "  - {event: delete, count: 5, within: 10s, action: freeze, except: [\"b/**\"]}\n",
        "  - {event: delete, count: 6, within: 10s, action: freeze, except: [\"b/**\"]}\n",
        "  - {event: delete, count: 6, within: 10s, action: kill, except: [\"b/**\"]}\n",
    };
    struct breaker breaker = breaker_of(others[0], -1);
    const struct breaker_rules *rules = atomic_load(&breaker.rules);

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        for (int again = 0; again < 3; again++) {
            char text[512];
            struct policy *policy;

            snprintf(text, sizeof(text), "version: 1\nname: n%d\nbreaker:\n%s", again, others[i]);
            policy = policy_of_text(text);
            assert_int_equal(breaker_set_policy(&breaker, policy), 0);
            policy_unref(policy);
            if (again > 0 || i == 0) {
                assert_ptr_equal(rules, atomic_load(&breaker.rules));
            } else {
                assert_ptr_not_equal(rules, atomic_load(&breaker.rules));
            }
            rules = atomic_load(&breaker.rules);
        }
    }
    breaker_clear(&breaker);
}

static void test_processes_share(void **state)
{
    int fd = -1, status = 0;
    struct breaker_board *board = board_of(&fd);
    struct policy *policy = policy_of_text("version: 1\nname: n\nbreaker:\n"
                                           "  - {event: blocked, count: 10, within: 10s, "
                                           "action: kill}\n");
    struct breaker ours;
    pid_t child;

    (void)state;
    breaker_init(&ours, board, NULL, -1);
    assert_int_equal(breaker_set_policy(&ours, policy), 0);
    child = fork();
    if (child == 0) {
        struct breaker theirs;
        struct breaker_board *mapped = NULL;
        int permitted = 0;

        if (breaker_board_attach(fd, &mapped) < 0) {
            _exit(99);
        }
        breaker_init(&theirs, mapped, NULL, -1);
        if (breaker_set_policy(&theirs, policy) < 0) {
            _exit(98);
        }
        for (int i = 0; i < 7; i++) {
            permitted += count(&theirs, BREAKER_BLOCKED, 1);
        }
        _exit(permitted);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    for (int i = 0; i < 3; i++) {
        assert_true(count(&ours, BREAKER_BLOCKED, 1));
    }
    assert_false(count(&ours, BREAKER_BLOCKED, 1));
    breaker_clear(&ours);
    close(fd);
    policy_unref(policy);
}

static void test_a_file_outlives(void **state)
{
    char path[] = "/tmp/failcore-unit.XXXXXX";
    struct breaker_board *board = NULL;
    int directory;

    (void)state;
    assert_non_null(mkdtemp(path));
    directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(breaker_board_open_file(directory, "b", &board), 0);
    atomic_store(&board->state, BREAKER_STATE_TRIPPING); /* its writer was killed just then */
    breaker_board_close(board);
    board = NULL;
    assert_int_equal(breaker_board_open_file(directory, "b", &board), 0);
    assert_int_equal(atomic_load(&board->state), BREAKER_STATE_TRIPPING);
    {
        struct breaker breaker;
        struct breaker_trip trip;

        breaker_init(&breaker, board, NULL, -1);
        assert_true(breaker_tripped(&breaker));
        assert_true(breaker_last_trip(&breaker, &trip));
        breaker_clear(&breaker);
    }
    /* Another's file, a link, something else: not taken. */
    assert_int_equal(unlinkat(directory, "b", 0), 0);
    assert_int_equal(symlinkat("/etc/passwd", directory, "b"), 0);
    assert_int_equal(breaker_board_open_file(directory, "b", &board), -ELOOP);
    assert_int_equal(unlinkat(directory, "b", 0), 0);
    close(openat(directory, "b", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    assert_int_equal(breaker_board_open_file(directory, "b", &board), -EPERM);
    assert_int_equal(unlinkat(directory, "b", 0), 0);
    close(directory);
    rmdir(path);
}

static void test_no_board_that_is_none(void **state)
{
    struct breaker_board *board = NULL;
    int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
    int short_one = memfd_create("short", MFD_CLOEXEC);

    (void)state;
    assert_int_equal(breaker_board_attach(zero, &board), -EBADMSG);
    assert_int_equal(breaker_board_attach(short_one, &board), -EBADMSG);
    assert_int_equal(ftruncate(short_one, sizeof(struct breaker_board)), 0);
    assert_int_equal(breaker_board_attach(short_one, &board), -EBADMSG);
    close(zero);
    close(short_one);
}

enum { THREADS = 8, LIMIT = 500 };

static atomic_uint permitted;

static void *race_thread(void *argument)
{
    struct breaker *breaker = argument;

    for (int i = 0; i < 2000; i++) {
        struct breaker_charge charge = {0};

        if (breaker_count(breaker, BREAKER_DELETE, 1, NO_PATH, breaker_now_ms(), &charge)) {
            if (i % 5 == 0) {
                breaker_take_back(&charge);
            } else {
                atomic_fetch_add(&permitted, 1);
            }
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct breaker breaker =
        breaker_of("  - {event: delete, count: 500, within: 1h, action: kill}\n"
                   "  - {event: delete, count: 600, within: 2h, action: kill}\n",
                   -1);
    struct policy *policy = policy_of_text("version: 1\nname: n\nbreaker:\n"
                                           "  - {event: delete, count: 500, within: 1h, "
                                           "action: kill}\n");
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, race_thread, &breaker), 0);
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(breaker_set_policy(&breaker, policy), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_true(breaker_tripped(&breaker));
    assert_true(atomic_load(&permitted) <= LIMIT);
    assert_true(atomic_load(&permitted) >= LIMIT - 2 * THREADS);
    breaker_clear(&breaker);
    policy_unref(policy);
}

static void test_exceptions(void **state)
{
    struct breaker breaker =
        breaker_of("  - {event: delete, count: 2, within: 1h, action: freeze, except: "
                   "[\"**/build/**\", \"**/*.o\"]}\n"
                   "  - {event: delete, count: 100, within: 1h, action: kill}\n",
                   -1);
    const struct str_view object = STR_VIEW_LITERAL("src/a.o");
    const struct str_view built = STR_VIEW_LITERAL("x/build/deep/er");
    const struct str_view source = STR_VIEW_LITERAL("src/a.c");
    const struct str_view aside = STR_VIEW_LITERAL("x/build/a.c");
    const struct str_view directory = STR_VIEW_LITERAL("src");
    const struct str_view hidden = STR_VIEW_LITERAL("build/src");
    const struct str_view within = STR_VIEW_LITERAL("build/other");
    struct breaker_charge charge;

    (void)state;
    for (int i = 0; i < 30; i++) {
        assert_true(breaker_count(&breaker, BREAKER_DELETE, 1, object, 1, &charge));
        assert_true(breaker_count(&breaker, BREAKER_DELETE, 1, built, 1, NULL));
    }
    breaker_take_back(&charge);
    /* The rule without exceptions has counted them all the same. */
    assert_int_equal(breaker_window_total(&breaker.board->places[0].window, 1) +
                         breaker_window_total(&breaker.board->places[1].window, 1),
                     59);
    assert_true(breaker_count(&breaker, BREAKER_DELETE, 1, source, 1, NULL));
    assert_true(breaker_count(&breaker, BREAKER_DELETE, 1, source, 1, NULL));
    assert_false(breaker_count(&breaker, BREAKER_DELETE, 1, source, 1, NULL));
    assert_true(breaker_loses(&breaker, source, aside, false));
    assert_false(breaker_loses(&breaker, aside, source, false));
    assert_false(breaker_loses(&breaker, source, directory, false));
    assert_true(breaker_loses(&breaker, directory, hidden, true));
    assert_false(breaker_loses(&breaker, within, hidden, true));
    assert_false(breaker_loses(&breaker, within, directory, true));
    breaker_clear(&breaker);
}

static void test_words(void **state)
{
    const struct breaker_trip trip = {
        .event = BREAKER_DELETE, .count = 50, .within_ms = 10000, .action = BREAKER_FREEZE};
    struct text_buffer text = {0};

    (void)state;
    breaker_trip_describe(&trip, &text);
    assert_string_equal(text_buffer_text(&text), "more than 50 deletes within 10s");
    text_buffer_clear(&text);
    assert_string_equal(breaker_rule_word(BREAKER_BYTES_OUT), "breaker.bytes_out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_too_many),
        cmocka_unit_test(test_slow_ones_pass),
        cmocka_unit_test(test_failures_are_taken_back),
        cmocka_unit_test(test_the_narrower_of_one_window),
        cmocka_unit_test(test_a_part_of_what_is_there),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_another_policy),
        cmocka_unit_test(test_the_same_breaker_keeps_nothing),
        cmocka_unit_test(test_processes_share),
        cmocka_unit_test(test_a_file_outlives),
        cmocka_unit_test(test_no_board_that_is_none),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_exceptions),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
