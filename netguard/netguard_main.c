/*
 * failcore-netguard: one guard, from its namespaces to its end. Started by the launcher and by
 * failcore-netns; its options are internal (docs/ARCHITECTURE.md, "Between our programs").
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netguard/control.h"
#include "netguard/guard.h"
#include "netguard/guard_flows.h"
#include "netguard/guard_loop.h"
#include "netguard/stored_network.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/late_arguments.h"
#include "shared/base/option_table.h"
#include "shared/base/service_manager.h"
#include "shared/confine/namespaces.h"

enum option_id {
    OPTION_POLICY_FD = 1,
    OPTION_RUN,
    OPTION_AUDIT,
    OPTION_UPLINK,
    OPTION_UPSTREAM,
    OPTION_CONTROL_FD,
    OPTION_LISTEN_FD,
    OPTION_SUPERVISOR_FD,
    OPTION_BREAKER_FD,
    OPTION_BREAKER_ALARM_FD,
    OPTION_STORED,
    OPTION_HELP,
};

static const struct option_row options[] = {
    {OPTION_POLICY_FD, 0, "policy-fd", "N", "the resolved policy"},
    {OPTION_RUN, 0, "run", "ID", "run id that the records carry"},
    {OPTION_AUDIT, 0, "audit", "DIR", "audit directory"},
    {OPTION_UPLINK, 0, "uplink", "KIND", "pasta, veth, none or netns:WHERE"},
    {OPTION_UPSTREAM, 0, "upstream", "ADDRESS", "ask this resolver (repeatable)"},
    {OPTION_CONTROL_FD, 0, "control-fd", "N", "socket that hears \"ready\" or the failure"},
    {OPTION_LISTEN_FD, 0, "listen-fd", "N", "listening socket for failcore-netns"},
    {OPTION_SUPERVISOR_FD, 0, "supervisor-fd", "N", "readable or hung up: leave at once"},
    {OPTION_BREAKER_FD, 0, "breaker-fd", "N", "the run's breaker board"},
    {OPTION_BREAKER_ALARM_FD, 0, "breaker-alarm-fd", "N", "wakes whoever answers a trip"},
    {OPTION_STORED, 0, "stored-network", NULL, "all of it from the service manager's store"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};

static const struct command_table command = {
    .name = "failcore-netguard",
    .synopsis = "--policy-fd N [OPTIONS]",
    .summary = "guards the network of one run; started by failcore and failcore-netns",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct settings {
    int policy_fd, control_fd, listen_fd, supervisor_fd, breaker_fd, breaker_alarm_fd;
    const char *run, *audit, *uplink;
    struct dns_upstreams upstreams;
    bool stored, help;
};

static int read_fd(const char *text, int *ret_fd, struct failure *reterr)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (*text == '\0' || *end != '\0' || number < 0 || number > 1 << 20 ||
        fcntl((int)number, F_SETFD, FD_CLOEXEC) < 0) {
        return failure_set(reterr, -EINVAL, "not an open descriptor: %s", text);
    }
    *ret_fd = (int)number;
    return 0;
}

static int add_upstream(struct settings *settings, const char *text, struct failure *reterr)
{
    struct ip_address address;

    if (ip_address_parse(str_view_from(text), &address) < 0 ||
        settings->upstreams.count == DNS_UPSTREAMS_MAX) {
        return failure_set(reterr, -EINVAL, "not an address, or one too many: %s", text);
    }
    settings->upstreams.addresses[settings->upstreams.count++] = address;
    return 0;
}

static int read_option(struct settings *settings, int id, const char *argument,
                       struct failure *reterr)
{
    switch (id) {
    case OPTION_POLICY_FD:
        return read_fd(argument, &settings->policy_fd, reterr);
    case OPTION_CONTROL_FD:
        return read_fd(argument, &settings->control_fd, reterr);
    case OPTION_LISTEN_FD:
        return read_fd(argument, &settings->listen_fd, reterr);
    case OPTION_SUPERVISOR_FD:
        return read_fd(argument, &settings->supervisor_fd, reterr);
    case OPTION_BREAKER_FD:
        return read_fd(argument, &settings->breaker_fd, reterr);
    case OPTION_BREAKER_ALARM_FD:
        return read_fd(argument, &settings->breaker_alarm_fd, reterr);
    case OPTION_UPSTREAM:
        return add_upstream(settings, argument, reterr);
    case OPTION_RUN:
        settings->run = argument;
        return 0;
    case OPTION_AUDIT:
        settings->audit = argument;
        return 0;
    case OPTION_UPLINK:
        settings->uplink = argument;
        return 0;
    case OPTION_STORED:
        settings->stored = true;
        return 0;
    default: /* OPTION_HELP; the table has no others */
        settings->help = true;
        return 0;
    }
}

static int read_words(int argc, char **argv, struct settings *settings, struct failure *reterr)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    int id, error = 0;

    while (error == 0 && (id = option_scan_next(&scan, reterr)) != 0) {
        error = id < 0 ? id : read_option(settings, id, scan.argument, reterr);
    }
    return error;
}

#define STORED_WORDS_MAX 64

/* *ret_text holds what the settings point to afterwards. */
static int read_stored(struct settings *settings, char **ret_text, struct failure *reterr)
{
    char *words[STORED_WORDS_MAX + 1] = {(char[]){"failcore-netguard"}};
    size_t count = 0;
    int error = stored_network_take(ret_text, words + 1, STORED_WORDS_MAX - 1, &count,
                                    &settings->policy_fd, &settings->listen_fd, reterr);

    return error < 0 ? error : read_words((int)count + 1, words, settings, reterr);
}

static int read_command_line(int argc, char **argv, struct settings *settings, char **ret_text,
                             struct failure *reterr)
{
    int error;

    *settings = (struct settings){.policy_fd = -1,
                                  .control_fd = -1,
                                  .listen_fd = -1,
                                  .supervisor_fd = -1,
                                  .breaker_fd = -1,
                                  .breaker_alarm_fd = -1};
    error = read_words(argc, argv, settings, reterr);
    if (error == 0 && settings->stored) {
        error = read_stored(settings, ret_text, reterr);
    }
    if (error == 0 && !settings->help && settings->policy_fd < 0) {
        failure_set(reterr, -EINVAL, "--policy-fd is missing");
        failure_set_mend(reterr, "failcore-netns exec NAME -- CMD");
        error = -EINVAL;
    }
    return error;
}

/* Whoever started us reads the failure from the socket; a person reads it from stderr. */
static void report_failure(int control, const struct failure *failure)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    if (control < 0) {
        failure_print(stderr, command.name, failure);
        return;
    }
    text_buffer_printf(&text, "%s\n%s\n%s", failure->what, failure->needed, failure->mend);
    (void)send(control, text_buffer_text(&text), text.length, MSG_NOSIGNAL);
}

static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGHUP, SIG_IGN); /* a terminal that goes is no reason to end a network */
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
        return -errno;
    }
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int attach_audit(const struct settings *settings, const struct policy *policy,
                        struct audit_producer **ret_audit, struct failure *reterr)
{
    struct audit_producer_options producer = {
        .directory = settings->audit,
        .run = settings->run,
        .program = command.name,
        .policy_name = policy_name(policy),
        .policy_revision = policy_revision(policy),
        .policy_hash = str_view_from(policy_hash(policy)),
        .threads = 1,
        .part = settings->supervisor_fd >= 0,
        /* A supervisor has the writer started, and waits for our namespaces. */
        .later = settings->supervisor_fd >= 0,
    };

    return audit_producer_attach(&producer, ret_audit, reterr);
}

static void detach_audit(struct audit_producer **audit)
{
    if (*audit != NULL) {
        audit_producer_detach(*audit);
    }
}

/* Root's socket is out of every agent's reach, and root may ask from anywhere. */
static int choose_home(uint64_t *ret_home, struct failure *reterr)
{
    int error = 0;

    *ret_home = 0;
    if (geteuid() != 0 || !namespace_user_is_initial()) {
        error = control_home(ret_home);
    }
    return error == 0 ? 0
                      : failure_set(reterr, error,
                                    "cannot tell which network a question comes from "
                                    "(SO_NETNS_COOKIE, Linux 5.14): %s",
                                    strerror(-error));
}

static int run(const struct settings *settings, const struct topology *topology,
               struct failure *reterr)
{
    AUTO(policy_release) struct policy *policy = NULL;
    AUTO(detach_audit) struct audit_producer *audit = NULL;
    struct guard_options start = {.upstreams = settings->upstreams,
                                  .breaker_fd = settings->breaker_fd,
                                  .breaker_alarm_fd = settings->breaker_alarm_fd,
                                  .topology = *topology,
                                  .starter = settings->control_fd,
                                  .control_is_roots = settings->stored && geteuid() != 0};
    static struct guard guard; /* too large for a stack; of this process alone */
    AUTO_CLOSE int signals = open_signals();
    /* Whoever else starts us may be somebody's service, for which we have no word to say. */
    AUTO_CLOSE int manager = settings->stored ? service_manager_connect() : -1;
    int error;

    error = signals < 0 ? signals : policy_load_resolved_fd(settings->policy_fd, &policy, reterr);
    if (error == 0) {
        error = policy_requires_only(policy, GUARD_ENFORCED, reterr);
    }
    if (error == 0) {
        error = uplink_parse(settings->uplink, &start.uplink, reterr);
    }
    if (error == 0) {
        error = choose_home(&start.control_home, reterr);
    }
    if (error == 0) {
        error = attach_audit(settings, policy, &audit, reterr);
    }
    if (error < 0) {
        return error;
    }
    start.policy = policy;
    start.audit = audit;
    error = guard_start(&guard, &start, reterr);
    if (error < 0) {
        return error;
    }
    if (settings->listen_fd >= 0 && listen(settings->listen_fd, SOMAXCONN) < 0) {
        error = -errno;
        guard_stop(&guard);
        return failure_set(reterr, error, "cannot listen for failcore-netns: %s", strerror(-error));
    }
    if (settings->control_fd < 0 || send(settings->control_fd, "ready", 5, MSG_NOSIGNAL) == 5) {
        guard_loop_run(&guard, &(struct guard_loop){.listener = settings->listen_fd,
                                                    .supervisor = settings->supervisor_fd,
                                                    .signals = signals,
                                                    .manager = manager});
    }
    guard_record_all(&guard);
    detach_audit(&audit);
    audit = NULL;
    /* All is said: whoever started us need not wait for the kernel to take the rest apart. */
    close_fd(&(int){settings->control_fd});
    guard_stop(&guard);
    return 0;
}

int main(int argc, char **argv)
{
    struct failure failure = {0};
    AUTO_FREE char *stored_words = NULL;
    struct topology topology = TOPOLOGY_NONE;
    struct settings settings;
    int error;

    /* Our starter is not done yet, or ends without us. */
    if ((late_arguments_expected(argc, argv) && topology_prepare(&topology) < 0) ||
        late_arguments_take(&argc, &argv) < 0) {
        return EXIT_CODE_FAILCORE_FAILED;
    }
    if (read_command_line(argc, argv, &settings, &stored_words, &failure) < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    if (settings.help) {
        command_table_print_help(stdout, &command);
        return EXIT_CODE_OK;
    }
    error = run(&settings, &topology, &failure);
    if (error < 0) {
        failure_set(&failure, error, "the network guard failed: %s", strerror(-error));
        report_failure(settings.control_fd, &failure);
        return error == -EINVAL ? EXIT_CODE_POLICY_INVALID : EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}
