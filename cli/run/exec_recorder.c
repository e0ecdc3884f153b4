#include "cli/run/exec_recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cli/run/view.h"
#include "shared/base/cleanup.h"
#include "shared/base/scheduling.h"
#include "shared/confine/exec_watch.h"

#define WAKE_SIGNAL SIGURG /* ignored by default, and nobody's here */

/* The command itself, which was recorded before: it still runs our program, and its arguments are
 * where they are here, since it is a copy of us. */
static bool is_the_command(const struct run_plan *plan, const struct exec_notice *notice)
{
    char link[32];
    struct stat ours;
    struct stat theirs;

    if (notice->argv_address != (uint64_t)(uintptr_t)plan->arguments) {
        return false;
    }
    snprintf(link, sizeof(link), "/proc/%d/exe", (int)notice->pid);
    return stat("/proc/self/exe", &ours) == 0 && stat(link, &theirs) == 0 &&
           ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

/* Below which of the system's directories; -1: none. *ret_rest is the name below it. */
static int system_directory(const struct exec_recorder *recorder, const char *path,
                            const char **ret_rest)
{
    for (size_t i = 0; view_system_directories[i] != NULL; i++) {
        size_t length = strlen(view_system_directories[i]);

        if (path[0] == '/' && strncmp(path + 1, view_system_directories[i], length) == 0 &&
            path[length + 1] == '/') {
            *ret_rest = path + length + 2;
            return i < EXEC_RECORDER_DIRECTORIES_MAX ? recorder->systems[i] : -1;
        }
    }
    return -1;
}

/*
 * Programs look for programs by trying to execute them. What is missing in the system's directories
 * is so in the view, where nobody mounts: not where the workload sandboxes its children. A name
 * that could lead elsewhere is not looked at.
 */
static bool is_missing(const struct exec_recorder *recorder, const char *path)
{
    const struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
                                 .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
    const char *mount_path = recorder->plan->mount_path;
    const char *rest = NULL;
    int directory = system_directory(recorder, path, &rest);
    struct stat status;
    AUTO_CLOSE int found = -1;

    if (directory < 0 || recorder->plan->settings.nested ||
        strncmp(path, mount_path, strlen(mount_path)) == 0 || strstr(path, "/.") != NULL ||
        strstr(path, "//") != NULL) {
        return false;
    }
    /* One name needs no way that could lead elsewhere, and no descriptor. */
    if (strchr(rest, '/') == NULL) {
        return fstatat(directory, rest, &status, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
    }
    found = (int)syscall(SYS_openat2, directory, rest, &how, sizeof(how));
    return found < 0 && errno == ENOENT;
}

/* /bin may be a link to /usr/bin, in the view as well. */
static void open_systems(struct exec_recorder *recorder)
{
    for (size_t i = 0; i < EXEC_RECORDER_DIRECTORIES_MAX; i++) {
        recorder->systems[i] = -1;
    }
    for (size_t i = 0; i < EXEC_RECORDER_DIRECTORIES_MAX && view_system_directories[i] != NULL;
         i++) {
        char path[64];

        snprintf(path, sizeof(path), "/%s", view_system_directories[i]);
        recorder->systems[i] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
}

static struct decision decide(const struct run_plan *plan, const char *path)
{
    /* Looking at links and other names costs more than all the rest. */
    return policy_restricts_processes(plan->policy)
               ? executables_decide(plan->policy, path)
               : policy_decide_exec(plan->policy, str_view_from(path));
}

/* All of them, by whatever name: under a run the mount leaves its files' executions to us. */
static bool may_go_on(const struct exec_recorder *recorder, const struct exec_notice *notice)
{
    return !breaker_counts(recorder->breaker, BREAKER_EXEC) ||
           breaker_count(recorder->breaker, BREAKER_EXEC, 1, text_buffer_view(&notice->path),
                         breaker_now_ms(), NULL);
}

/* 0, or what the call answers. */
static int record(const struct exec_recorder *recorder, struct exec_notice *notice)
{
    const struct run_plan *plan = recorder->plan;
    const struct identity *identity = &plan->identity;
    const struct decision decision = decide(plan, text_buffer_text(&notice->path));
    const bool permitted = decision_permits(decision);
    const bool tripped = permitted && !may_go_on(recorder, notice);
    struct audit_event event = {
        .kind = AUDIT_KIND_DECISION,
        .source = AUDIT_SOURCE_EXEC,
        .status = permitted && !tripped ? AUDIT_STATUS_ALLOWED : AUDIT_STATUS_BLOCKED,
        .decision = !permitted || tripped             ? AUDIT_DECISION_BLOCKED
                    : decision.verdict == VERDICT_LOG ? AUDIT_DECISION_LOGGED
                                                      : AUDIT_DECISION_ALLOWED,
        .phase = AUDIT_PHASE_POLICY,
        .actor = {.pid = notice->pid,
                  .tid = notice->pid,
                  .uid = identity->separate ? identity->worker_outside : identity->worker_uid,
                  .gid = identity->separate ? identity->worker_outside : identity->worker_gid,
                  .present = true},
        .call.exec = {.operation = "exec",
                      .path = text_buffer_view(&notice->path),
                      .argv = text_buffer_view(&notice->arguments),
                      .argc = notice->argument_count},
        .rule = policy_rule_id(plan->policy, decision.rule),
        .code = str_view_from(denial_code_word(decision.code)),
        .reason = permitted && notice->cut
                      ? STR_VIEW_LITERAL("the hash is of the first 256 KiB of the arguments")
                      : decision.reason,
        .error = permitted && !tripped ? 0 : EACCES,
    };

    if (tripped) {
        event.rule = str_view_from(breaker_rule_word(BREAKER_EXEC));
        event.code = str_view_from(denial_code_word(DENIAL_BREAKER_TRIPPED));
        event.reason = STR_VIEW_LITERAL("the run's breaker has tripped");
    }
    if (audit_emit(recorder->producer, &event, NULL) < 0) {
        return -EIO;
    }
    if (tripped) {
        breaker_await_answer(recorder->breaker);
    }
    return permitted && !tripped ? 0 : -EACCES;
}

/* False: nobody is left who could ask. */
static bool serve(const struct exec_recorder *recorder)
{
    AUTO(exec_notice_clear) struct exec_notice notice = {0};
    int answer = 0;
    int error = exec_watch_receive(recorder->listener, &notice);

    if (error < 0) {
        return error != -ECONNRESET;
    }
    if (!is_the_command(recorder->plan, &notice)) {
        /* What has no record is answered here: let on, the kernel would read the name once more,
         * and another thread could have put a different one there. */
        answer = is_missing(recorder, text_buffer_text(&notice.path)) ? -ENOENT
                                                                      : record(recorder, &notice);
    }
    (void)exec_watch_answer(recorder->listener, &notice, answer);
    return true;
}

/* Blocked in the kernel until something is asked: polling first would be one more call for each. */
static void *work(void *context)
{
    const struct exec_recorder *recorder = context;
    sigset_t wake;

    scheduling_answer_soon();
    sigemptyset(&wake);
    sigaddset(&wake, WAKE_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &wake, NULL);
    while (!atomic_load(&recorder->ending) && serve(recorder)) {
        /* one after the other */
    }
    return NULL;
}

static void wake(int signal)
{
    (void)signal; /* that it came is all */
}

int exec_recorder_start(struct exec_recorder *recorder, const struct run_plan *plan,
                        struct audit_producer *producer, struct breaker *breaker, int listener)
{
    const struct sigaction interrupt = {.sa_handler = wake}; /* no SA_RESTART */
    int error;

    *recorder = (struct exec_recorder){
        .plan = plan, .producer = producer, .breaker = breaker, .listener = listener};
    open_systems(recorder);
    if (sigaction(WAKE_SIGNAL, &interrupt, NULL) < 0) {
        return -errno;
    }
    error = pthread_create(&recorder->thread, NULL, work, recorder);
    recorder->started = error == 0;
    return -error;
}

/* Again and again: a signal that came just before the thread blocked would be lost. */
static void stop_thread(struct exec_recorder *recorder)
{
    struct timespec until;

    atomic_store(&recorder->ending, true);
    do {
        (void)pthread_kill(recorder->thread, WAKE_SIGNAL);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += 2000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
    } while (pthread_clockjoin_np(recorder->thread, NULL, CLOCK_MONOTONIC, &until) != 0);
}

void exec_recorder_end(struct exec_recorder *recorder)
{
    if (recorder->started) {
        stop_thread(recorder);
        recorder->started = false;
        for (size_t i = 0; i < EXEC_RECORDER_DIRECTORIES_MAX; i++) {
            close_fd(&recorder->systems[i]);
        }
    }
    close_fd(&recorder->listener);
}
