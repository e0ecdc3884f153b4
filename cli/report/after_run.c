#include "cli/report/after_run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/audit/directory.h"
#include "shared/base/cleanup.h"
#include "shared/base/program_path.h"
#include "shared/confine/descriptors.h"

#define LOW_PRIORITY 10

/* Its processor and its disk are those that nobody else wants: the next run may be waiting. What
 * the kernel refuses leaves it at a low priority. */
static void give_way(void)
{
    const struct sched_param none = {0};

    (void)!nice(LOW_PRIORITY);
    (void)sched_setscheduler(0, SCHED_IDLE, &none);
    (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

/* A process of its own session, with no descriptor of the run's; all it hears of it is our end. */
static _Noreturn void become_reporter(const char *program, const char *audit, const char *file,
                                      const char *run, int caller)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int kept[] = {nothing, caller};
    sigset_t none;
    char byte;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    give_way();
    if (setsid() < 0 || descriptors_close_except(kept, 2) < 0 || read(caller, &byte, 1) != 0) {
        _exit(1);
    }
    if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(nothing, STDOUT_FILENO) >= 0 &&
        dup2(nothing, STDERR_FILENO) >= 0 && close_range(3, ~0U, 0) == 0) {
        execl(program, "failcore", "audit", "report", "--when-ended", "--audit", audit, "-o", file,
              run, (char *)NULL);
    }
    _exit(1);
}

int report_call(const char *audit, const char *run)
{
    char directory[PATH_MAX];
    char program[PATH_MAX];
    char reports[PATH_MAX + sizeof("/reports")];
    char file[sizeof(reports) + NAME_MAX];
    struct failure ignored = {0};
    int ends[2];

    if (audit == NULL) {
        if (audit_directory_default(directory, &ignored) < 0) {
            return -1;
        }
        audit = directory;
    }
    if (program_path_sibling("failcore", program) < 0 ||
        snprintf(reports, sizeof(reports), "%s/reports", audit) >= (int)sizeof(reports) ||
        snprintf(file, sizeof(file), "%s/%s.html", reports, run) >= (int)sizeof(file) ||
        (mkdir(reports, 0700) < 0 && errno != EEXIST) || pipe2(ends, O_CLOEXEC) < 0) {
        return -1;
    }
    /* Nobody waits for it: the caller ends when it begins. */
    if (fork() == 0) {
        become_reporter(program, audit, file, run, ends[0]);
    }
    close_fd(&ends[0]);
    return ends[1];
}
