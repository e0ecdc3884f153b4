#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

static void a_memory_file_cannot_be_changed(void **state)
{
    AUTO_CLOSE int fd = memory_file_from("test", "hello", 5);
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(read_to_end(fd, 100, &text), 0);
    assert_string_equal(text_buffer_text(&text), "hello");
    assert_int_equal(pwrite(fd, "j", 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fd, 0), -1);
}

/* Two programs that are handed one policy read it at the same moment. */
static void the_shared_offset_does_not_matter(void **state)
{
    AUTO_CLOSE int fd = memory_file_from("test", "hello", 5);
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
    assert_int_equal(memory_file_read(fd, 5, &text), 0);
    assert_string_equal(text_buffer_text(&text), "hello");
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 3);
    assert_int_equal(memory_file_read(fd, 4, &text), -EFBIG);
}

static void a_file_over_the_limit_is_refused_whole(void **state)
{
    AUTO_CLOSE int fd = memory_file_from("test", "hello", 5);
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    assert_int_equal(read_to_end(fd, 4, &text), -EFBIG);
    assert_int_equal(text.length, 0);
}

static void descriptors_travel_and_are_close_on_exec(void **state)
{
    int pair[2];
    int fds[2] = {-1, -1};
    size_t count = 2;
    char byte = 0;
    AUTO_CLOSE int fd = memory_file_from("test", "x", 1);

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(send_with_fds(pair[0], "m", 1, &fd, 1), 0);
    assert_int_equal(receive_with_fds(pair[1], &byte, 1, fds, &count), 1);
    assert_int_equal(count, 1);
    assert_int_equal(byte, 'm');
    assert_int_equal(fcntl(fds[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fds[0]);
    close(pair[0]);
    close(pair[1]);
}

static void more_descriptors_than_expected_leave_none_open(void **state)
{
    int pair[2];
    int sent[3];
    int fds[1] = {-1};
    size_t count = 1;
    char byte;
    int next_before;
    int next_after;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    for (size_t i = 0; i < 3; i++) {
        sent[i] = pair[0];
    }
    next_before = dup(pair[0]);
    close(next_before);
    assert_int_equal(send_with_fds(pair[0], "m", 1, sent, 3), 0);
    assert_int_equal(receive_with_fds(pair[1], &byte, 1, fds, &count), -EPROTO);
    assert_int_equal(count, 0);
    next_after = dup(pair[0]);
    assert_int_equal(next_after, next_before);
    close(next_after);
    close(pair[0]);
    close(pair[1]);
}

static void check_patience(int writer, int reader)
{
    static char many[1 << 20];
    const int flags = fcntl(writer, F_GETFL);

    assert_int_equal(write_within(writer, "x", 1, 0), 0);
    assert_int_equal(write_within(writer, many, sizeof(many), 20), -EAGAIN);
    assert_int_equal(write_within(writer, "x", 1, 0), -EAGAIN);
    assert_int_equal(fcntl(writer, F_GETFL), flags); /* others share the description */
    close(reader);
    close(writer);
}

static void who_does_not_read_is_not_waited_for(void **state)
{
    int ends[2];
    FILE *file = tmpfile();

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    check_patience(ends[1], ends[0]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    check_patience(ends[1], ends[0]);
    /* A file goes on where it is. */
    assert_int_equal(write_within(fileno(file), "ab", 2, 0), 0);
    assert_int_equal(write_within(fileno(file), "c", 1, 0), 0);
    assert_int_equal(lseek(fileno(file), 0, SEEK_END), 3);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_memory_file_cannot_be_changed),
        cmocka_unit_test(the_shared_offset_does_not_matter),
        cmocka_unit_test(a_file_over_the_limit_is_refused_whole),
        cmocka_unit_test(descriptors_travel_and_are_close_on_exec),
        cmocka_unit_test(more_descriptors_than_expected_leave_none_open),
        cmocka_unit_test(who_does_not_read_is_not_waited_for),
    };

    return cmocka_run_group_tests_name("file_io", tests, NULL, NULL);
}
