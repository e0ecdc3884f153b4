#include "tests/support/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "fusefs/directory_stream.h"
#include "shared/base/cleanup.h"

#define NAMES 3000 /* several blocks */

static char directory[64];

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static int make(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/failcore-stream.XXXXXX");
    assert_non_null(mkdtemp(directory));
    for (int i = 0; i < NAMES; i++) {
        char path[128];
        int fd;

        snprintf(path, sizeof(path), "%s/%s%04d", directory, i % 3 == 0 ? "hidden" : "shown", i);
        fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        close(fd);
    }
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static bool hides(void *context, struct str_view name)
{
    (void)context;
    return str_view_starts_with(name, STR_VIEW_LITERAL("hidden"));
}

static void counted_positions_have_no_gaps(void **state)
{
    AUTO_CLOSE int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct directory_stream *stream = directory_stream_new(fd, hides, NULL);
    struct directory_entry entry;
    uint64_t count = 0;

    (void)state;
    while (directory_stream_next(stream, &entry) > 0) {
        assert_false(str_view_starts_with(entry.name, STR_VIEW_LITERAL("hidden")));
        assert_int_equal(entry.next, ++count);
    }
    assert_int_equal(count, NAMES - NAMES / 3 + 2); /* with "." and ".." */
    directory_stream_free(stream);
}

/* The kernel goes back to any entry of the last answer, and sometimes anywhere. */
static void every_position_leads_back(void **state)
{
    AUTO_CLOSE int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int counted = 0; counted < 2; counted++) {
        struct directory_stream *stream = directory_stream_new(fd, counted ? hides : NULL, NULL);
        static char names[NAMES + 2][32];
        static uint64_t positions[NAMES + 3];
        struct directory_entry entry;
        size_t count = 0;

        (void)state;
        assert_int_equal(directory_stream_seek(stream, 0), 0);
        while (directory_stream_next(stream, &entry) > 0) {
            snprintf(names[count], sizeof(names[count]), "%.*s", STR_VIEW_PRINTF(entry.name));
            positions[++count] = entry.next;
        }
        for (size_t i = 0; i < 60; i++) {
            size_t at = i * 7919 % count;

            assert_int_equal(directory_stream_seek(stream, positions[at]), 0);
            assert_int_equal(directory_stream_next(stream, &entry), 1);
            assert_true(str_view_equals_text(entry.name, names[at]));
        }
        assert_int_equal(directory_stream_seek(stream, positions[count]), 0);
        assert_int_equal(directory_stream_next(stream, &entry), 0);
        directory_stream_free(stream);
        lseek(fd, 0, SEEK_SET);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_positions_have_no_gaps),
        cmocka_unit_test(every_position_leads_back),
    };

    return cmocka_run_group_tests(tests, make, unmake);
}
