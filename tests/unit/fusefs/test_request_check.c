#include "tests/support/unit.h"

#include "fusefs/fuse_abi.h"
#include "fusefs/request_check.h"

struct message {
    struct fuse_in_header header;
    unsigned char body[256];
};

static bool fits(uint32_t opcode, const void *body, size_t length)
{
    struct message message = {.header = {.opcode = opcode}};

    message.header.len = (uint32_t)(sizeof(message.header) + length);
    if (length > 0) {
        memcpy(message.body, body, length);
    }
    return request_fits(&message, message.header.len);
}

static void names_end_inside(void **state)
{
    (void)state;
    assert_true(fits(FUSE_LOOKUP, "name", 5));
    assert_false(fits(FUSE_LOOKUP, "name", 4));
    assert_false(fits(FUSE_LOOKUP, "", 0));
    assert_true(fits(FUSE_SYMLINK, "name\0to", 8));
    assert_false(fits(FUSE_SYMLINK, "name\0to", 7));
}

static void sizes_are_there(void **state)
{
    struct {
        struct fuse_write_in in;
        char data[8];
    } write = {.in = {.size = 8}};
    struct fuse_batch_forget_in forgets = {.count = UINT32_MAX};

    (void)state;
    assert_true(fits(FUSE_WRITE, &write, sizeof(write)));
    write.in.size = 9;
    assert_false(fits(FUSE_WRITE, &write, sizeof(write)));
    write.in.size = UINT32_MAX;
    assert_false(fits(FUSE_WRITE, &write, sizeof(write)));
    assert_false(fits(FUSE_WRITE, &write, sizeof(write.in) - 1));
    assert_false(fits(FUSE_BATCH_FORGET, &forgets, sizeof(forgets)));
}

static void the_whole_length_agrees(void **state)
{
    struct fuse_in_header header = {.len = sizeof(header) + 1, .opcode = FUSE_STATFS};

    (void)state;
    assert_false(request_fits(&header, sizeof(header)));
    header.len = sizeof(header);
    assert_true(request_fits(&header, sizeof(header)));
    assert_false(request_fits(&header, sizeof(header) - 1));
}

static void nameless_files_are_created_by_no_name(void **state)
{
    struct {
        struct fuse_in_header header;
        struct fuse_create_in in;
        char name[8];
    } message = {.header = {.opcode = FUSE_ABI_TMPFILE, .len = sizeof(message)}, .name = "/"};

    (void)state;
    assert_true(request_fits(&message, sizeof(message)));
    request_translate(&message);
    assert_int_equal(message.header.opcode, FUSE_CREATE);
    assert_string_equal(message.name, REQUEST_NAMELESS);

    /* Never the name of a file: that would be created. */
    message.header.opcode = FUSE_ABI_TMPFILE;
    memcpy(message.name, "abc", 4);
    request_translate(&message);
    assert_string_equal(message.name, "");

    message.header.opcode = FUSE_CREATE;
    memcpy(message.name, "abc", 4);
    request_translate(&message);
    assert_string_equal(message.name, "abc");

    message.header.opcode = FUSE_ABI_TMPFILE;
    memset(message.name, 'x', sizeof(message.name));
    assert_false(request_fits(&message, sizeof(message)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_end_inside),
        cmocka_unit_test(nameless_files_are_created_by_no_name),
        cmocka_unit_test(sizes_are_there),
        cmocka_unit_test(the_whole_length_agrees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
