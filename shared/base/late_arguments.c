#include "shared/base/late_arguments.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/text_buffer.h"

#define MESSAGE_MAX (64U << 10)
#define NUMBER_SIZE sizeof("2147483647")

int late_arguments_send(int socket, const char *const *words, size_t word_count, const int *fds,
                        size_t fd_count)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int error;

    for (size_t i = 0; i < word_count; i++) {
        text_buffer_append_text(&text, words[i]);
        text_buffer_append_char(&text, '\0');
    }
    error = text_buffer_error(&text);
    if (error == 0 && text.length > MESSAGE_MAX) {
        error = -E2BIG;
    }
    error = error < 0 ? error : send_with_fds(socket, text.bytes, text.length, fds, fd_count);
    return error == -ECONNRESET ? -EPIPE : error;
}

struct arrived {
    char text[MESSAGE_MAX];
    char numbers[FD_MESSAGE_MAX][NUMBER_SIZE];
    int fds[FD_MESSAGE_MAX];
    size_t fd_count;
    size_t used;
};

static size_t count_words(const char *text, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++) {
        count += text[i] == '\0';
    }
    return count;
}

/* NULL: more descriptors are named than came. */
static char *word_of(struct arrived *arrived, char *word)
{
    char *number;

    if (*word != '\0') {
        return word;
    }
    if (arrived->used == arrived->fd_count) {
        return NULL;
    }
    number = arrived->numbers[arrived->used];
    snprintf(number, NUMBER_SIZE, "%d", arrived->fds[arrived->used++]);
    return number;
}

/* The last of it is no word that goes on. */
static int receive(int socket, struct arrived *arrived, size_t *ret_length)
{
    ssize_t got;

    arrived->fd_count = FD_MESSAGE_MAX;
    got = receive_with_fds(socket, arrived->text, sizeof(arrived->text), arrived->fds,
                           &arrived->fd_count);
    if (got <= 0) {
        return got == 0 || got == -ECONNRESET ? -EPIPE : (int)got;
    }
    *ret_length = (size_t)got;
    return arrived->text[got - 1] == '\0' ? 0 : -EPROTO;
}

/* A number that our own starter wrote. */
static int socket_of(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    return *text == '\0' || *end != '\0' || number < 0 || number > INT_MAX ? -1 : (int)number;
}

/* NULL without memory or sense. */
static char **join(char **before, size_t before_count, struct arrived *arrived, size_t length,
                   size_t *ret_count)
{
    size_t count = before_count + count_words(arrived->text, length);
    char **all = calloc(count + 1, sizeof(*all));
    size_t at = 0;

    if (all == NULL) {
        return NULL;
    }
    memcpy(all, before, before_count * sizeof(*all));
    for (size_t i = before_count; i < count; i++) {
        all[i] = word_of(arrived, arrived->text + at);
        if (all[i] == NULL) {
            free(all);
            return NULL;
        }
        at += strlen(arrived->text + at) + 1;
    }
    *ret_count = count;
    return all;
}

bool late_arguments_expected(int argc, char *const *argv)
{
    return argc > 2 && strcmp(argv[argc - 2], LATE_ARGUMENTS_OPTION) == 0;
}

int late_arguments_take(int *argc, char ***argv)
{
    const int before = *argc - 2;
    struct arrived *arrived;
    AUTO_CLOSE int socket = -1;
    char **all = NULL;
    size_t count = 0;
    size_t length = 0;
    int error;

    if (!late_arguments_expected(*argc, *argv)) {
        return 0;
    }
    socket = socket_of((*argv)[before + 1]);
    arrived = calloc(1, sizeof(*arrived));
    error = arrived == NULL ? -ENOMEM : receive(socket, arrived, &length);
    if (error == 0) {
        all = join(*argv, (size_t)before, arrived, length, &count);
        error = all == NULL || arrived->used != arrived->fd_count ? -EPROTO : 0;
    }
    if (error < 0) {
        free(all);
        free(arrived);
        return error;
    }
    *argc = (int)count;
    *argv = all;
    return 0;
}
