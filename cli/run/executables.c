#include "cli/run/executables.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/run/view.h"
#include "shared/base/cleanup.h"
#include "shared/confine/file_walk.h"
#include "shared/policy/run_settings.h"

/* A name of an executable: the file's own, or a link's. */
struct name {
    char *path;
    dev_t device;
    ino_t inode;
    nlink_t links; /* how many names the file has, its links not counted */
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

/* What is looked for; looking at a file costs much more than reading its name. */
enum search {
    SEARCH_ALL = 0,
    SEARCH_DENIED, /* names that a rule denies: where all others are allowed */
    SEARCH_SAME,   /* and the other names of those files */
};

struct choice {
    const struct policy *policy;
    struct names names;
    enum search search;
    ino_t *inodes; /* of the files whose other names are looked for, in order */
    size_t inode_count;
};

static int add(struct choice *choice, struct name *name, const char *path, const struct stat *file)
{
    struct names *names = &choice->names;

    if (names->count == names->capacity) {
        size_t capacity = names->capacity == 0 ? 1024 : names->capacity * 2;
        struct name *grown = reallocarray(names->items, capacity, sizeof(*grown));

        if (grown == NULL) {
            return -ENOMEM;
        }
        names->items = grown;
        names->capacity = capacity;
    }
    name->device = file->st_dev;
    name->inode = file->st_ino;
    name->links = file->st_nlink;
    name->path = strdup(path);
    if (name->path == NULL) {
        return -ENOMEM;
    }
    names->items[names->count++] = *name;
    return 0;
}

static void judge_all(const struct policy *policy, const char *path, struct name *name)
{
    judge(policy, path, name);
    /* Where /bin is a link to /usr/bin, a rule may say either. */
    if (strncmp(path, "/usr/", 5) == 0) {
        judge(policy, path + 4, name);
    }
}

static bool is_executable(const struct stat *file)
{
    return S_ISREG(file->st_mode) && (file->st_mode & 0111) != 0;
}

/* Where a denied link leads: mostly the only name of that file. */
static int add_target(struct choice *choice, const char *path, const struct stat *file)
{
    AUTO_FREE char *target = realpath(path, NULL);
    struct name name = {0};
    struct stat found;

    if (target == NULL || lstat(target, &found) < 0 || found.st_dev != file->st_dev ||
        found.st_ino != file->st_ino) {
        return 0;
    }
    for (size_t i = 0; view_system_directories[i] != NULL; i++) {
        size_t length = strlen(view_system_directories[i]);

        if (strncmp(target + 1, view_system_directories[i], length) == 0 &&
            target[length + 1] == '/') {
            judge_all(choice->policy, target, &name);
            return add(choice, &name, target, &found);
        }
    }
    return 0;
}

static int by_number(const void *a, const void *b)
{
    const ino_t *first = a;
    const ino_t *second = b;

    return *first == *second ? 0 : *first < *second ? -1 : 1;
}

static bool is_looked_for(const struct choice *choice, const struct walked_file *file,
                          const struct name *name)
{
    switch (choice->search) {
    case SEARCH_DENIED:
        return name->denied;
    case SEARCH_SAME:
        return !file->is_link &&
               (file->inode == 0 || bsearch(&file->inode, choice->inodes, choice->inode_count,
                                            sizeof(ino_t), by_number) != NULL);
    case SEARCH_ALL:
        break;
    }
    return true;
}

static int add_file(void *context, const struct walked_file *file)
{
    struct choice *choice = context;
    struct name name = {.is_link = file->is_link};
    struct stat found;
    int error;

    if (is_library(file->name)) {
        return 0;
    }
    if (choice->search == SEARCH_DENIED) {
        judge_all(choice->policy, file->path, &name);
    }
    if (!is_looked_for(choice, file, &name)) {
        return 0;
    }
    if (fstatat(file->directory, file->name, &found, file->is_link ? 0 : AT_SYMLINK_NOFOLLOW) < 0 ||
        !is_executable(&found)) {
        return 0; /* it has vanished, or it leads nowhere */
    }
    if (choice->search != SEARCH_DENIED) {
        judge_all(choice->policy, file->path, &name);
    }
    error = add(choice, &name, file->path, &found);
    return error < 0 || choice->search != SEARCH_DENIED || !file->is_link
               ? error
               : add_target(choice, file->path, &found);
}

static int by_file(const struct name *first, const struct name *second)
{
    if (first->device != second->device) {
        return first->device < second->device ? -1 : 1;
    }
    return first->inode == second->inode ? 0 : first->inode < second->inode ? -1 : 1;
}

static int by_file_and_path(const void *a, const void *b)
{
    const struct name *first = a;
    const struct name *second = b;
    int order = by_file(first, second);

    return order != 0 ? order : strcmp(first->path, second->path);
}

/* Each once, all names of a file side by side. */
static void names_sort(struct names *names)
{
    size_t kept = 0;

    qsort(names->items, names->count, sizeof(*names->items), by_file_and_path);
    for (size_t i = 0; i < names->count; i++) {
        if (kept > 0 && by_file_and_path(&names->items[kept - 1], &names->items[i]) == 0) {
            free(names->items[i].path);
        } else {
            names->items[kept++] = names->items[i];
        }
    }
    names->count = kept;
}

static size_t end_of_file(const struct names *names, size_t from)
{
    size_t to = from + 1;

    while (to < names->count && by_file(&names->items[from], &names->items[to]) == 0) {
        to++;
    }
    return to;
}

/* None of the files found has a name that was passed over. */
static bool all_names_are_known(const struct names *names)
{
    for (size_t from = 0, to = 0; from < names->count; from = to) {
        size_t known = 0;

        to = end_of_file(names, from);
        for (size_t i = from; i < to; i++) {
            known += names->items[i].is_link ? 0 : 1;
        }
        if (known == 0 || known < names->items[from].links) {
            return false;
        }
    }
    return true;
}

static int find_names(struct choice *choice)
{
    int error = 0;

    for (size_t i = 0; error == 0 && view_system_directories[i] != NULL; i++) {
        char path[64];
        struct stat found;

        snprintf(path, sizeof(path), "/%s", view_system_directories[i]);
        if (lstat(path, &found) == 0 && S_ISDIR(found.st_mode)) { /* else a link into /usr */
            error = file_walk(path, add_file, choice);
        }
    }
    names_sort(&choice->names);
    return error;
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

static int find_other_names(struct choice *choice)
{
    choice->inodes = calloc(choice->names.count, sizeof(*choice->inodes));
    if (choice->inodes == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < choice->names.count; i++) {
        choice->inodes[choice->inode_count++] = choice->names.items[i].inode;
    }
    qsort(choice->inodes, choice->inode_count, sizeof(*choice->inodes), by_number);
    choice->search = SEARCH_SAME;
    return find_names(choice);
}

int executables_choose(const struct policy *policy, struct executables *ret_executables,
                       struct failure *reterr)
{
    struct executables executables = {
        .allow_list = !decision_permits(
            policy_decide_exec(policy, STR_VIEW_LITERAL("/failcore/no/such/executable")))};
    struct choice choice = {.policy = policy,
                            .search = executables.allow_list ? SEARCH_ALL : SEARCH_DENIED};
    int error;

    if (!policy_restricts_processes(policy)) {
        return 0;
    }
    error = find_names(&choice);
    if (error == 0 && !executables.allow_list && !all_names_are_known(&choice.names)) {
        error = find_other_names(&choice);
    }
    for (size_t from = 0, to = 0; error == 0 && from < choice.names.count; from = to) {
        to = end_of_file(&choice.names, from);
        error = choose_file(&executables, &choice.names.items[from], to - from);
    }
    names_clear(&choice.names);
    free(choice.inodes);
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
