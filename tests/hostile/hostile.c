/* hostile [RULE|--as-root]: every attempt, a line per one that got through; exit 1 when any did. */
#include "tests/hostile/hostile.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child: an attempt may be answered with a signal, which is a way to hold. */
static enum outcome run(const struct attempt *attempt, int as_root)
{
    int status = 0;
    pid_t pid = fork();

    if (pid < 0) {
        return THROUGH;
    }
    if (pid == 0) {
        /* Of its own, each time: none may build on what another one was allowed to do. */
        if (as_root && unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0) {
            _exit(THROUGH);
        }
        alarm(10);
        _exit((int)attempt->try(attempt->argument));
    }
    if (waitpid(pid, &status, 0) != pid) {
        return THROUGH;
    }
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGKILL ? HELD : THROUGH;
    }
    return WEXITSTATUS(status) <= ABSENT ? (enum outcome)WEXITSTATUS(status) : THROUGH;
}

/* What fails inside a run would succeed on the machine: it would be damaged, not tested. */
static int inside_a_run(int as_root)
{
    struct utsname machine = {0};
    char name[32] = "";
    int fd = open("/proc/1/comm", O_RDONLY | O_CLOEXEC);

    return (getuid() == 0) == as_root && uname(&machine) == 0 &&
           strcmp(machine.nodename, "failcore") == 0 && fd >= 0 &&
           read(fd, name, sizeof(name) - 1) > 0 && close(fd) == 0 &&
           strcmp(name, "failcore-init\n") == 0;
}

int main(int argc, char **argv)
{
    const struct battery *batteries[] = {&battery_files, &battery_processes, &battery_namespaces,
                                         &battery_sockets, &battery_calls};
    unsigned int counts[3] = {0};

    /* Root of a user namespace that the workload made itself, with all its capabilities. */
    int as_root = argc > 1 && strcmp(argv[1], "--as-root") == 0;

    if (!inside_a_run(as_root)) {
        fputs("hostile: only inside a run: it damages whatever is not confined\n", stderr);
        return 3;
    }
    for (size_t b = 0; b < sizeof(batteries) / sizeof(batteries[0]); b++) {
        for (size_t i = 0; i < batteries[b]->count; i++) {
            const struct attempt *attempt = &batteries[b]->attempts[i];
            enum outcome outcome;

            if (argc > 1 && !as_root && strcmp(argv[1], attempt->rule) != 0) {
                continue;
            }
            outcome = run(attempt, as_root);
            counts[outcome]++;
            if (outcome != HELD) {
                printf("%s %s %s %s\n", outcome == THROUGH ? "THROUGH" : "absent", attempt->rule,
                       attempt->name, attempt->argument == NULL ? "" : attempt->argument);
            }
        }
    }
    printf("%u held, %u through, %u absent\n", counts[HELD], counts[THROUGH], counts[ABSENT]);
    return counts[THROUGH] > 0 || counts[HELD] == 0;
}
