#include "netguard/netns/netns_start.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netguard/netns/netns_place.h"
#include "netguard/stored_network.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/program_path.h"
#include "shared/base/text_buffer.h"
#include "shared/confine/descriptors.h"
#include "shared/policy/policy.h"

#define ARGUMENTS_MAX (16 + 2 * NETNS_WORDS_MAX)
#define NUMBER_TEXT   16

static int resolve_policy(const struct netns_settings *settings, int *ret_fd,
                          struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(policy_release) struct policy *policy = NULL;
    int error = policy_load(settings->policies, settings->policy_count, &policy, reterr);

    if (error == 0) {
        error = policy_print(policy, &text);
    }
    if (error == 0) {
        *ret_fd = memory_file_from("policy", text_buffer_text(&text), text.length);
        error = *ret_fd < 0 ? *ret_fd : 0;
    }
    if (error < 0) {
        failure_set(reterr, error, "cannot resolve the policy: %s", strerror(-error));
    }
    return error;
}

struct command_line {
    const char *words[ARGUMENTS_MAX];
    size_t count;
    char numbers[3][NUMBER_TEXT];
    size_t number_count;
};

static void add_word(struct command_line *line, const char *option, const char *value)
{
    if (value != NULL) {
        line->words[line->count++] = option;
        line->words[line->count++] = value;
    }
}

static void add_fd(struct command_line *line, const char *option, int fd)
{
    char *text = line->numbers[line->number_count++];

    snprintf(text, NUMBER_TEXT, "%d", fd);
    add_word(line, option, text);
}

static void add_settings(struct command_line *line, const struct netns_settings *settings)
{
    add_word(line, "--audit", settings->audit);
    add_word(line, "--uplink", settings->uplink);
    for (size_t i = 0; i < settings->upstream_count; i++) {
        add_word(line, "--upstream", settings->upstreams[i]);
    }
}

/* In the child: a daemon of its own session, with nothing of ours but three descriptors. */
static _Noreturn void become_guard(const struct netns_settings *settings, int policy, int listener,
                                   int control)
{
    struct command_line line = {.words = {"failcore-netguard"}, .count = 1};
    int kept[] = {policy, listener, control};
    char path[PATH_MAX];

    add_fd(&line, "--policy-fd", policy);
    add_fd(&line, "--listen-fd", listener);
    add_fd(&line, "--control-fd", control);
    add_settings(&line, settings);
    if (setsid() < 0 || program_path_sibling("failcore-netguard", path) < 0 ||
        descriptors_close_except(kept, 3) < 0 || descriptors_fill_standard() < 0 ||
        descriptor_inherit(policy) < 0 || descriptor_inherit(listener) < 0 ||
        descriptor_inherit(control) < 0) {
        _exit(1);
    }
    char *const *words = (char *const *)(const void *)line.words;

    execv(path, words);
    _exit(1);
}

/* The word that was hoped for, or the three lines of the failure, or the end of the guard. */
static int hear(int control, const char *word, struct failure *reterr)
{
    int fds[2] = {-1, -1};
    size_t fd_count = 2;
    char message[1600];
    ssize_t count = receive_with_fds(control, message, sizeof(message) - 1, fds, &fd_count);
    char *needed, *mend;

    for (size_t i = 0; count >= 0 && i < fd_count; i++) {
        close(fds[i]);
    }
    if (count == -EAGAIN) {
        return -EAGAIN;
    }
    if (count <= 0) {
        failure_set(reterr, -EPIPE, "the network guard ended");
        failure_set_mend(reterr, "failcore doctor");
        return -EPIPE;
    }
    message[count] = '\0';
    if (strcmp(message, word) == 0) {
        return 0;
    }
    if (strncmp(message, "namespaces ", 11) == 0) {
        return hear(control, word, reterr); /* ours are found by name */
    }
    needed = strchr(message, '\n');
    mend = needed == NULL ? NULL : strchr(needed + 1, '\n');
    if (needed != NULL && mend != NULL) {
        *needed++ = '\0';
        *mend++ = '\0';
        failure_set_needed(reterr, "%s", needed);
        failure_set_mend(reterr, "%s", mend);
    }
    return failure_set(reterr, -ECANCELED, "%s", message);
}

/* The "ok" of a guard that runs already, who may be slow. */
static int hear_by_name(const char *name, int control, struct failure *reterr)
{
    struct failure heard = {0};
    int error = hear(control, "ok", &heard);

    if (error == -EAGAIN) {
        return netns_explain(name, error, reterr);
    }
    if (error < 0) {
        *reterr = heard;
    }
    return error;
}

static int leave_to_manager(const struct netns_place *place, const struct netns_settings *settings,
                            int policy, struct failure *reterr)
{
    AUTO_CLOSE int listener = netns_bind(place, reterr);
    struct command_line line = {.count = 0};

    if (listener < 0) {
        return listener;
    }
    add_settings(&line, settings);
    return stored_network_keep(line.words, line.count, policy, listener, reterr);
}

static int start_guard(const struct netns_place *place, const struct netns_settings *settings,
                       int policy, struct failure *reterr)
{
    AUTO_CLOSE int listener = netns_bind(place, reterr), ours = -1, theirs = -1;
    int pair[2], error;
    pid_t pid;

    if (listener < 0) {
        return listener;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return failure_set(reterr, -errno, "cannot make a socket pair: %s", strerror(errno));
    }
    ours = pair[0];
    theirs = pair[1];
    pid = fork();
    if (pid < 0) {
        return failure_set(reterr, -errno, "cannot fork: %s", strerror(errno));
    }
    if (pid == 0) {
        become_guard(settings, policy, listener, theirs);
    }
    close_fd(&theirs);
    error = hear(ours, "ready", reterr);
    if (error < 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return error;
}

typedef int guard_starter(const struct netns_place *place, const struct netns_settings *settings,
                          int policy, struct failure *reterr);

static int start_by(guard_starter *starter, const char *name, const struct netns_settings *settings,
                    struct failure *reterr)
{
    AUTO(netns_place_close) struct netns_place place = {.directory = -1, .lock = -1};
    AUTO_CLOSE int policy = -1, running = -1;
    int error = netns_place_open(name, true, &place, reterr);

    if (error < 0) {
        return error;
    }
    running = netns_connect(name, reterr);
    if (running >= 0) {
        return 0;
    }
    if (running != -ENOENT && running != -ECONNREFUSED) {
        return netns_explain(name, running, reterr); /* it lives: no second one beside it */
    }
    error = resolve_policy(settings, &policy, reterr);
    if (error == 0) {
        error =
            netns_place_write_policies(&place, settings->policies, settings->policy_count, reterr);
    }
    if (error == 0) {
        error = starter(&place, settings, policy, reterr);
    }
    if (error < 0) {
        netns_place_remove(&place);
    }
    return error;
}

int netns_start(const char *name, const struct netns_settings *settings, struct failure *reterr)
{
    return start_by(start_guard, name, settings, reterr);
}

int netns_store(const char *name, const struct netns_settings *settings, struct failure *reterr)
{
    return start_by(leave_to_manager, name, settings, reterr);
}

int netns_resume(const char *name, struct failure *reterr)
{
    AUTO_CLOSE int running = netns_connect(name, reterr);

    if (running < 0) {
        return netns_explain(name, running, reterr);
    }
    if (send(running, "resume", 6, MSG_NOSIGNAL) < 0) {
        return netns_explain(name, -errno, reterr);
    }
    return hear_by_name(name, running, reterr);
}

int netns_reload(const char *name, struct failure *reterr)
{
    AUTO(netns_place_close) struct netns_place place = {.directory = -1, .lock = -1};
    AUTO_CLOSE int policy = -1, running = -1;
    AUTO_FREE char *words = NULL;
    struct netns_settings settings = {0};
    int count, error = netns_place_open(name, false, &place, reterr);

    if (error < 0) {
        return error;
    }
    count = netns_place_read_policies(&place, &words, settings.policies, NETNS_WORDS_MAX, reterr);
    if (count < 0) {
        return count;
    }
    settings.policy_count = (size_t)count;
    error = resolve_policy(&settings, &policy, reterr);
    if (error < 0) {
        return error;
    }
    running = netns_connect(name, reterr);
    if (running < 0) {
        return netns_explain(name, running, reterr);
    }
    error = send_with_fds(running, "reload", 6, &policy, 1);
    return error < 0 ? netns_explain(name, error, reterr) : hear_by_name(name, running, reterr);
}
