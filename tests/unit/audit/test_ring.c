#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/audit/event_record.h"
#include "shared/audit/json_members.h"
#include "shared/audit/ring.h"

struct pair {
    uint8_t *file;
    struct ring_state state;
    struct ring_producer producer;
    struct ring_consumer consumer;
};

static int set_up(void **state)
{
    struct pair *pair = aligned_alloc(64, (sizeof(*pair) + 63) / 64 * 64);

    memset(pair, 0, sizeof(*pair));
    pair->file = aligned_alloc(4096, RING_FILE_BYTES);
    memset(pair->file, 0, RING_FILE_BYTES);
    ring_producer_map(&pair->producer, pair->file);
    ring_consumer_map(&pair->consumer, pair->file);
    atomic_store(&pair->producer.state, &pair->state);
    pair->consumer.state = &pair->state;
    pair->producer.limit = RING_BYTES;
    *state = pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;

    free(pair->file);
    free(pair);
    return 0;
}

static uint32_t put(struct pair *pair, uint64_t pseq, size_t path_length)
{
    static char path[EVENT_PATH_MAX];
    struct event_head head = {.pseq = pseq, .count = 1};
    struct str_view text[EVENT_TEXT_COUNT] = {0};
    void *at;

    memset(path, 'a', sizeof(path));
    text[EVENT_TEXT_PATH] = (struct str_view){.bytes = path, .length = path_length};
    head.length = event_record_size(text);
    at = ring_producer_reserve(&pair->producer, head.length);
    if (at == NULL) {
        return 0;
    }
    event_record_write(at, &head, text);
    ring_producer_publish(&pair->producer, head.length);
    return head.length;
}

static void records_come_out_as_they_went_in_past_many_wraps(void **state)
{
    static uint8_t buffer[EVENT_RECORD_MAX];
    struct pair *pair = *state;
    uint64_t put_in = 0;
    uint64_t taken = 0;

    while (taken < 20000) {
        struct event_record record;
        int length;

        while (put(pair, put_in, (size_t)(put_in * 37 % EVENT_PATH_MAX)) != 0) {
            put_in++;
        }
        while ((length = ring_consumer_next(&pair->consumer, buffer)) > 0) {
            assert_int_equal(event_record_read(buffer, (size_t)length, &record), 0);
            assert_int_equal(record.head.pseq, taken);
            assert_int_equal(record.text[EVENT_TEXT_PATH].length, taken * 37 % EVENT_PATH_MAX);
            taken++;
        }
        assert_int_equal(length, 0);
        atomic_store(&pair->state.consumed, pair->consumer.position);
    }
    assert_int_equal(taken, put_in);
}

static void hostile_positions_and_lengths_end_the_ring(void **state)
{
    static uint8_t buffer[EVENT_RECORD_MAX];
    static const uint64_t published[] = {1, 7, RING_BYTES + 8, UINT64_MAX - 7};
    static const uint32_t lengths[] = {0, 4, 12, RING_BYTES + 8, EVENT_RECORD_MAX + 8, UINT32_MAX};
    struct pair *pair = *state;

    for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
        atomic_store(&pair->producer.head->published, published[i]);
        assert_int_equal(ring_consumer_next(&pair->consumer, buffer), -EBADMSG);
    }
    atomic_store(&pair->producer.head->published, RING_BYTES);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        const uint32_t start[2] = {lengths[i], EVENT_MAGIC};

        memcpy(pair->producer.bytes, start, sizeof(start));
        assert_int_equal(ring_consumer_next(&pair->consumer, buffer), -EBADMSG);
        assert_int_equal(pair->consumer.position, 0);
    }
}

static void a_filler_must_reach_the_end(void **state)
{
    static uint8_t buffer[EVENT_RECORD_MAX];
    struct pair *pair = *state;
    const uint32_t filler[2] = {64, EVENT_MAGIC_PAD};

    memcpy(pair->producer.bytes, filler, sizeof(filler));
    atomic_store(&pair->producer.head->published, 64);
    assert_int_equal(ring_consumer_next(&pair->consumer, buffer), -EBADMSG);
}

static void a_fold_is_no_longer_than_its_room(void **state)
{
    static uint8_t buffer[FOLD_BYTES];
    struct pair *pair = *state;
    struct ring_fold *fold = &pair->producer.folds[1];

    assert_int_equal(ring_consumer_fold(&pair->consumer, 1, buffer), 0);
    memset(fold->record, 7, sizeof(fold->record));
    atomic_store(&fold->length, sizeof(fold->record));
    assert_int_equal(ring_consumer_fold(&pair->consumer, 1, buffer), sizeof(fold->record));
    assert_int_equal(buffer[sizeof(fold->record) - 1], 7);
    atomic_store(&fold->length, sizeof(fold->record) + 1);
    assert_int_equal(ring_consumer_fold(&pair->consumer, 1, buffer), 0);
    atomic_store(&fold->length, UINT32_MAX);
    assert_int_equal(ring_consumer_fold(&pair->consumer, 1, buffer), 0);
}

/* A producer could take the memory away from below a writer that has mapped it. */
static void a_file_that_can_change_its_size_is_no_ring(void **state)
{
    static const unsigned int too_few[] = {0, F_SEAL_GROW | F_SEAL_SEAL,
                                           F_SEAL_SHRINK | F_SEAL_SEAL};
    int fd = ring_file_create();

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ring_file_check(fd), 0);
    close(fd);
    for (size_t i = 0; i < sizeof(too_few) / sizeof(too_few[0]); i++) {
        fd = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        assert_int_equal(ftruncate(fd, RING_FILE_BYTES), 0);
        assert_int_equal(fcntl(fd, F_ADD_SEALS, too_few[i]), 0);
        assert_int_equal(ring_file_check(fd), -EPROTO);
        close(fd);
    }
    fd = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(fd, RING_FILE_BYTES / 2), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL), 0);
    assert_int_equal(ring_file_check(fd), -EPROTO);
    close(fd);
    assert_int_equal(ring_file_check(-1), -EPROTO);
}

static void a_record_with_any_wrong_part_is_refused(void **state)
{
    static uint8_t buffer[EVENT_RECORD_MAX];
    struct pair *pair = *state;
    struct event_record record;
    struct event_head head;
    uint32_t length = put(pair, 0, 10);

    assert_int_equal(ring_consumer_next(&pair->consumer, buffer), length);
    assert_int_equal(event_record_read(buffer, length, &record), 0);
    memcpy(&head, buffer, sizeof(head));
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        struct event_head bad = head;                                                              \
        bad.change;                                                                                \
        memcpy(buffer, &bad, sizeof(bad));                                                         \
        assert_int_equal(event_record_read(buffer, length, &record), -EBADMSG);                    \
    } while (0)
    REFUSED(length = length + 8);
    REFUSED(magic = 0);
    REFUSED(kind = AUDIT_KIND_COUNT);
    REFUSED(source = AUDIT_SOURCE_COUNT);
    REFUSED(status = AUDIT_STATUS_COUNT);
    REFUSED(decision = AUDIT_DECISION_COUNT);
    REFUSED(phase = AUDIT_PHASE_COUNT);
    REFUSED(count = 0);
    REFUSED(error = 4096);
    REFUSED(address[0] = 5);
    REFUSED(text_length[EVENT_TEXT_PATH] = 60000);
    REFUSED(text_length[EVENT_TEXT_DIGEST] = 3);
#undef REFUSED
}

static void members_are_read_strictly(void **state)
{
    static const char *const good[] = {"", "\"a\":1", "\"a\":{\"b\":[1,\"x\",null]},\"c\":\"\\n\""};
    static const char *const bad[] = {
        "\"a\": 1",          "\"a\":1,",          "\"a\":1,\"a\":2", "a:1",
        "\"a\":01",          "\"a\":1}",          "\"a\":\"\\/\"",   "\"a\":\"\\u0041\"x",
        "\"a\":\"\xff\"",    "\"a\":\"\n\"",      "\"a\":[1,]",      "\"a\":tru",
        "\"a\":\"\\u0041\"", "\"a\":\"\\u000a\"", "\"args_hash\":1", "\"a\":1,\"op\":\"x\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(json_members_are_sound(str_view_from(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(json_members_are_sound(str_view_from(bad[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_come_out_as_they_went_in_past_many_wraps, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(hostile_positions_and_lengths_end_the_ring, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_filler_must_reach_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fold_is_no_longer_than_its_room, set_up, tear_down),
        cmocka_unit_test(a_file_that_can_change_its_size_is_no_ring),
        cmocka_unit_test_setup_teardown(a_record_with_any_wrong_part_is_refused, set_up, tear_down),
        cmocka_unit_test(members_are_read_strictly),
    };

    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
