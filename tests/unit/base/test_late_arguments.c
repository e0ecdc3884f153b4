#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/late_arguments.h"

struct meeting {
    int starter;
    int program;
    char text[4][20]; /* of the words */
    char number[16];
    char *words[6];
    int argc;
    char **argv;
};

static void meet(struct meeting *meeting)
{
    static const char *const before[] = {"program", "--run", "x", LATE_ARGUMENTS_OPTION};
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    *meeting = (struct meeting){.starter = ends[0], .program = ends[1]};
    snprintf(meeting->number, sizeof(meeting->number), "%d", ends[1]);
    for (size_t i = 0; i < 4; i++) {
        snprintf(meeting->text[i], sizeof(meeting->text[i]), "%s", before[i]);
        meeting->words[i] = meeting->text[i];
    }
    meeting->words[4] = meeting->number;
    meeting->argv = meeting->words;
    meeting->argc = 5;
    meeting->argv = meeting->words;
}

static void the_rest_comes_with_its_descriptors(void **state)
{
    static const char *const words[] = {"--policy-fd", "", "--audit", "/a b", "--ready-fd", ""};
    AUTO_CLOSE int first = memory_file_from("first", "1", 1);
    AUTO_CLOSE int second = memory_file_from("second", "2", 1);
    const int fds[] = {first, second};
    static struct meeting meeting; /* what was taken lives as long as the process */
    char byte = 0;

    (void)state;
    meet(&meeting);
    assert_int_equal(late_arguments_send(meeting.starter, words, 6, fds, 2), 0);
    assert_int_equal(late_arguments_take(&meeting.argc, &meeting.argv), 0);
    assert_int_equal(meeting.argc, 9);
    assert_string_equal(meeting.argv[0], "program");
    assert_string_equal(meeting.argv[1], "--run");
    assert_string_equal(meeting.argv[2], "x");
    assert_string_equal(meeting.argv[3], "--policy-fd");
    assert_string_equal(meeting.argv[6], "/a b");
    assert_null(meeting.argv[9]);
    assert_int_equal(pread((int)strtol(meeting.argv[4], NULL, 10), &byte, 1, 0), 1);
    assert_int_equal(byte, '1');
    assert_int_equal(pread((int)strtol(meeting.argv[8], NULL, 10), &byte, 1, 0), 1);
    assert_int_equal(byte, '2');
    assert_int_equal(fcntl((int)strtol(meeting.argv[8], NULL, 10), F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(meeting.program, F_GETFD), -1); /* nobody says more */
    close(meeting.starter);
}

static void other_arguments_stay(void **state)
{
    char *words[] = {(char[]){"program"}, (char[]){"--help"}, NULL};
    char **argv = words;
    int argc = 2;

    (void)state;
    assert_int_equal(late_arguments_take(&argc, &argv), 0);
    assert_int_equal(argc, 2);
    assert_ptr_equal(argv, words);
}

static void a_starter_that_ends_ends_the_wait(void **state)
{
    struct meeting meeting;

    (void)state;
    meet(&meeting);
    close(meeting.starter);
    assert_int_equal(late_arguments_take(&meeting.argc, &meeting.argv), -EPIPE);
}

static void a_program_that_has_ended_hears_nothing(void **state)
{
    static const char *const words[] = {"--help"};
    struct meeting meeting;

    (void)state;
    meet(&meeting);
    close(meeting.program);
    assert_int_equal(late_arguments_send(meeting.starter, words, 1, NULL, 0), -EPIPE);
    close(meeting.starter);
}

static void refuse(const char *const *words, size_t word_count, size_t fd_count)
{
    AUTO_CLOSE int fd = memory_file_from("file", "1", 1);
    const int fds[] = {fd, fd};
    struct meeting meeting;

    meet(&meeting);
    assert_int_equal(late_arguments_send(meeting.starter, words, word_count, fds, fd_count), 0);
    assert_int_equal(late_arguments_take(&meeting.argc, &meeting.argv), -EPROTO);
    assert_int_equal(meeting.argc, 5);
    close(meeting.starter);
}

static void words_and_descriptors_must_fit(void **state)
{
    static const char *const words[] = {"--policy-fd", "", "--help"};

    (void)state;
    refuse(words, 3, 0);
    refuse(words, 3, 2);
    refuse(words, 1, 1);
}

static void a_message_that_is_cut_is_none(void **state)
{
    struct meeting meeting;

    (void)state;
    meet(&meeting);
    assert_int_equal(send(meeting.starter, "--help", 6, 0), 6); /* without its NUL */
    assert_int_equal(late_arguments_take(&meeting.argc, &meeting.argv), -EPROTO);
    close(meeting.starter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rest_comes_with_its_descriptors),
        cmocka_unit_test(other_arguments_stay),
        cmocka_unit_test(a_starter_that_ends_ends_the_wait),
        cmocka_unit_test(a_program_that_has_ended_hears_nothing),
        cmocka_unit_test(words_and_descriptors_must_fit),
        cmocka_unit_test(a_message_that_is_cut_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
