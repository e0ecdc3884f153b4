#include "cli/run/executables.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/run/view.h"
#include "shared/policy/run_settings.h"

/* A name of an executable: the file's own, or a link's. */
struct name {
    char *path;
    dev_t device;
    ino_t inode;
    bool is_link;
    bool denied;  /* by a rule */
    bool allowed; /* by a rule or the default */
};

struct names {
    struct name *items;
    size_t count;
    size_t capacity;
};

static void names_clear(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i].path);
    }
    free(names->items);
}

/* "libc.so.6", "ld-linux-x86-64.so.2": loaded, not started. */
static bool is_library(const char *name)
{
    const char *suffix = strstr(name, ".so");

    return suffix != NULL && (suffix[3] == '\0' || suffix[3] == '.');
}

static void judge(const struct policy *policy, const char *path, struct name *name)
{
    struct decision decision = policy_decide_exec(policy, str_view_from(path));

    if (decision_permits(decision)) {
        name->allowed = true;
    } else if (decision.rule.index != RULE_DEFAULT.index) {
        name->denied = true;
    }
}

static int add(const struct policy *policy, struct names *names, const char *path,
               const struct stat *file, bool is_link)
{
    struct name *name;

    if (names->count == names->capacity) {
        size_t capacity = names->capacity == 0 ? 1024 : names->capacity * 2;
        struct name *grown = reallocarray(names->items, capacity, sizeof(*grown));

        if (grown == NULL) {
            return -ENOMEM;
        }
        names->items = grown;
        names->capacity = capacity;
    }
    name = &names->items[names->count];
    *name = (struct name){
        .path = strdup(path), .device = file->st_dev, .inode = file->st_ino, .is_link = is_link};
    if (name->path == NULL) {
        return -ENOMEM;
    }
    names->count++;
    judge(policy, path, name);
    /* Where /bin is a link to /usr/bin, a rule may say either. */
    if (strncmp(path, "/usr/", 5) == 0) {
        judge(policy, path + 4, name);
    }
    return 0;
}

static int add_entry(const struct policy *policy, struct names *names, const FTSENT *entry)
{
    struct stat file;

    if (entry->fts_info == FTS_F) {
        const struct stat *found = entry->fts_statp;

        if ((found->st_mode & 0111) == 0 || is_library(entry->fts_name)) {
            return 0;
        }
        return add(policy, names, entry->fts_path, found, false);
    }
    if (entry->fts_info == FTS_SL && stat(entry->fts_path, &file) == 0 && S_ISREG(file.st_mode) &&
        (file.st_mode & 0111) != 0 && !is_library(entry->fts_name)) {
        return add(policy, names, entry->fts_path, &file, true);
    }
    return 0;
}

static int walk_one(const struct policy *policy, struct names *names, const char *directory)
{
    char path[64];
    char *const roots[] = {path, NULL};
    struct stat found;
    FTSENT *entry;
    FTS *walk;
    int error = 0;

    snprintf(path, sizeof(path), "/%s", directory);
    if (lstat(path, &found) < 0 || S_ISLNK(found.st_mode)) {
        return 0; /* a link into /usr */
    }
    walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (walk == NULL) {
        return -errno;
    }
    while (error == 0 && (entry = fts_read(walk)) != NULL) {
        error = add_entry(policy, names, entry);
    }
    fts_close(walk);
    return error;
}

static int by_inode(const void *a, const void *b)
{
    const struct name *first = a;
    const struct name *second = b;

    if (first->device != second->device) {
        return first->device < second->device ? -1 : 1;
    }
    return first->inode == second->inode ? 0 : first->inode < second->inode ? -1 : 1;
}

static int cover(struct executables *executables, struct name *name)
{
    char **grown = reallocarray(executables->covered, executables->count + 1, sizeof(*grown));

    if (grown == NULL) {
        return -ENOMEM;
    }
    executables->covered = grown;
    executables->covered[executables->count++] = name->path;
    name->path = NULL; /* taken */
    return 0;
}

/* One file with all its names, which lie side by side. */
static int choose_file(struct executables *executables, struct name *names, size_t count)
{
    bool denied = false;
    bool allowed = false;

    for (size_t i = 0; i < count; i++) {
        denied = denied || names[i].denied;
        allowed = allowed || names[i].allowed;
    }
    for (size_t i = 0; (denied || !allowed) && i < count; i++) {
        int error = names[i].is_link ? 0 : cover(executables, &names[i]);

        if (error < 0) {
            return error;
        }
    }
    return 0;
}

int executables_choose(const struct policy *policy, struct executables *ret_executables,
                       struct failure *reterr)
{
    struct executables executables = {
        .allow_list = !decision_permits(
            policy_decide_exec(policy, STR_VIEW_LITERAL("/failcore/no/such/executable")))};
    struct names names = {0};
    int error = 0;

    if (!policy_restricts_processes(policy)) {
        return 0;
    }
    for (size_t i = 0; error == 0 && view_system_directories[i] != NULL; i++) {
        error = walk_one(policy, &names, view_system_directories[i]);
    }
    qsort(names.items, names.count, sizeof(*names.items), by_inode);
    for (size_t from = 0, to = 0; error == 0 && from < names.count; from = to) {
        while (to < names.count && by_inode(&names.items[from], &names.items[to]) == 0) {
            to++;
        }
        error = choose_file(&executables, &names.items[from], to - from);
    }
    names_clear(&names);
    if (error < 0) {
        executables_clear(&executables);
        return failure_set(reterr, error, "cannot look at the machine's executables: %s",
                           strerror(-error));
    }
    *ret_executables = executables;
    return 0;
}

/* The stronger of what was found so far and what this name says. */
static void decide_name(const struct policy *policy, const char *path, struct decision *decision,
                        bool *settled)
{
    struct decision found = policy_decide_exec(policy, str_view_from(path));
    bool permits = decision_permits(found);

    if (*settled) {
        return;
    }
    if (!permits && found.rule.index != RULE_DEFAULT.index) {
        *settled = true; /* a deny of any name */
        *decision = found;
    } else if (permits && !decision_permits(*decision)) {
        *decision = found;
    }
}

struct decision executables_decide(const struct policy *policy, const char *path)
{
    struct decision decision = policy_decide_exec(policy, str_view_from(path));
    bool settled = !decision_permits(decision) && decision.rule.index != RULE_DEFAULT.index;
    char *target = realpath(path, NULL);
    const char *const names[] = {path, target == NULL ? path : target};

    for (size_t i = 0; i < 2; i++) {
        char with_usr[PATH_MAX];

        decide_name(policy, names[i], &decision, &settled);
        if (strncmp(names[i], "/usr/", 5) == 0) {
            decide_name(policy, names[i] + 4, &decision, &settled);
        } else if (snprintf(with_usr, sizeof(with_usr), "/usr%s", names[i]) < PATH_MAX) {
            decide_name(policy, with_usr, &decision, &settled);
        }
    }
    free(target);
    return decision;
}

void executables_clear(struct executables *executables)
{
    for (size_t i = 0; i < executables->count; i++) {
        free(executables->covered[i]);
    }
    free(executables->covered);
    *executables = (struct executables){0};
}
