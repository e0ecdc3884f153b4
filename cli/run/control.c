#include "cli/run/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/run/runtime_directory.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define ASK_TIMEOUT_MS 200 /* a caller that says nothing must not hold the supervisor */

static void member(struct text_buffer *text, const char *name, const char *value)
{
    text_buffer_printf(text, ",\"%s\":", name);
    text_buffer_append_json_string(text, str_view_from(value));
}

/* So that who finds the run dead can take them away (live_runs.c). */
static void describe_groups(struct text_buffer *text, const struct cgroup *cgroup)
{
    const char *separator = "";

    text_buffer_append_text(text, ",\"groups\":[");
    for (enum cgroup_controller i = 0; i < CGROUP_CONTROLLERS; i++) {
        if (cgroup_has(cgroup, i)) {
            text_buffer_append_text(text, separator);
            text_buffer_append_json_string(text, str_view_from(cgroup->paths[i]));
            separator = ",";
        }
    }
    text_buffer_append_char(text, ']');
}

static int describe(struct text_buffer *text, const struct run_plan *plan,
                    const char *audit_directory)
{
    text_buffer_printf(text, "{\"run\":\"%s\",\"pid\":%d,\"uid\":%u,\"started\":%lld", plan->id,
                       (int)getpid(), getuid(), (long long)time(NULL));
    if (plan->options->name != NULL) {
        member(text, "name", plan->options->name);
    }
    member(text, "workspace", plan->workspace);
    member(text, "audit", audit_directory);
    describe_groups(text, &plan->limits.cgroup);
    text_buffer_printf(text, ",\"policy\":\"%s\",\"command\":[", policy_hash(plan->policy));
    for (char **argument = plan->arguments; *argument != NULL; argument++) {
        text_buffer_append_text(text, argument == plan->arguments ? "" : ",");
        text_buffer_append_json_string(text, str_view_from(*argument));
    }
    text_buffer_append_text(text, "]}\n");
    return text_buffer_error(text);
}

/* Through the directory's descriptor: its path may be longer than an address may be. */
static int listen_in(int run)
{
    AUTO_CLOSE int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    /* Under its name only when somebody listens: whoever is refused there takes us for dead. */
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control.new", run);
    if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(listener, CONTROL_CLIENTS_MAX) < 0 ||
        renameat(run, "control.new", run, "control") < 0) {
        return -errno;
    }
    return take_fd(&listener);
}

static int write_description(int run, const struct text_buffer *text)
{
    AUTO_CLOSE int file = openat(run, "run.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return file < 0 ? -errno : write_all(file, text->bytes, text->length);
}

int control_open(struct control *control, const struct run_plan *plan, const char *audit_directory,
                 struct failure *reterr)
{
    AUTO_CLOSE int run = runtime_directory_add_run(plan->runtime, plan->id);
    int error = run < 0 ? run : describe(&control->description, plan, audit_directory);

    if (error == 0) {
        error = write_description(run, &control->description);
    }
    if (error == 0) {
        control->listener = listen_in(run);
        error = control->listener < 0 ? control->listener : 0;
    }
    return error < 0 ? failure_set(reterr, error, "cannot make the run known: %s", strerror(-error))
                     : 0;
}

static ssize_t receive_word(int client, char *word, size_t size)
{
    struct pollfd poll_fd = {.fd = client, .events = POLLIN};

    return poll(&poll_fd, 1, ASK_TIMEOUT_MS) == 1 ? recv(client, word, size, 0) : -1;
}

enum control_word control_serve(struct control *control)
{
    AUTO_CLOSE int client = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
    char word[16] = "";
    enum control_word asked = CONTROL_NOTHING;

    if (client < 0 || receive_word(client, word, sizeof(word) - 1) <= 0) {
        return CONTROL_NOTHING;
    }
    if (strcmp(word, "status") == 0) {
        (void)send(client, control->description.bytes, control->description.length, MSG_NOSIGNAL);
        return CONTROL_NOTHING;
    }
    if (strcmp(word, "stop") == 0) {
        asked = CONTROL_STOP;
    } else if (strcmp(word, "kill") == 0) {
        asked = CONTROL_KILL;
    } else if (strcmp(word, "resume") == 0) {
        control->asker = take_fd(&client);
        return CONTROL_RESUME;
    }
    (void)send(client, asked == CONTROL_NOTHING ? "unknown" : "ok", 2, MSG_NOSIGNAL);
    if (asked != CONTROL_NOTHING && control->client_count < CONTROL_CLIENTS_MAX) {
        control->clients[control->client_count++] = take_fd(&client);
    }
    return asked;
}

void control_answer(struct control *control, int error)
{
    AUTO_CLOSE int client = control->asker;
    const char *answer = error == 0 ? "ok" : error == -EALREADY ? "not tripped" : "not recorded";

    control->asker = -1;
    if (client > 0) {
        (void)send(client, answer, strlen(answer), MSG_NOSIGNAL);
    }
}

void control_tell_gone(const struct control *control)
{
    for (size_t i = 0; i < control->client_count; i++) {
        (void)send(control->clients[i], "gone", 4, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

void control_close(struct control *control, const struct run_plan *plan)
{
    if (control->listener >= 0 || control->description.length > 0) {
        runtime_directory_remove_run(plan->runtime, plan->id);
    }
    close_fd(&control->listener);
    while (control->client_count > 0) {
        close_fd(&control->clients[--control->client_count]);
    }
    text_buffer_clear(&control->description);
}
