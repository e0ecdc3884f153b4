#include "tests/support/unit.h"

#include "netguard/flow/held_stream.h"

#define ADD(stream, offset, text)                                                                  \
    held_stream_add(stream, offset, (const uint8_t *)(text), sizeof(text) - 1)
#define AGREES(stream, judged, offset, text)                                                       \
    held_stream_agrees(stream, judged, offset, (const uint8_t *)(text), sizeof(text) - 1)

static struct held_stream stream;

static int empty_stream(void **state)
{
    (void)state;
    stream = (struct held_stream){0};
    return 0;
}

static void pieces_become_whole(void **state)
{
    (void)state;
    assert_int_equal(ADD(&stream, 3, "def"), HELD_TAKEN);
    assert_int_equal(stream.contiguous, 0);
    assert_int_equal(ADD(&stream, 0, "abc"), HELD_TAKEN);
    assert_int_equal(stream.contiguous, 6);
    assert_memory_equal(stream.bytes, "abcdef", 6);
    assert_int_equal(ADD(&stream, 2, "cdefgh"), HELD_TAKEN);
    assert_int_equal(stream.contiguous, 8);
}

static void a_byte_has_one_value(void **state)
{
    (void)state;
    assert_int_equal(ADD(&stream, 0, "abcdef"), HELD_TAKEN);
    assert_int_equal(ADD(&stream, 4, "eXgh"), HELD_CONFLICT);
    assert_int_equal(stream.contiguous, 6);
}

static void the_end_is_the_end(void **state)
{
    (void)state;
    assert_int_equal(ADD(&stream, HELD_STREAM_BYTES - 2, "abc"), HELD_BEYOND);
    assert_int_equal(ADD(&stream, HELD_STREAM_BYTES, "abc"), HELD_BEYOND);
    assert_int_equal(ADD(&stream, UINT32_MAX - 1, "abc"), HELD_BEYOND);
    assert_int_equal(stream.contiguous, 0);
}

static void repetitions_must_be_identical(void **state)
{
    (void)state;
    assert_int_equal(ADD(&stream, 0, "abcdef"), HELD_TAKEN);
    assert_true(AGREES(&stream, 6, 2, "cdef"));
    assert_true(AGREES(&stream, 4, 2, "cdXX")); /* beyond what was judged */
    assert_false(AGREES(&stream, 6, 2, "cdXf"));
    assert_true(AGREES(&stream, 6, 100, "anything"));
    /* One byte before the first, as a keep-alive has it, and then bytes that were judged. */
    assert_true(AGREES(&stream, 6, UINT32_MAX, "?abc"));
    assert_false(AGREES(&stream, 6, UINT32_MAX, "?xbc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pieces_become_whole, empty_stream),
        cmocka_unit_test_setup(a_byte_has_one_value, empty_stream),
        cmocka_unit_test_setup(the_end_is_the_end, empty_stream),
        cmocka_unit_test_setup(repetitions_must_be_identical, empty_stream),
    };

    return cmocka_run_group_tests_name("held_stream", tests, NULL, NULL);
}
