#include "cli/doctor/trial_runs.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/program_path.h"

/* What the run itself says is the mend, when it says one. */
static const char *mend_said(char *said, const char *mend)
{
    static const char word[] = "\n  try: ";
    char *line = strstr(said, word);

    if (line == NULL) {
        return mend;
    }
    line += sizeof(word) - 1;
    line[strcspn(line, "\n")] = '\0';
    return line;
}

/* A run of our own, quiet; its first line on standard error is the reason. */
static struct probe_result try_run(const struct probe_scratch *scratch, const char *const *options,
                                   const char *const *command, const char *mend)
{
    char program[PATH_MAX];
    char audit[PATH_MAX];
    char workspace[PATH_MAX];
    char state[PATH_MAX];
    char said[1024] = "";
    const char *argv[24] = {program, "run", "--audit", audit, "--workspace", workspace};
    size_t count = 6;
    int ends[2];
    int status = 0;
    pid_t child;

    if (scratch->directory[0] == '\0' || program_path_sibling("failcore", program) < 0 ||
        pipe2(ends, O_CLOEXEC) < 0) {
        return probe_found(PROBE_MISSING, "free space in /tmp", "cannot be tried");
    }
    snprintf(audit, sizeof(audit), "%s/audit", scratch->directory);
    snprintf(workspace, sizeof(workspace), "%s/ws", scratch->directory);
    snprintf(state, sizeof(state), "%s/state", scratch->directory);
    for (; *options != NULL; options++) {
        argv[count++] = *options;
    }
    argv[count++] = "--";
    for (; *command != NULL; command++) {
        argv[count++] = *command;
    }
    child = fork();
    if (child == 0) {
        (void)setenv("FAILCORE_STATE", state, 1);
        if (dup2(ends[1], 2) < 0 || dup2(ends[1], 1) < 0) {
            _exit(125);
        }
        execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(ends[1]);
    (void)read_upto(ends[0], said, sizeof(said) - 1);
    close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return probe_found(PROBE_MISSING, mend, "cannot be tried");
    }
    mend = mend_said(said, mend);
    said[strcspn(said, "\n")] = '\0';
    return status == 0 ? probe_found(PROBE_OK, "", "works")
                       : probe_found(PROBE_MISSING, mend, "%.255s",
                                     said[0] == '\0' ? "the run failed" : said);
}

struct probe_result trial_run(const struct probe_scratch *scratch)
{
    static const char *const options[] = {"--no-net", NULL};
    static const char *const command[] = {"/bin/sh", "-c", "exit 0", NULL};

    return try_run(scratch, options, command, "the lines above say what is missing");
}

/* What the guard that was just tried has noted for the next one (netguard/nft/queue_choice.c). */
static const char *queue_backend(void)
{
    const char *session = getenv("XDG_RUNTIME_DIR");
    char path[PATH_MAX] = "/run/failcore/queue";
    char word[8] = "";

    if (geteuid() != 0) {
        if (session == NULL ||
            snprintf(path, sizeof(path), "%s/failcore/queue", session) >= (int)sizeof(path)) {
            return "";
        }
    }
    probe_first_line(path, word, sizeof(word));
    return strcmp(word, "xt") == 0 ? "; packets are queued by the NFQUEUE target in an nft table"
                                   : "; packets are queued by nft's queue statement";
}

struct probe_result trial_guard(const struct probe_scratch *scratch)
{
    static const char *const options[] = {"--uplink", "none", NULL};
    static const char *const command[] = {"/bin/sh", "-c", "exit 0", NULL};
    struct probe_result found =
        try_run(scratch, options, command, "modprobe nfnetlink_queue nft_queue (as root)");

    return found.state == PROBE_OK ? probe_found(PROBE_OK, "", "works%s", queue_backend()) : found;
}

/* The rows of cli/run/layers.h that hold unless nested. */
#define NESTED_IS_WITHOUT "no-nesting, proc-masks, landlock"

struct probe_result trial_nested(const struct probe_scratch *scratch)
{
    char policy[PATH_MAX];
    const char *const options[] = {"--no-net", "--policy", policy, NULL};
    static const char *const command[] = {
        "/usr/bin/unshare", "--user", "--map-root-user",          "--mount",
        "/bin/sh",          "-c",     "mount -t tmpfs none /tmp", NULL};
    static const char text[] = "version: 1\nname: nested\nsandbox: {nested: true}\n";
    AUTO_CLOSE int file = -1;
    struct probe_result found;

    snprintf(policy, sizeof(policy), "%s/policy/nested.yaml", scratch->directory);
    file = open(policy, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || write_all(file, text, sizeof(text) - 1) < 0) {
        return probe_found(PROBE_MISSING, "free space in /tmp", "cannot be tried");
    }
    found = try_run(scratch, options, command,
                    "let the agent sandbox itself less, or use sandbox.nested: false");
    return found.state == PROBE_OK
               ? probe_found(PROBE_OK, "", "works; such a run is without %s", NESTED_IS_WITHOUT)
               : found;
}
