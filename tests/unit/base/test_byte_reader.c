#include "tests/support/unit.h"

#include "shared/base/byte_reader.h"

static void reads_in_network_order(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct byte_reader reader = byte_reader_init(bytes, sizeof(bytes));

    (void)state;
    assert_int_equal(byte_reader_u8(&reader), 1);
    assert_int_equal(byte_reader_u16(&reader), 0x0203);
    assert_int_equal(byte_reader_u24(&reader), 0x040506);
    assert_int_equal(byte_reader_u32(&reader), 0x0708090a);
    assert_true(byte_reader_ok(&reader));
    assert_int_equal(byte_reader_left(&reader), 0);
}

static void the_first_short_read_sticks(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3};
    struct byte_reader reader = byte_reader_init(bytes, sizeof(bytes));

    (void)state;
    assert_int_equal(byte_reader_u32(&reader), 0);
    assert_false(byte_reader_ok(&reader));
    assert_int_equal(byte_reader_u8(&reader), 0);
    assert_int_equal(byte_reader_left(&reader), 0);
    assert_null(byte_reader_take(&reader, 0));
}

static void a_sub_reader_ends_where_it_was_cut(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3, 4};
    struct byte_reader reader = byte_reader_init(bytes, sizeof(bytes));
    struct byte_reader sub = byte_reader_sub(&reader, 2);
    struct byte_reader beyond;

    (void)state;
    assert_int_equal(byte_reader_u16(&sub), 0x0102);
    assert_int_equal(byte_reader_u8(&sub), 0);
    assert_false(byte_reader_ok(&sub));
    assert_true(byte_reader_ok(&reader));
    assert_int_equal(byte_reader_u8(&reader), 3);
    beyond = byte_reader_sub(&reader, 2);
    assert_false(byte_reader_ok(&beyond));
    assert_false(byte_reader_ok(&reader));
}

static void a_huge_count_does_not_wrap(void **state)
{
    static const uint8_t bytes[] = {1, 2};
    struct byte_reader reader = byte_reader_init(bytes, sizeof(bytes));

    (void)state;
    byte_reader_skip(&reader, 1);
    assert_null(byte_reader_take(&reader, SIZE_MAX));
    assert_false(byte_reader_ok(&reader));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_in_network_order),
        cmocka_unit_test(the_first_short_read_sticks),
        cmocka_unit_test(a_sub_reader_ends_where_it_was_cut),
        cmocka_unit_test(a_huge_count_does_not_wrap),
    };

    return cmocka_run_group_tests_name("byte_reader", tests, NULL, NULL);
}
