#include "cli/run/freeze.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

static long number_of(const struct dirent *entry)
{
    char *end = NULL;
    long number = strtol(entry->d_name, &end, 10);

    return *end == '\0' ? number : 0;
}

/* Running, or waiting for something that a signal would end: neither stopped nor on its way out.
 * Who waits for the mount's server without a way out stops when it has its answer. */
static bool thread_is_awake(int threads, const char *name)
{
    char path[64];
    char bytes[512];
    AUTO_CLOSE int file = -1;
    const char *state;
    ssize_t got;

    snprintf(path, sizeof(path), "%.20s/stat", name);
    file = openat(threads, path, O_RDONLY | O_CLOEXEC);
    got = file < 0 ? -1 : read(file, bytes, sizeof(bytes) - 1);
    if (got <= 0) {
        return false;
    }
    bytes[got] = '\0';
    state = strrchr(bytes, ')'); /* a name may have any letters */
    return state != NULL && state[1] == ' ' && (state[2] == 'R' || state[2] == 'S');
}

/* By its threads: the first of them may have ended before the others. */
static bool process_is_awake(long pid)
{
    AUTO_CLOSEDIR DIR *threads = NULL;
    const struct dirent *entry;
    char path[64];
    bool awake = false;

    snprintf(path, sizeof(path), "/proc/%ld/task", pid);
    threads = opendir(path);
    while (!awake && threads != NULL && (entry = readdir(threads)) != NULL) {
        awake = number_of(entry) > 0 && thread_is_awake(dirfd(threads), entry->d_name);
    }
    return awake;
}

void freeze_begin(struct freeze *freeze)
{
    *freeze = (struct freeze){.on = true};
    /* All of this pid namespace but us: also what forks at this moment (kill(2), fork(2)). */
    (void)kill(-1, SIGSTOP);
}

void freeze_look(struct freeze *freeze)
{
    AUTO_CLOSEDIR DIR *processes = opendir("/proc");
    const int signal = freeze->restless >= FREEZE_LOOKS_MAX ? SIGKILL : SIGSTOP;
    const struct dirent *entry;
    bool found = false;

    while (processes != NULL && (entry = readdir(processes)) != NULL) {
        const long pid = number_of(entry);

        if (pid > 1 && process_is_awake(pid)) {
            (void)kill((pid_t)pid, signal);
            found = true;
        }
    }
    freeze->restless += found ? 1 : 0;
}

void freeze_end(struct freeze *freeze)
{
    freeze->on = false;
    (void)kill(-1, SIGCONT);
}
