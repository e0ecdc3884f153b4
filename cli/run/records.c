#include "cli/run/records.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/run/command_path.h"
#include "cli/run/layers.h"
#include "shared/audit/start_record.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/text_buffer.h"

#define CAUSE_TABLE(ROW)                                                                           \
    ROW(CAUSE_FAILED, "failed")                                                                    \
    ROW(CAUSE_EXITED, "exited")                                                                    \
    ROW(CAUSE_SIGNALED, "signaled")                                                                \
    ROW(CAUSE_NOT_FOUND, "not_found")                                                              \
    ROW(CAUSE_NOT_EXECUTABLE, "not_executable")                                                    \
    ROW(CAUSE_DAEMON_DIED, "daemon_died")                                                          \
    ROW(CAUSE_LIMIT, "limit")                                                                      \
    ROW(CAUSE_BREAKER, "breaker")                                                                  \
    ROW(CAUSE_STOPPED, "stopped")                                                                  \
    ROW(CAUSE_KILLED, "killed")

const char *run_cause_word(enum run_cause cause)
{
    static const char *const words[] = {
#define CAUSE_WORD(name, word) [name] = word,
        CAUSE_TABLE(CAUSE_WORD)
#undef CAUSE_WORD
    };

    return words[cause];
}

int run_exit_code(const struct run_result *result)
{
    switch (result->cause) {
    case CAUSE_EXITED:
        return result->exit_code;
    case CAUSE_SIGNALED:
        return 128 + result->signal;
    case CAUSE_NOT_FOUND:
        return EXIT_CODE_NOT_FOUND;
    case CAUSE_NOT_EXECUTABLE:
        return EXIT_CODE_CANNOT_EXECUTE;
    case CAUSE_LIMIT:
        return result->limit == RUN_LIMIT_WALL_TIME ? EXIT_CODE_TIME_LIMIT : EXIT_CODE_KILLED;
    case CAUSE_STOPPED: /* it may have obeyed with an exit code of its own */
        return result->exit_code >= 0 ? result->exit_code
               : result->signal != 0  ? 128 + result->signal
                                      : EXIT_CODE_KILLED;
    case CAUSE_BREAKER:
    case CAUSE_DAEMON_DIED:
    case CAUSE_KILLED:
        return EXIT_CODE_KILLED;
    case CAUSE_FAILED:
        break;
    }
    return EXIT_CODE_FAILCORE_FAILED;
}

static int refuse(struct failure *reterr, int error)
{
    failure_set(reterr, error, "the run cannot be recorded: %s", strerror(-error));
    failure_set_mend(reterr, "free space in the audit directory, restart failcore-auditd");
    return error;
}

int records_attach(const struct run_plan *plan, struct audit_producer **ret_producer,
                   struct failure *reterr)
{
    const struct audit_producer_options options = {
        .directory = plan->options->audit,
        .run = plan->id,
        .program = "failcore run",
        .policy_name = policy_name(plan->policy),
        .policy_revision = policy_revision(plan->policy),
        .policy_hash = str_view_from(policy_hash(plan->policy)),
        .threads = 2, /* this one, and the recorder of execs */
    };

    return audit_producer_attach(&options, ret_producer, reterr);
}

static void member(struct text_buffer *text, const char *name, struct str_view value)
{
    text_buffer_printf(text, "%s\"%s\":", text->length == 0 ? "" : ",", name);
    text_buffer_append_json_string(text, value);
}

static void print_layers(struct text_buffer *text, const struct run_plan *plan)
{
    const char *separator = "";
    const struct layer *layer;
    size_t at = 0;

    text_buffer_append_text(text, ",\"layers\":[");
    while ((layer = layer_next(plan, &at)) != NULL) {
        text_buffer_printf(text, "%s\"%s\"", separator, layer->word);
        separator = ",";
    }
    text_buffer_append_char(text, ']');
}

/* The names alone: a value may be a secret. */
static void print_environment(struct text_buffer *text, const struct run_plan *plan)
{
    text_buffer_append_text(text, ",\"environment\":[");
    for (char **entry = plan->environment; *entry != NULL; entry++) {
        text_buffer_append_text(text, entry == plan->environment ? "" : ",");
        text_buffer_append_json_string(text, (struct str_view){*entry, strcspn(*entry, "=")});
    }
    text_buffer_append_char(text, ']');
}

/* Beside what every START record says (audit_emit_start). */
static int print_start(struct text_buffer *text, const struct run_plan *plan)
{
    AUTO(text_buffer_clear) struct text_buffer policy = {0};
    int error = policy_print(plan->policy, &policy);

    member(text, "workspace", str_view_from(plan->workspace));
    member(text, "mount", str_view_from(plan->mount_path));
    if (plan->options->name != NULL) {
        member(text, "name", str_view_from(plan->options->name));
    }
    member(text, "network", str_view_from(run_plan_network(plan)));
    text_buffer_printf(text, ",\"workload_uid\":%u", plan->identity.worker_uid);
    member(text, "home", str_view_from(plan->home));
    print_environment(text, plan);
    text_buffer_printf(text, ",\"strict\":%s", plan->options->strict ? "true" : "false");
    print_layers(text, plan);
    text_buffer_append_text(text, ",\"limits\":{");
    limits_print(text, &plan->limits);
    text_buffer_append_char(text, '}');
    member(text, "policy", text_buffer_view(&policy));
    return error < 0 ? error : text_buffer_error(text);
}

static int emit_run(struct audit_producer *producer, enum audit_kind kind, const char *operation,
                    enum audit_status status, const struct text_buffer *members)
{
    const struct audit_event event = {
        .kind = kind,
        .source = AUDIT_SOURCE_RUN,
        .status = status,
        .decision = AUDIT_DECISION_ALLOWED,
        .phase = AUDIT_PHASE_EXECUTE,
        .actor = {.pid = getpid(), .uid = getuid(), .gid = getgid(), .present = true},
        .call.run = {.operation = operation, .members = text_buffer_view(members)},
    };

    return audit_emit(producer, &event, NULL);
}

int records_start(struct audit_producer *producer, const struct run_plan *plan,
                  struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer members = {0};
    int error = print_start(&members, plan);

    if (error == 0) {
        error = audit_emit_start(producer, text_buffer_view(&members));
    }
    return error < 0 ? refuse(reterr, error) : 0;
}

int records_await(struct audit_producer *producer, struct failure *reterr)
{
    int error = audit_producer_await(producer);

    return error < 0 ? refuse(reterr, error) : 0;
}

/* All arguments, each with its NUL: the writer keeps their hash and number. */
static void join_arguments(struct text_buffer *text, const struct run_plan *plan)
{
    for (char **argument = plan->arguments; *argument != NULL; argument++) {
        text_buffer_append(text, (struct str_view){*argument, strlen(*argument) + 1});
    }
}

static int emit_exec(struct audit_producer *producer, const struct run_plan *plan,
                     struct audit_event *event, uint64_t *ret_ticket)
{
    AUTO(text_buffer_clear) struct text_buffer arguments = {0};
    char path[PATH_MAX];

    command_path(plan, path);
    join_arguments(&arguments, plan);
    if (text_buffer_error(&arguments) < 0) {
        return text_buffer_error(&arguments);
    }
    event->source = AUDIT_SOURCE_EXEC;
    event->actor =
        (struct audit_actor){.pid = getpid(), .uid = getuid(), .gid = getgid(), .present = true};
    event->call.exec = (struct audit_call_exec){
        .operation = "exec",
        .path = str_view_from(path),
        .argv = text_buffer_view(&arguments),
        .argc = (size_t)plan->options->argc,
    };
    return audit_emit(producer, event, ret_ticket);
}

int records_exec(struct audit_producer *producer, const struct run_plan *plan, uint64_t *ret_ticket,
                 struct failure *reterr)
{
    char path[PATH_MAX];
    struct decision decision;
    struct audit_event event = {.kind = AUDIT_KIND_DECISION, .phase = AUDIT_PHASE_POLICY};
    int error;

    command_path(plan, path);
    decision = executables_decide(plan->policy, path);
    event.status = decision_permits(decision) ? AUDIT_STATUS_ALLOWED : AUDIT_STATUS_BLOCKED;
    event.decision = decision.verdict == VERDICT_LOG ? AUDIT_DECISION_LOGGED
                     : decision_permits(decision)    ? AUDIT_DECISION_ALLOWED
                                                     : AUDIT_DECISION_BLOCKED;
    event.rule = policy_rule_id(plan->policy, decision.rule);
    event.code = str_view_from(denial_code_word(decision.code));
    event.reason = decision.reason;
    error = emit_exec(producer, plan, &event, ret_ticket);
    if (error < 0) {
        return refuse(reterr, error);
    }
    if (decision_permits(decision)) {
        return 0;
    }
    failure_set(reterr, -EACCES, "%s is denied by the process rule %.*s", path,
                STR_VIEW_PRINTF(event.rule));
    if (policy_rule_origin(plan->policy, decision.rule).length > 0) {
        failure_set_needed(reterr, "%.*s",
                           STR_VIEW_PRINTF(policy_rule_origin(plan->policy, decision.rule)));
    }
    failure_set_mend(reterr, "allow it in process.rules");
    return -EACCES;
}

static void describe(struct text_buffer *text, const struct run_result *result)
{
    switch (result->cause) {
    case CAUSE_EXITED:
        text_buffer_printf(text, "exit code %d", result->exit_code);
        return;
    case CAUSE_SIGNALED:
        text_buffer_printf(text, "ended by SIG%s",
                           sigabbrev_np(result->signal) == NULL ? "?"
                                                                : sigabbrev_np(result->signal));
        return;
    case CAUSE_NOT_FOUND:
    case CAUSE_NOT_EXECUTABLE:
        text_buffer_printf(text, "not executed: %s", strerror(result->error));
        return;
    case CAUSE_DAEMON_DIED:
        text_buffer_printf(text, "%s ended, and the run with it", result->detail);
        return;
    case CAUSE_LIMIT:
        text_buffer_printf(text, "stopped by limits.%s", run_limit_word(result->limit));
        return;
    case CAUSE_BREAKER:
        text_buffer_append_text(text, "ended by the circuit breaker");
        return;
    case CAUSE_STOPPED:
        text_buffer_append_text(text, "ended by the operator");
        return;
    case CAUSE_KILLED:
        text_buffer_append_text(text, "killed from outside");
        return;
    case CAUSE_FAILED:
        text_buffer_append_text(text, "failcore itself failed");
        return;
    }
}

static enum denial_code limit_code(enum run_limit limit)
{
    switch (limit) {
    case RUN_LIMIT_WALL_TIME:
        return DENIAL_LIMIT_TIME;
    case RUN_LIMIT_CPU_TIME:
    case RUN_LIMIT_CPU:
        return DENIAL_LIMIT_CPU;
    case RUN_LIMIT_MEMORY:
        return DENIAL_LIMIT_MEMORY;
    case RUN_LIMIT_PROCESSES:
        return DENIAL_LIMIT_PROCESSES;
    case RUN_LIMIT_FILE_SIZE:
    case RUN_LIMIT_DISK:
        return DENIAL_LIMIT_DISK;
    case RUN_LIMIT_OUTPUT_BYTES:
        return DENIAL_LIMIT_OUTPUT;
    case RUN_LIMIT_COUNT:
        break;
    }
    return DENIAL_INTERNAL;
}

static enum audit_status status_of(const struct run_result *result)
{
    if (result->cause == CAUSE_BREAKER) {
        return AUDIT_STATUS_LIMIT;
    }
    if (result->cause == CAUSE_LIMIT) {
        return result->limit == RUN_LIMIT_WALL_TIME ? AUDIT_STATUS_TIMEOUT : AUDIT_STATUS_LIMIT;
    }
    return result->cause == CAUSE_EXITED && result->exit_code == 0 ? AUDIT_STATUS_OK
                                                                   : AUDIT_STATUS_FAIL;
}

static struct str_view code_of(const struct run_result *result)
{
    if (result->cause == CAUSE_BREAKER) {
        return str_view_from(denial_code_word(DENIAL_BREAKER_TRIPPED));
    }
    return result->cause == CAUSE_LIMIT ? str_view_from(denial_code_word(limit_code(result->limit)))
                                        : (struct str_view){0};
}

int records_limit(struct audit_producer *producer, const struct run_plan *plan,
                  enum run_limit limit)
{
    AUTO(text_buffer_clear) struct text_buffer members = {0};
    AUTO(text_buffer_clear) struct text_buffer reason = {0};
    struct audit_event event = {
        .kind = AUDIT_KIND_LIMIT,
        .source = AUDIT_SOURCE_RUN,
        .status = limit == RUN_LIMIT_WALL_TIME ? AUDIT_STATUS_TIMEOUT : AUDIT_STATUS_LIMIT,
        .decision = AUDIT_DECISION_BLOCKED,
        .phase = AUDIT_PHASE_EXECUTE,
        .actor = {.pid = getpid(), .uid = getuid(), .gid = getgid(), .present = true},
        .code = str_view_from(denial_code_word(limit_code(limit))),
    };

    text_buffer_printf(&members, "\"limit\":\"%s\",\"value\":%llu", run_limit_word(limit),
                       (unsigned long long)plan->limits.values[limit]);
    text_buffer_printf(&reason, "limits.%s was reached", run_limit_word(limit));
    if (text_buffer_error(&members) < 0) {
        return text_buffer_error(&members);
    }
    event.call.run = (struct audit_call_run){"limit", text_buffer_view(&members)};
    event.reason = text_buffer_view(&reason);
    return audit_emit(producer, &event, NULL);
}

int records_exec_result(struct audit_producer *producer, const struct run_plan *plan,
                        const struct run_result *result, uint64_t ticket)
{
    AUTO(text_buffer_clear) struct text_buffer reason = {0};
    struct audit_event event = {
        .kind = AUDIT_KIND_RESULT,
        .status = status_of(result),
        .decision = AUDIT_DECISION_ALLOWED,
        .code = code_of(result),
        .phase = AUDIT_PHASE_EXECUTE,
        .error = result->error,
        .duration_ns = result->duration_ns,
        .of = ticket,
    };

    describe(&reason, result);
    event.reason = text_buffer_view(&reason);
    return emit_exec(producer, plan, &event, NULL);
}

int records_end(struct audit_producer *producer, const struct run_plan *plan,
                const struct run_result *result)
{
    AUTO(text_buffer_clear) struct text_buffer members = {0};
    AUTO(text_buffer_clear) struct text_buffer reason = {0};

    describe(&reason, result);
    text_buffer_printf(&members, "\"exit\":%d", run_exit_code(result));
    member(&members, "cause", str_view_from(run_cause_word(result->cause)));
    member(&members, "detail", text_buffer_view(&reason));
    text_buffer_printf(&members, ",\"output_bytes\":%llu",
                       (unsigned long long)result->output_bytes);
    (void)plan;
    if (text_buffer_error(&members) < 0) {
        return text_buffer_error(&members);
    }
    return emit_run(producer, AUDIT_KIND_END, "end", status_of(result), &members);
}
