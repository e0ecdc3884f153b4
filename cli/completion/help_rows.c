#include "cli/completion/help_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/program_path.h"

#define ANSWER_BYTES_MAX (1U << 20)
#define WORD_COUNT_MAX   8

static bool take_until(struct str_view *rest, char end, struct str_view *ret_piece)
{
    const char *found;

    if (rest->length == 0) {
        return false;
    }
    found = memchr(rest->bytes, end, rest->length);
    *ret_piece = *rest;
    if (found == NULL) {
        *rest = (struct str_view){0};
        return true;
    }
    ret_piece->length = (size_t)(found - rest->bytes);
    rest->bytes = found + 1;
    rest->length -= ret_piece->length + 1;
    return true;
}

bool help_row_next(struct str_view *rest, struct help_row *ret_row)
{
    struct str_view line;

    if (!take_until(rest, '\n', &line)) {
        return false;
    }
    *ret_row = (struct help_row){0};
    for (size_t i = 0; i < HELP_FIELD_COUNT && take_until(&line, '\t', &ret_row->field[i]); i++) {
    }
    return true;
}

static bool is_ours(const char *name)
{
    return strcmp(name, "failcore") == 0 || strcmp(name, "failcore-mount") == 0 ||
           strcmp(name, "failcore-netns") == 0;
}

/* Standard input and error are /dev/null: nobody who is typing wants to read them. */
static int spawn(const char *path, char *const *argv, int output, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0) {
        return -error;
    }
    error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO);
    }
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    }
    if (error == 0) {
        error = posix_spawn(ret_pid, path, &actions, NULL, argv, environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

int program_ask(const char *const *words, size_t count, bool help, struct text_buffer *text)
{
    char path[PATH_MAX];
    char *argv[WORD_COUNT_MAX + 2] = {0};
    int ends[2], status = 0, error;
    pid_t pid;

    if (count == 0 || count > WORD_COUNT_MAX || !is_ours(words[0])) {
        return -ENOENT;
    }
    error = program_path_sibling(words[0], path);
    if (error < 0) {
        return error;
    }
    for (size_t i = 0; i < count; i++) {
        argv[i] = (char *)(uintptr_t)words[i]; /* posix_spawn() does not write to them */
    }
    argv[count] = help ? (char[]){"--help"} : NULL;
    if (help && setenv("FAILCORE_HELP", "table", 1) < 0) {
        return -errno;
    }
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    error = spawn(path, argv, ends[1], &pid);
    close(ends[1]);
    if (error == 0) {
        error = read_to_end(ends[0], ANSWER_BYTES_MAX, text);
        close(ends[0]); /* before waiting: a writer that we stopped reading must end */
        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            error = -EIO;
        }
    } else {
        close(ends[0]);
    }
    return error;
}
