#include "cli/run/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/run/environment.h"
#include "cli/run/protected_places.h"
#include "cli/run/runtime_directory.h"
#include "cli/run/view.h"
#include "shared/base/cleanup.h"
#include "shared/confine/tree_overlap.h"

#define AGENT_HOME "/home/agent"

static int copy_path(char to[static PATH_MAX], const char *from, struct failure *reterr)
{
    if (snprintf(to, PATH_MAX, "%s", from) >= PATH_MAX) {
        return failure_set(reterr, -ENAMETOOLONG, "the path is too long: %s", from);
    }
    return 0;
}

/* "/a//b/./c/" becomes "/a/b/c"; ".." is refused: nobody means it here. */
static int normalise(char path[static PATH_MAX], struct failure *reterr)
{
    char clean[PATH_MAX] = "";
    size_t length = 0;
    const char *next = path;

    while (*next != '\0') {
        size_t part = strcspn(next, "/");

        if (part == 2 && strncmp(next, "..", 2) == 0) {
            failure_set(reterr, -EINVAL, "a path with \"..\": %s", path);
            failure_set_mend(reterr, "write it without");
            return -EINVAL;
        }
        if (part > 0 && !(part == 1 && *next == '.')) {
            clean[length++] = '/';
            memcpy(clean + length, next, part);
            length += part;
        }
        next += part;
        next += *next == '/' ? 1 : 0;
    }
    clean[length] = '\0';
    memcpy(path, length == 0 ? "/" : clean, length == 0 ? 2 : length + 1);
    return 0;
}

/* The caller's home: what the environment says, else the account's. */
static void find_caller_home(char home[static PATH_MAX])
{
    const char *named = getenv("HOME");
    const struct passwd *entry;

    home[0] = '\0';
    if (named == NULL || named[0] != '/') {
        entry = getpwuid(geteuid());
        named = entry == NULL ? NULL : entry->pw_dir;
    }
    if (named != NULL && named[0] == '/' && strlen(named) < PATH_MAX) {
        snprintf(home, PATH_MAX, "%s", named);
    }
}

static int check_home(const struct run_plan *plan, struct failure *reterr)
{
    const char *home = plan->caller_home;
    enum tree_relation relation;
    struct stat found;

    if (home[0] == '\0' || strcmp(home, "/") == 0 || stat(home, &found) < 0) {
        return 0;
    }
    if (tree_relation_of_paths(plan->workspace_handle, home, &relation) < 0 ||
        relation == TREE_SAME || relation == TREE_ABOVE) {
        failure_set(reterr, -EACCES, "%s holds your whole home directory: it cannot be a workspace",
                    plan->workspace);
        failure_set_mend(reterr, "--workspace DIR with a project's directory");
        return -EACCES;
    }
    return 0;
}

/*
 * Opened once: a path that is resolved again could lead to another directory by then, and the
 * checks would have been made of the first one.
 */
static int open_workspace(struct run_plan *plan, const char *named)
{
    struct stat found;
    ssize_t length;

    plan->workspace_fd = open(named, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (plan->workspace_fd < 0) {
        return -errno;
    }
    snprintf(plan->workspace_handle, sizeof(plan->workspace_handle), "/proc/self/fd/%d",
             plan->workspace_fd);
    length = readlink(plan->workspace_handle, plan->workspace, sizeof(plan->workspace) - 1);
    if (length < 0 || fstat(plan->workspace_fd, &found) < 0) {
        return -errno;
    }
    plan->workspace[length] = '\0';
    /* A removed one has no path any more, nor has one outside our root. */
    return found.st_nlink == 0 || plan->workspace[0] != '/' ? -ENOENT
           : length == (ssize_t)sizeof(plan->workspace) - 1 ? -ENAMETOOLONG
                                                            : 0;
}

static int find_workspace(struct run_plan *plan, struct failure *reterr)
{
    const char *named = plan->options->workspace == NULL ? "." : plan->options->workspace;
    int error = open_workspace(plan, named);

    if (error < 0) {
        failure_set(reterr, error, "cannot use the workspace %s: %s", named, strerror(-error));
        failure_set_mend(reterr, "--workspace DIR");
        return error;
    }
    if (strcmp(plan->workspace, "/") == 0) {
        failure_set(reterr, -EACCES, "the whole machine cannot be a workspace");
        failure_set_mend(reterr, "--workspace DIR with a project's directory");
        return -EACCES;
    }
    error = check_home(plan, reterr);
    return error < 0 ? error
                     : protected_places_check(plan->workspace, plan->workspace_handle,
                                              plan->options, reterr);
}

static int find_mount_path(struct run_plan *plan, struct failure *reterr)
{
    const char *named = plan->options->mount == NULL ? plan->workspace : plan->options->mount;
    int error = copy_path(plan->mount_path, named, reterr);

    if (error == 0 && named[0] != '/') {
        failure_set(reterr, -EINVAL, "--mount wants an absolute path: %s", named);
        failure_set_mend(reterr, "--mount /workspace");
        return -EINVAL;
    }
    error = error < 0 ? error : normalise(plan->mount_path, reterr);
    error = error < 0 ? error : view_check_mount_path(plan->mount_path, reterr);
    return error < 0 ? error : view_check_workspace(plan, reterr);
}

/* An ordinary user's home keeps its path, since that is what tools find in the accounts. */
static int choose_home(struct run_plan *plan, struct failure *reterr)
{
    struct failure unusable = {0};
    int error;

    if (plan->identity.separate || plan->caller_home[0] == '\0') {
        return copy_path(plan->home, AGENT_HOME, reterr);
    }
    error = copy_path(plan->home, plan->caller_home, reterr);
    error = error < 0 ? error : normalise(plan->home, &unusable);
    if (error == 0 && view_check_mount_path(plan->home, &unusable) == 0) {
        return 0;
    }
    return copy_path(plan->home, AGENT_HOME, reterr);
}

static char **copy_arguments(int count, char **from)
{
    char **to = calloc((size_t)count + 1, sizeof(*to));

    for (int i = 0; to != NULL && i < count; i++) {
        to[i] = strdup(from[i]);
        if (to[i] == NULL) {
            environment_free(to);
            return NULL;
        }
    }
    return to;
}

static int load_policy(struct run_plan *plan, struct failure *reterr)
{
    const struct run_options *options = plan->options;
    int error =
        options->shadow
            ? policy_load_shadow(options->policies, options->policy_count, &plan->policy, reterr)
            : policy_load(options->policies, options->policy_count, &plan->policy, reterr);

    plan->policy_invalid = error < 0 && error != -ENOMEM;
    return error;
}

/*
 * A policy that says nothing of the network has none, and needs no guard for that. One that can
 * allow nothing gets a guard, which records what is tried, but no way out to be guarded.
 */
static void choose_network(struct run_plan *plan)
{
    const struct run_options *options = plan->options;

    plan->uplink = options->uplink;
    plan->guard = !options->no_net &&
                  (plan->settings.network != RUN_NETWORK_ABSENT || options->uplink != NULL);
    if (options->uplink == NULL && plan->settings.network == RUN_NETWORK_CLOSED) {
        plan->uplink = "none";
    }
}

const char *run_plan_network(const struct run_plan *plan)
{
    return !plan->guard ? "none" : plan->uplink == NULL ? "default" : plan->uplink;
}

int run_plan_read(const struct run_options *options, const char *id, struct run_plan *plan,
                  struct failure *reterr)
{
    int error;

    *plan = (struct run_plan){
        .options = options, .identity = {.claim_fd = -1}, .runtime = -1, .workspace_fd = -1};
    snprintf(plan->id, sizeof(plan->id), "%s", id);
    plan->umask = umask(0);
    umask(plan->umask);
    find_caller_home(plan->caller_home);
    error = find_workspace(plan, reterr);
    error = error < 0 ? error : find_mount_path(plan, reterr);
    error = error < 0 ? error : load_policy(plan, reterr);
    if (error == 0) {
        error = protected_places_check_policy(plan->workspace, plan->workspace_fd, plan->policy,
                                              reterr);
    }
    if (error == 0) {
        plan->settings = policy_run_settings(plan->policy);
        choose_network(plan);
    }
    return error;
}

int run_plan_complete(struct run_plan *plan, struct failure *reterr)
{
    const struct run_options *options = plan->options;
    int error;

    plan->runtime = runtime_directory_open(reterr);
    error = plan->runtime < 0 ? plan->runtime : 0;
    error = error < 0 ? error : identity_choose(plan->runtime, &plan->identity, reterr);
    error = error < 0 ? error : choose_home(plan, reterr);
    error = error < 0 ? error : executables_choose(plan->policy, &plan->executables, reterr);
    error = error < 0 ? error : extra_binds_choose(plan->policy, options, &plan->binds, reterr);
    if (error < 0) {
        return error;
    }
    plan->arguments = copy_arguments(options->argc, options->argv);
    plan->environment = environment_make(plan);
    if (plan->arguments == NULL || plan->environment == NULL) {
        return failure_set(reterr, -ENOMEM, "out of memory");
    }
    return 0;
}

void run_plan_clear(struct run_plan *plan)
{
    limits_release(&plan->limits);
    executables_clear(&plan->executables);
    extra_binds_clear(&plan->binds);
    policy_unref(plan->policy);
    environment_free(plan->arguments);
    environment_free(plan->environment);
    identity_release(&plan->identity);
    close_fd(&plan->runtime);
    close_fd(&plan->workspace_fd);
    *plan = (struct run_plan){.identity = {.claim_fd = -1}, .runtime = -1, .workspace_fd = -1};
}
