#include "fusefs/breaker_survey.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fusefs/directory_stream.h"
#include "shared/base/cleanup.h"
#include "shared/base/text_buffer.h"

#define LOOKS_MAX       200000U /* entries */
#define DIRECTORIES_MAX 65536U  /* that wait to be read */

struct survey {
    const struct tree *tree;
    const struct policy *policy;
    size_t number;
    uint64_t enough;
    uint64_t counted;
    unsigned int looks;
    struct text_buffer waiting; /* paths of directories, each with its NUL */
    unsigned int waiting_count;
};

static bool is_over(const struct survey *survey)
{
    return survey->counted >= survey->enough || survey->looks >= LOOKS_MAX;
}

static void note(struct survey *survey, struct str_view directory,
                 const struct directory_entry *entry)
{
    char bytes[PATH_MAX];
    int length = snprintf(bytes, sizeof(bytes), "%.*s%s%.*s", STR_VIEW_PRINTF(directory),
                          directory.length > 0 ? "/" : "", STR_VIEW_PRINTF(entry->name));
    struct str_view path = {bytes, (size_t)length};

    if (length < 0 || length >= (int)sizeof(bytes) || str_view_equals_text(entry->name, ".") ||
        str_view_equals_text(entry->name, "..")) {
        return;
    }
    survey->looks++;
    if (!policy_breaker_excepts(survey->policy, survey->number, path)) {
        survey->counted++;
    }
    if ((entry->type == DT_DIR || entry->type == DT_UNKNOWN) &&
        survey->waiting_count < DIRECTORIES_MAX &&
        !policy_breaker_excepts_below(survey->policy, survey->number, path)) {
        text_buffer_append(&survey->waiting, path);
        text_buffer_append_char(&survey->waiting, '\0');
        survey->waiting_count++;
    }
}

/* Of this file system and below the root, whatever somebody does to the tree meanwhile. */
static void read_directory(struct survey *survey, const char *path)
{
    const struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    AUTO_CLOSE int fd = (int)syscall(SYS_openat2, survey->tree->root_fd,
                                     path[0] == '\0' ? "." : path, &how, sizeof(how));
    struct directory_stream *stream = fd < 0 ? NULL : directory_stream_new(fd, NULL, NULL);
    struct directory_entry entry;

    while (stream != NULL && !is_over(survey) && directory_stream_next(stream, &entry) > 0) {
        note(survey, str_view_from(path), &entry);
    }
    if (stream != NULL) {
        directory_stream_free(stream);
    }
}

uint64_t breaker_survey_tree(void *context, const struct policy *policy, size_t number,
                             uint64_t enough)
{
    struct survey survey = {.tree = context, .policy = policy, .number = number, .enough = enough};
    char path[PATH_MAX] = "";
    size_t at = 0;

    for (;;) {
        read_directory(&survey, path);
        if (is_over(&survey) || text_buffer_error(&survey.waiting) < 0 ||
            at >= survey.waiting.length) {
            break;
        }
        /* A copy: the text moves when it grows. */
        snprintf(path, sizeof(path), "%s", survey.waiting.bytes + at);
        at += strlen(path) + 1;
    }
    text_buffer_clear(&survey.waiting);
    return survey.counted;
}
