#include "netguard/stored_network.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/service_manager.h"
#include "shared/base/text_buffer.h"

#define NAME_POLICY  "policy"
#define NAME_CONTROL "control"
#define NAME_WORDS   "words"
#define WORDS_MAX    65536

static int explain(struct failure *reterr, int error, const char *what)
{
    failure_set(reterr, error, "%s: %s", what, strerror(-error));
    failure_set_mend(reterr, "start it by failcore-netguard@.service or failcore-netns@.service");
    return error;
}

/* Each word with the NUL behind it: it may hold anything else. */
static int words_file(const char *const *words, size_t count)
{
    AUTO(text_buffer_clear) struct text_buffer text = {.limit = WORDS_MAX};

    for (size_t i = 0; i < count; i++) {
        text_buffer_append(&text, (struct str_view){words[i], strlen(words[i]) + 1});
    }
    return text_buffer_error(&text) < 0
               ? text_buffer_error(&text)
               : memory_file_from(NAME_WORDS, text_buffer_text(&text), text.length);
}

int stored_network_keep(const char *const *words, size_t count, int policy, int control,
                        struct failure *reterr)
{
    AUTO_CLOSE int file = words_file(words, count);
    int error = file < 0 ? file : service_manager_store(NAME_WORDS, file);

    if (error == 0) {
        error = service_manager_store(NAME_POLICY, policy);
    }
    if (error == 0) {
        error = service_manager_store(NAME_CONTROL, control);
    }
    return error < 0 ? explain(reterr, error, "the service manager does not keep the network") : 0;
}

static int split(char *text, size_t length, char **words, size_t room, size_t *ret_count)
{
    size_t count = 0;

    for (size_t at = 0; at < length; at += strlen(text + at) + 1) {
        if (count == room) {
            return -E2BIG;
        }
        words[count++] = text + at;
    }
    *ret_count = count;
    return 0;
}

int stored_network_take(char **ret_text, char **words, size_t room, size_t *ret_count,
                        int *ret_policy, int *ret_control, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO_CLOSE int policy = service_manager_take(NAME_POLICY);
    AUTO_CLOSE int control = service_manager_take(NAME_CONTROL);
    AUTO_CLOSE int file = service_manager_take(NAME_WORDS);
    size_t length;
    int error = policy < 0 ? policy : control < 0 ? control : file < 0 ? file : 0;

    if (error == 0 && lseek(file, 0, SEEK_SET) < 0) {
        error = -errno;
    }
    if (error == 0) {
        error = read_to_end(file, WORDS_MAX, &text);
    }
    length = text.length;
    if (error == 0) {
        *ret_text = text_buffer_take(&text);
        error = *ret_text == NULL ? -ENOMEM : split(*ret_text, length, words, room, ret_count);
    }
    if (error < 0) {
        return explain(reterr, error, "the service manager has no network for us");
    }
    *ret_policy = take_fd(&policy);
    *ret_control = take_fd(&control);
    return 0;
}
