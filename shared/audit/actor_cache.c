#include "shared/audit/actor_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

/* proc_pid_stat(5): "PID (COMM) S PPID ..."; comm may hold blanks and parentheses. */
/* comm, ppid and start out of the text of /proc/PID/stat. -EBADMSG. */
static int parse_stat(struct str_view text, struct actor_identity *identity)
{
    char copy[1024];
    char *open_paren;
    char *close_paren;
    char *field;
    size_t comm_length;

    if (text.length >= sizeof(copy)) {
        return -EBADMSG;
    }
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    open_paren = strchr(copy, '(');
    close_paren = strrchr(copy, ')');
    if (open_paren == NULL || close_paren == NULL || close_paren < open_paren) {
        return -EBADMSG;
    }
    comm_length = (size_t)(close_paren - open_paren - 1);
    if (comm_length >= sizeof(identity->comm)) {
        return -EBADMSG;
    }
    memcpy(identity->comm, open_paren + 1, comm_length);
    identity->comm_length = (uint16_t)comm_length;
    /* Behind the parenthesis stands field 3; ppid is field 4, start time field 22. */
    field = close_paren + 1;
    for (int number = 3; number <= 22; number++) {
        if (*field != ' ') {
            return -EBADMSG;
        }
        field++;
        if (number == 4) {
            identity->ppid = (pid_t)strtol(field, NULL, 10);
        } else if (number == 22) {
            identity->start = strtoull(field, NULL, 10);
        }
        field += strcspn(field, " \n");
    }
    return 0;
}

static int read_stat(int proc, pid_t pid, struct actor_identity *identity)
{
    AUTO_CLOSE int fd = -1;
    char path[64];
    char text[1024];
    ssize_t length;

    snprintf(path, sizeof(path), "%d/stat", (int)pid);
    fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    length = read(fd, text, sizeof(text)); /* always whole: it is made at the first read */
    if (length < 0) {
        return -errno;
    }
    return parse_stat((struct str_view){.bytes = text, .length = (size_t)length}, identity);
}

static pid_t read_thread_group(int proc, pid_t tid)
{
    AUTO_CLOSE int fd = -1;
    char path[64];
    char text[2048];
    ssize_t length;
    const char *line;

    snprintf(path, sizeof(path), "%d/status", (int)tid);
    fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    length = read_upto(fd, text, sizeof(text) - 1);
    if (length <= 0) {
        return 0;
    }
    text[length] = '\0';
    line = strstr(text, "\nTgid:");
    return line == NULL ? 0 : (pid_t)strtol(line + sizeof("\nTgid:") - 1, NULL, 10);
}

static void read_exe(int proc, pid_t pid, struct actor_identity *identity)
{
    char path[64];
    ssize_t length;

    snprintf(path, sizeof(path), "%d/exe", (int)pid);
    length = readlinkat(proc, path, identity->exe, sizeof(identity->exe));
    identity->exe_length = length < 0 ? 0 : (uint16_t)length;
}

static void read_identity(int proc, pid_t pid, pid_t tid, struct actor_identity *identity)
{
    pid_t group = pid != 0 ? pid : read_thread_group(proc, tid);

    *identity = (struct actor_identity){.key = pid != 0 ? pid : tid, .pid = group};
    if (group != 0 && read_stat(proc, group, identity) == 0) {
        read_exe(proc, group, identity);
    }
}

static bool is_unchanged(int proc, const struct actor_identity *identity)
{
    struct actor_identity now = {0};

    return identity->pid != 0 && read_stat(proc, identity->pid, &now) == 0 &&
           now.start == identity->start && now.ppid == identity->ppid &&
           now.comm_length == identity->comm_length &&
           memcmp(now.comm, identity->comm, now.comm_length) == 0;
}

const struct actor_identity *actor_cache_find(struct actor_cache *cache, int proc, pid_t pid,
                                              pid_t tid, uint64_t now_ns)
{
    pid_t key = pid != 0 ? pid : tid;
    struct actor_identity *entry = &cache->entries[(uint32_t)key % ACTOR_CACHE_ENTRIES];

    if (entry->key == key && now_ns - entry->checked_ns < ACTOR_FRESH_NS) {
        return entry;
    }
    if (entry->key != key || !is_unchanged(proc, entry)) {
        read_identity(proc, pid, tid, entry);
    }
    entry->checked_ns = now_ns;
    return entry;
}

void actor_cache_forget(struct actor_cache *cache, pid_t pid)
{
    struct actor_identity *entry = &cache->entries[(uint32_t)pid % ACTOR_CACHE_ENTRIES];

    if (entry->key == pid) {
        entry->key = 0;
    }
}
