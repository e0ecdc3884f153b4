#include "cli/run/live_runs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/run/runtime_directory.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/confine/process_handle.h"
#include "shared/policy/denial_codes.h"

#define ANSWER_TIMEOUT_MS 500
#define RECORD_TIMEOUT_MS 300
#define DESCRIPTION_MAX   65536

void live_run_clear(struct live_run *run)
{
    text_buffer_clear(&run->description);
    text_buffer_clear(&run->breaker);
    *run = (struct live_run){0};
}

static int connect_to(int runtime, const char *id)
{
    AUTO_CLOSE int client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path, sizeof(address.sun_path),
                          "/proc/self/fd/%d/runs/%s/control", runtime, id);

    if (client < 0 || length < 0 || (size_t)length >= sizeof(address.sun_path)) {
        return client < 0 ? -errno : -ENAMETOOLONG;
    }
    if (connect(client, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        return -errno;
    }
    return take_fd(&client);
}

static bool answers(int client, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = client, .events = POLLIN};

    return poll(&poll_fd, 1, timeout_ms) == 1;
}

/* Our own writing (control.c): the keys are in this order, the texts hold no such key. */
static void take_number(const char *json, const char *key, long long *number)
{
    const char *at = strstr(json, key);

    *number = at == NULL ? 0 : strtoll(at + strlen(key), NULL, 10);
}

static void take_text(const char *json, const char *key, char *text, size_t size)
{
    const char *at = strstr(json, key);

    text[0] = '\0';
    if (at != NULL) {
        at += strlen(key);
        snprintf(text, size, "%.*s", (int)strcspn(at, "\""), at);
    }
}

/* What run_breaker.c left; a run that has none goes on. */
static void read_breaker(int runtime, const char *id, struct live_run *run)
{
    char path[LIVE_RUN_NAME_MAX + 16];
    AUTO_CLOSE int file = -1;

    snprintf(path, sizeof(path), "runs/%s/breaker", id);
    file = openat(runtime, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file >= 0 && read_to_end(file, DESCRIPTION_MAX, &run->breaker) == 0 &&
        run->breaker.length > 0) {
        run->breaker.bytes[strcspn(run->breaker.bytes, "\n")] = '\0';
        run->breaker.length = strlen(run->breaker.bytes);
    }
}

static int read_description(int runtime, const char *id, struct live_run *run)
{
    char path[LIVE_RUN_NAME_MAX + 16];
    AUTO_CLOSE int file = -1;
    long long number;
    int error;

    snprintf(path, sizeof(path), "runs/%s/run.json", id);
    file = openat(runtime, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) {
        return -errno;
    }
    error = read_to_end(file, DESCRIPTION_MAX, &run->description);
    if (error < 0 || run->description.length == 0) {
        return error < 0 ? error : -ENOENT;
    }
    run->description.bytes[strcspn(run->description.bytes, "\n")] = '\0';
    run->description.length = strlen(run->description.bytes);
    snprintf(run->id, sizeof(run->id), "%s", id);
    take_number(run->description.bytes, "\"pid\":", &number);
    run->pid = (int)number;
    take_number(run->description.bytes, "\"started\":", &run->started);
    /* "name" comes before anything that the caller wrote freely. */
    take_text(run->description.bytes, "\"name\":\"", run->name, sizeof(run->name));
    read_breaker(runtime, id, run);
    return 0;
}

/* The groups that a dead run's description names, each ending in the run's own name. False: one of
 * them has processes yet. */
static bool remove_groups(const char *json, const char *id)
{
    static const char key[] = "\"groups\":[";
    const char *at = strstr(json, key);
    char path[PATH_MAX];
    char end[LIVE_RUN_NAME_MAX + 16];
    bool all = true;

    snprintf(end, sizeof(end), "/failcore-%s", id);
    for (at = at == NULL ? "]" : at + strlen(key); *at == '"'; at += *at == ',' ? 1 : 0) {
        const size_t length = strcspn(at + 1, "\"\\");

        if (at[1 + length] != '"') {
            return all; /* none that we wrote has a character that needs to be escaped */
        }
        snprintf(path, sizeof(path), "%.*s", (int)length, at + 1);
        at += length + 2;
        if (str_view_ends_with(str_view_from(path), str_view_from(end))) {
            all = (rmdir(path) == 0 || errno == ENOENT) && all;
        }
    }
    return all;
}

/* A run whose supervisor was killed: what it could not take away itself. */
static void clear_away(int runtime, const char *id)
{
    AUTO(live_run_clear) struct live_run run = {0};

    /* While the kernel still ends its processes, the next look will find it. */
    if (read_description(runtime, id, &run) < 0 || remove_groups(run.description.bytes, id)) {
        runtime_directory_remove_run(runtime, id);
    }
}

/* 1: it lives, 0: it does not (any more). */
static int look_at(int runtime, const char *id, struct live_run *run)
{
    int client = connect_to(runtime, id);

    if (client == -ECONNREFUSED) {
        clear_away(runtime, id);
        return 0;
    }
    if (client < 0) {
        return 0; /* it is being made, or ends this moment */
    }
    close(client);
    return read_description(runtime, id, run) == 0 ? 1 : 0;
}

int live_runs_each(int (*visit)(void *context, const struct live_run *run), void *context,
                   struct failure *reterr)
{
    AUTO_CLOSE int runtime = runtime_directory_open(reterr);
    char path[64];
    struct dirent **entries = NULL;
    int count;
    int stopped = 0;

    if (runtime < 0) {
        return runtime;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d/runs", runtime);
    count = scandir(path, &entries, NULL, alphasort); /* an id begins with its time */
    for (int i = 0; i < count; i++) {
        AUTO(live_run_clear) struct live_run run = {0};

        if (stopped == 0 && entries[i]->d_name[0] != '.' &&
            look_at(runtime, entries[i]->d_name, &run) > 0) {
            stopped = visit(context, &run);
        }
        free(entries[i]);
    }
    free(entries);
    return stopped < 0 ? stopped : 0;
}

struct search {
    const char *word;
    struct live_run *found;
    int matches;
    bool exact;
};

static int take_match(void *context, const struct live_run *run)
{
    struct search *search = context;
    bool exact = strcmp(run->id, search->word) == 0;
    bool matches = exact || strcmp(run->name, search->word) == 0 ||
                   strncmp(run->id, search->word, strlen(search->word)) == 0;

    if (!matches || search->exact) {
        return 0;
    }
    search->exact = exact;
    search->matches = exact ? 1 : search->matches + 1;
    search->found->pid = run->pid;
    snprintf(search->found->id, sizeof(search->found->id), "%s", run->id);
    return 0;
}

int live_run_find(const char *word, struct live_run *ret_run, struct failure *reterr)
{
    struct search search = {.word = word, .found = ret_run};
    int error = word[0] == '\0' ? 0 : live_runs_each(take_match, &search, reterr);

    if (error < 0) {
        return error;
    }
    if (search.matches == 1) {
        return 0;
    }
    failure_set(
        reterr, search.matches == 0 ? -ENOENT : -ENOTUNIQ,
        search.matches == 0 ? "no live run is called %s" : "several live runs are called %s", word);
    failure_set_mend(reterr, "failcore ps");
    return search.matches == 0 ? -ENOENT : -ENOTUNIQ;
}

/* Its first process dies with it; everything else with that. */
static int kill_supervisor(const struct live_run *run)
{
    AUTO_CLOSE int handle = process_handle_open(run->pid);

    if (handle < 0) {
        return handle == -ESRCH ? 0 : handle;
    }
    (void)process_handle_signal(handle, SIGKILL);
    return process_handle_wait(handle, ANSWER_TIMEOUT_MS);
}

int live_run_resume(const struct live_run *run, struct failure *reterr)
{
    AUTO_CLOSE int runtime = runtime_directory_open(reterr);
    AUTO_CLOSE int client = runtime < 0 ? runtime : connect_to(runtime, run->id);
    char answer[32] = "";

    if (client < 0) {
        return failure_set(reterr, client, "cannot reach the run %s: %s", run->id,
                           strerror(-client));
    }
    if (send(client, "resume", 6, MSG_NOSIGNAL) != 6 || !answers(client, ANSWER_TIMEOUT_MS) ||
        recv(client, answer, sizeof(answer) - 1, 0) <= 0) {
        return failure_set(reterr, -EPIPE, "the run %s does not answer", run->id);
    }
    if (strcmp(answer, "ok") == 0) {
        return 0;
    }
    if (strcmp(answer, "not tripped") == 0) {
        failure_set(reterr, -EALREADY, "the breaker of %s has not tripped", run->id);
        failure_set_mend(reterr, "failcore ps");
        return -EALREADY;
    }
    failure_set(reterr, -EIO, "the run %s was not resumed: it cannot be recorded", run->id);
    failure_set_mend(reterr, "%s", denial_code_mend(DENIAL_AUDIT_UNAVAILABLE));
    return -EIO;
}

/* -ETIMEDOUT: its processes may still be there. */
static int wait_for_end(int client, int timeout_ms)
{
    char word[16];

    if (!answers(client, timeout_ms)) {
        return -ETIMEDOUT;
    }
    if (recv(client, word, sizeof(word), 0) > 0) {
        (void)answers(client, RECORD_TIMEOUT_MS); /* closed: all is recorded, too */
    }
    return 0;
}

int live_run_end(const struct live_run *run, const char *word, int timeout_ms,
                 struct failure *reterr)
{
    AUTO_CLOSE int runtime = runtime_directory_open(reterr);
    AUTO_CLOSE int client = runtime < 0 ? runtime : connect_to(runtime, run->id);
    char answer[16];
    int error = -ETIMEDOUT;

    if (client < 0) {
        return failure_set(reterr, client, "cannot reach the run %s: %s", run->id,
                           strerror(-client));
    }
    if (send(client, word, strlen(word), MSG_NOSIGNAL) > 0 && answers(client, ANSWER_TIMEOUT_MS) &&
        recv(client, answer, sizeof(answer), 0) > 0) {
        error = wait_for_end(client, timeout_ms);
    }
    if (error < 0) {
        error = kill_supervisor(run);
        clear_away(runtime, run->id);
    }
    return error < 0 ? failure_set(reterr, error, "the run %s does not end: %s", run->id,
                                   strerror(-error))
                     : 0;
}
