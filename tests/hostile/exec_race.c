/*
 * Who is asked about an execve reads its name in the caller's memory, and the kernel reads it again
 * afterwards: here another thread changes one byte of it all the while.
 *
 * exec_race BEGIN OTHER TRIES: tries to execute BEGIN whose first byte turns into that of OTHER and
 * back; prints how often it came to run something. What it finds there has to be this program.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RAN 42

static char name[256];
static atomic_bool over;

static void *change(void *other)
{
    const char *const to = other;
    const char bytes[] = {name[0], to[0]};
    volatile char *const first = name;

    for (unsigned int i = 0; !atomic_load(&over); i++) {
        *first = bytes[i % 2];
    }
    return NULL;
}

int main(int count, char **arguments)
{
    static char own[] = "exec_race";
    char *const told[] = {own, NULL};
    char *const nothing[] = {NULL};
    pthread_t thread;
    volatile int tries = count > 3 ? (int)strtol(arguments[3], NULL, 10) : 0;
    volatile int ran = 0;

    if (count < 4) {
        return RAN;
    }
    snprintf(name, sizeof(name), "%s", arguments[1]);
    if (pthread_create(&thread, NULL, change, arguments[2]) != 0) {
        return 1;
    }
    for (; tries > 0; tries = tries - 1) {
        int status = 0;
        /* Memory is shared until it executes: so is what the thread does to it. */
        pid_t child = vfork();

        if (child == 0) {
            execve(name, told, nothing);
            _exit(1);
        }
        if (child > 0 && waitpid(child, &status, 0) == child) {
            ran = ran + (WIFEXITED(status) && WEXITSTATUS(status) == RAN);
        }
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    printf("%d\n", ran);
    return 0;
}
