#include "shared/confine/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/text_buffer.h"

static const char *const controller_names[CGROUP_CONTROLLERS] = {
    [CGROUP_MEMORY] = "memory",
    [CGROUP_PIDS] = "pids",
    [CGROUP_CPU] = "cpu",
    [CGROUP_CPUACCT] = "cpuacct",
};

bool cgroup_has(const struct cgroup *cgroup, enum cgroup_controller controller)
{
    return cgroup->versions[controller] != 0;
}

static bool has_word(const char *list, const char *word, char separator)
{
    size_t length = strlen(word);

    for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word)) {
        bool begins = at == list || at[-1] == separator;
        char after = at[length];

        if (begins && (after == separator || after == '\0' || after == '\n')) {
            return true;
        }
    }
    return false;
}

/* Where this process is in the hierarchy that `wanted` names; NULL: the version 2 one. */
static int own_path(const char *wanted, char ret_path[static PATH_MAX])
{
    AUTO_FCLOSE FILE *groups = fopen("/proc/self/cgroup", "re");
    char line[PATH_MAX];

    while (groups != NULL && fgets(line, sizeof(line), groups) != NULL) {
        char *controllers = strchr(line, ':');
        char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');

        if (path == NULL) {
            continue;
        }
        *path++ = '\0';
        controllers++;
        path[strcspn(path, "\n")] = '\0';
        if (wanted == NULL ? *controllers == '\0' : has_word(controllers, wanted, ',')) {
            snprintf(ret_path, PATH_MAX, "%s", strcmp(path, "/") == 0 ? "" : path);
            return 0;
        }
    }
    return -ENOENT;
}

/* Where a hierarchy is mounted, from /proc/self/mounts; NULL: version 2. */
static int find_mount(const char *wanted, char ret_path[static PATH_MAX])
{
    AUTO_FCLOSE FILE *mounts = fopen("/proc/self/mounts", "re");
    char line[PATH_MAX];

    while (mounts != NULL && fgets(line, sizeof(line), mounts) != NULL) {
        char *rest = NULL;
        char *where;
        char *type;
        char *options;

        (void)strtok_r(line, " ", &rest);
        where = strtok_r(NULL, " ", &rest);
        type = strtok_r(NULL, " ", &rest);
        options = strtok_r(NULL, " ", &rest);
        if (options == NULL) {
            continue;
        }
        if (wanted == NULL ? strcmp(type, "cgroup2") == 0
                           : strcmp(type, "cgroup") == 0 && has_word(options, wanted, ',')) {
            snprintf(ret_path, PATH_MAX, "%s", where);
            return 0;
        }
    }
    return -ENOENT;
}

__attribute__((format(printf, 2, 3))) static int form(char path[static PATH_MAX],
                                                      const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(path, PATH_MAX, format, args);
    va_end(args);
    return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int make_below(const char *hierarchy, const char *name, char ret_path[static PATH_MAX])
{
    char mount[PATH_MAX];
    char own[PATH_MAX];
    int error = find_mount(hierarchy, mount);

    error = error < 0 ? error : own_path(hierarchy, own);
    error = error < 0 ? error : form(ret_path, "%s%s/%s", mount, own, name);
    if (error == 0 && mkdir(ret_path, 0755) < 0) {
        error = -errno;
    }
    if (error < 0) {
        ret_path[0] = '\0';
    }
    return error;
}

static int read_file(const char *directory, const char *file, struct text_buffer *text)
{
    char path[PATH_MAX];
    AUTO_CLOSE int fd = -1;

    if (form(path, "%s/%s", directory, file) < 0) {
        return -ENAMETOOLONG;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : read_to_end(fd, 65536, text);
}

static int write_number(const char *directory, const char *file, uint64_t number)
{
    char path[PATH_MAX];
    char text[24];

    if (form(path, "%s/%s", directory, file) < 0) {
        return -ENAMETOOLONG;
    }
    snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    return write_text_at(AT_FDCWD, path, text);
}

/* What version 2 calls it. Its cpu controller counts as well. */
static const char *v2_word(enum cgroup_controller controller)
{
    return controller == CGROUP_CPUACCT ? "cpu" : controller_names[controller];
}

static bool v2_has(const char *group, enum cgroup_controller controller)
{
    AUTO(text_buffer_clear) struct text_buffer controllers = {0};
    AUTO(text_buffer_clear) struct text_buffer counted = {0};

    /* Time is counted in every group, with or without the controller. */
    if (controller == CGROUP_CPUACCT && read_file(group, "cpu.stat", &counted) == 0 &&
        strstr(text_buffer_text(&counted), "usage_usec ") != NULL) {
        return true;
    }
    return read_file(group, "cgroup.controllers", &controllers) == 0 &&
           has_word(text_buffer_text(&controllers), v2_word(controller), ' ');
}

static void v2_enable(const char *parent, unsigned int wanted)
{
    char file[PATH_MAX];

    if (form(file, "%s/cgroup.subtree_control", parent) < 0) {
        return;
    }
    for (enum cgroup_controller i = 0; i < CGROUP_CONTROLLERS; i++) {
        char word[16];

        snprintf(word, sizeof(word), "+%s", v2_word(i));
        if ((wanted & 1U << i) != 0) {
            (void)write_text_at(AT_FDCWD, file, word); /* looked at afterwards */
        }
    }
}

/* Out of the way of controllers: back again when that did not help. */
static void v2_step_aside(const char *parent, unsigned int wanted, const char *group)
{
    char aside[PATH_MAX];

    if (form(aside, "%s-supervisor", group) < 0 || mkdir(aside, 0755) < 0) {
        return;
    }
    if (write_number(aside, "cgroup.procs", (uint64_t)getpid()) == 0) {
        v2_enable(parent, wanted);
        for (enum cgroup_controller i = 0; i < CGROUP_CONTROLLERS; i++) {
            if ((wanted & 1U << i) != 0 && v2_has(group, i) && i != CGROUP_CPUACCT) {
                return; /* removed with the last process in it, by whoever delegated */
            }
        }
        (void)write_number(parent, "cgroup.procs", (uint64_t)getpid());
    }
    (void)rmdir(aside);
}

static void make_v2(const char *name, unsigned int wanted, struct cgroup *cgroup)
{
    char group[PATH_MAX];
    char parent[PATH_MAX];
    bool any = false;

    if (make_below(NULL, name, group) < 0) {
        return;
    }
    memcpy(parent, group, sizeof(parent));
    *strrchr(parent, '/') = '\0';
    v2_enable(parent, wanted);
    for (enum cgroup_controller i = 0; i < CGROUP_CONTROLLERS; i++) {
        AUTO(text_buffer_clear) struct text_buffer offered = {0};

        if ((wanted & 1U << i) != 0 && !v2_has(group, i) &&
            read_file(parent, "cgroup.controllers", &offered) == 0 &&
            has_word(text_buffer_text(&offered), v2_word(i), ' ')) {
            v2_step_aside(parent, wanted, group);
            break;
        }
    }
    for (enum cgroup_controller i = 0; i < CGROUP_CONTROLLERS; i++) {
        if ((wanted & 1U << i) != 0 && v2_has(group, i)) {
            cgroup->versions[i] = 2;
            memcpy(cgroup->paths[i], group, sizeof(group));
            any = true;
        }
    }
    if (!any) {
        (void)rmdir(group);
    }
}

void cgroup_make(const char *name, unsigned int wanted, struct cgroup *ret_cgroup)
{
    memset(ret_cgroup, 0, sizeof(*ret_cgroup));
    if (wanted == 0) {
        return;
    }
    make_v2(name, wanted, ret_cgroup);
    for (enum cgroup_controller i = 0; i < CGROUP_CONTROLLERS; i++) {
        if ((wanted & 1U << i) != 0 && ret_cgroup->versions[i] == 0 &&
            make_below(controller_names[i], name, ret_cgroup->paths[i]) == 0) {
            ret_cgroup->versions[i] = 1;
        }
    }
}

int cgroup_limit_memory(const struct cgroup *cgroup, uint64_t bytes)
{
    const char *path = cgroup->paths[CGROUP_MEMORY];
    int error;

    if (cgroup->versions[CGROUP_MEMORY] == 2) {
        (void)write_number(path, "memory.swap.max", 0); /* absent without swap */
        return write_number(path, "memory.max", bytes);
    }
    error = write_number(path, "memory.limit_in_bytes", bytes);
    (void)write_number(path, "memory.memsw.limit_in_bytes", bytes); /* absent without swap */
    return error;
}

int cgroup_limit_pids(const struct cgroup *cgroup, uint64_t count)
{
    return write_number(cgroup->paths[CGROUP_PIDS], "pids.max", count);
}

int cgroup_limit_cpu(const struct cgroup *cgroup, uint64_t percent)
{
    const uint64_t period_us = 50000; /* short: a stop of a whole period is noticed by people */
    const uint64_t quota_us = period_us * percent / 100;
    const char *path = cgroup->paths[CGROUP_CPU];
    char file[PATH_MAX];
    char text[48];
    int error;

    if (cgroup->versions[CGROUP_CPU] == 2) {
        if (form(file, "%s/cpu.max", path) < 0) {
            return -ENAMETOOLONG;
        }
        snprintf(text, sizeof(text), "%llu %llu", (unsigned long long)quota_us,
                 (unsigned long long)period_us);
        return write_text_at(AT_FDCWD, file, text);
    }
    error = write_number(path, "cpu.cfs_period_us", period_us);
    return error < 0 ? error : write_number(path, "cpu.cfs_quota_us", quota_us);
}

int cgroup_add(const struct cgroup *cgroup, pid_t pid)
{
    for (enum cgroup_controller i = 0; i < CGROUP_CONTROLLERS; i++) {
        int error = 0;

        if (cgroup_has(cgroup, i)) {
            error = write_number(cgroup->paths[i], "cgroup.procs", (uint64_t)pid);
        }
        if (error < 0) {
            return error;
        }
    }
    return 0;
}

/* The number behind `key` in a file of "key number" lines; a lone number for an empty key. */
static uint64_t read_number(const char *directory, const char *file, const char *key)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    const char *at;

    if (directory[0] == '\0' || read_file(directory, file, &text) < 0) {
        return 0;
    }
    at = key[0] == '\0' ? text_buffer_text(&text) : strstr(text_buffer_text(&text), key);
    return at == NULL ? 0 : strtoull(at + strlen(key), NULL, 10);
}

uint64_t cgroup_cpu_ns(const struct cgroup *cgroup)
{
    const char *path = cgroup->paths[CGROUP_CPUACCT];

    return cgroup->versions[CGROUP_CPUACCT] == 2
               ? read_number(path, "cpu.stat", "usage_usec ") * 1000
               : read_number(path, "cpuacct.usage", "");
}

uint64_t cgroup_memory_kills(const struct cgroup *cgroup)
{
    const char *path = cgroup->paths[CGROUP_MEMORY];

    return cgroup->versions[CGROUP_MEMORY] == 2
               ? read_number(path, "memory.events", "oom_kill ")
               : read_number(path, "memory.oom_control", "oom_kill ");
}

uint64_t cgroup_pids_refused(const struct cgroup *cgroup)
{
    return read_number(cgroup->paths[CGROUP_PIDS], "pids.events", "max ");
}

void cgroup_remove(struct cgroup *cgroup)
{
    for (enum cgroup_controller i = 0; i < CGROUP_CONTROLLERS; i++) {
        if (cgroup_has(cgroup, i)) {
            (void)rmdir(cgroup->paths[i]);
        }
    }
    memset(cgroup, 0, sizeof(*cgroup));
}
