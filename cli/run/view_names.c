#include "cli/run/view_names.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/run/view.h"
#include "cli/run/view_tables.h"

#define ROW_NAME(name) name,
static const char *const etc_names[] = {VIEW_ETC_TABLE(ROW_NAME)};
static const char *const written_names[] = {VIEW_WRITTEN_TABLE(ROW_NAME)};
static const char *const device_names[] = {VIEW_DEVICE_TABLE(ROW_NAME)};
static const char *const own_directories[] = {VIEW_DIRECTORY_TABLE(ROW_NAME)};
static const char *const elsewhere_names[] = {VIEW_ELSEWHERE_TABLE(ROW_NAME)};
static const char *const absent_names[] = {VIEW_ABSENT_TABLE(ROW_NAME)};
#undef ROW_NAME

static const struct {
    const char *name;
    const char *target;
} links[] = {
#define ROW_LINK(name, target) {name, target},
    VIEW_LINK_TABLE(ROW_LINK)
#undef ROW_LINK
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_below(const char *path, const char *parent)
{
    size_t length = strlen(parent);

    return strncmp(path, parent, length) == 0 && path[length] == '/';
}

/* A link of /etc is one in the run when it leads into the view (into /usr or /etc); any other is
 * absent, so that nothing is shown of where a link happens to lead. */
static bool leads_into_view(const char *target)
{
    return is_below(target, "/usr") || is_below(target, "/etc") || target[0] != '/';
}

static int add_link(struct view_tree *tree, const char *path, bool anywhere)
{
    char source[PATH_MAX];
    char target[PATH_MAX];
    ssize_t length;

    snprintf(source, sizeof(source), "/%s", path);
    length = readlink(source, target, sizeof(target) - 1);
    if (length < 0 || (size_t)length == sizeof(target) - 1) {
        return length < 0 ? -errno : -ENAMETOOLONG;
    }
    target[length] = '\0';
    return anywhere || leads_into_view(target) ? view_tree_add(tree, path, VIEW_LINK, target)
                                               : view_tree_add(tree, path, VIEW_ABSENT, NULL);
}

/* A row of a table, as this machine has it; one that it has not is absent, and no refusal. */
static int add_of_machine(struct view_tree *tree, const char *path, bool is_system)
{
    char source[PATH_MAX];
    struct stat found;

    snprintf(source, sizeof(source), "/%s", path);
    if (lstat(source, &found) < 0) {
        return errno == ENOENT || errno == ENOTDIR ? view_tree_add(tree, path, VIEW_ABSENT, NULL)
                                                   : -errno;
    }
    switch (found.st_mode & S_IFMT) {
    case S_IFLNK:
        return add_link(tree, path, is_system);
    case S_IFDIR:
        return view_tree_add(tree, path, VIEW_DIRECTORY, NULL);
    case S_IFREG:
        return view_tree_add(tree, path, VIEW_FILE, NULL);
    default:
        return 0; /* sockets, FIFOs and devices do not belong there */
    }
}

static int add_all(struct view_tree *tree, const char *prefix, const char *const *names,
                   size_t count, enum view_kind kind)
{
    char path[PATH_MAX];
    int error = 0;

    for (size_t i = 0; error == 0 && i < count; i++) {
        snprintf(path, sizeof(path), "%s%s", prefix, names[i]);
        error = view_tree_add(tree, path, kind, NULL);
    }
    return error;
}

static int add_system(struct view_tree *tree)
{
    char path[PATH_MAX];
    int error = 0;

    for (size_t i = 0; error == 0 && view_system_directories[i] != NULL; i++) {
        error = add_of_machine(tree, view_system_directories[i], true);
    }
    for (size_t i = 0; error == 0 && i < COUNT(etc_names); i++) {
        snprintf(path, sizeof(path), "etc/%s", etc_names[i]);
        error = add_of_machine(tree, path, false);
    }
    return error;
}

static int add_own(struct view_tree *tree)
{
    int error = add_all(tree, "", own_directories, COUNT(own_directories), VIEW_DIRECTORY);

    error =
        error < 0 ? error : add_all(tree, "etc/", written_names, COUNT(written_names), VIEW_FILE);
    error = error < 0 ? error : add_all(tree, "dev/", device_names, COUNT(device_names), VIEW_FILE);
    for (size_t i = 0; error == 0 && i < COUNT(links); i++) {
        error = view_tree_add(tree, links[i].name, VIEW_LINK, links[i].target);
    }
    return error;
}

/* Below a directory of the machine they exist there, below a private one they are made there; that
 * they are here as well is seen by nobody. */
static int add_of_plan(struct view_tree *tree, const struct run_plan *plan)
{
    int error = view_tree_add(tree, plan->home + 1, VIEW_DIRECTORY, NULL);

    for (size_t i = 0; error == 0 && i < plan->binds.count; i++) {
        const struct extra_bind *bind = &plan->binds.items[i];

        error =
            view_tree_add(tree, bind->path + 1, bind->directory ? VIEW_DIRECTORY : VIEW_FILE, NULL);
    }
    return error < 0 ? error : view_tree_add(tree, plan->mount_path + 1, VIEW_DIRECTORY, NULL);
}

int view_names_collect(const struct run_plan *plan, struct view_tree *ret_tree,
                       struct failure *reterr)
{
    struct view_tree tree;
    int error = view_tree_init(&tree);

    error = error < 0 ? error : add_system(&tree);
    error = error < 0 ? error : add_own(&tree);
    error = error < 0 ? error : add_of_plan(&tree, plan);
    error = error < 0 ? error
                      : add_all(&tree, "", elsewhere_names, COUNT(elsewhere_names), VIEW_ELSEWHERE);
    error = error < 0 ? error : add_all(&tree, "", absent_names, COUNT(absent_names), VIEW_ABSENT);
    if (error < 0) {
        view_tree_clear(&tree);
        return failure_set(reterr, error, "cannot choose the names of the run's view: %s",
                           strerror(-error));
    }
    *ret_tree = tree;
    return 0;
}
