#include "cli/run/protected_places.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/run/runtime_directory.h"
#include "shared/audit/directory.h"
#include "shared/base/cleanup.h"
#include "shared/base/program_path.h"
#include "shared/confine/path_walk.h"
#include "shared/confine/tree_overlap.h"

struct check {
    const char *name;
    const char *tree; /* a path, or "/proc/self/fd/N": what was opened, whatever its name is now */
    struct failure *reterr;
};

static int check_place(const struct check *check, const char *what, const char *place)
{
    enum tree_relation relation;
    int error = tree_relation_of_paths(check->tree, place, &relation);

    if (error < 0) {
        return failure_set(check->reterr, error, "cannot compare %s with %s: %s", check->name,
                           place, strerror(-error));
    }
    if (relation == TREE_DISJOINT) {
        return 0;
    }
    failure_set(check->reterr, -EACCES, "%s cannot be given to a run: it is at, above or below %s",
                check->name, place);
    failure_set_needed(check->reterr, "the run must not be able to write %s", what);
    failure_set_mend(check->reterr, "choose another --workspace, or move %s elsewhere", what);
    return -EACCES;
}

__attribute__((format(printf, 3, 4))) static int check_formed(const struct check *check,
                                                              const char *what, const char *format,
                                                              ...)
{
    char place[PATH_MAX];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(place, sizeof(place), format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof(place)) {
        return failure_set(check->reterr, -ENAMETOOLONG, "the path of %s is too long", what);
    }
    return check_place(check, what, place);
}

/* $VARIABLE/failcore/REST, else HOME/FALLBACK/failcore/REST. */
static int check_user_place(const struct check *check, const char *variable, const char *fallback,
                            const char *rest, const char *what)
{
    const char *base = getenv(variable);
    const char *home = getenv("HOME");

    if (base != NULL && base[0] == '/') {
        return check_formed(check, what, "%s/failcore%s", base, rest);
    }
    if (home != NULL && home[0] == '/') {
        return check_formed(check, what, "%s/%s/failcore%s", home, fallback, rest);
    }
    return 0;
}

static int check_policy_files(const struct check *check, const struct run_options *options)
{
    for (size_t i = 0; i < options->policy_count; i++) {
        const char *word = options->policies[i];
        char directory[PATH_MAX];
        char *slash;
        int error;

        if (strchr(word, '/') == NULL && strstr(word, ".yaml") == NULL) {
            continue; /* an installed name */
        }
        if (snprintf(directory, sizeof(directory), "%s", word) >= (int)sizeof(directory)) {
            return failure_set(check->reterr, -ENAMETOOLONG, "a path is too long: %s", word);
        }
        slash = strrchr(directory, '/');
        if (slash == NULL) {
            snprintf(directory, sizeof(directory), ".");
        } else {
            slash[slash == directory ? 1 : 0] = '\0';
        }
        error = check_place(check, "its policy", directory);
        if (error < 0) {
            return error;
        }
    }
    return 0;
}

static int check_own_programs(const struct check *check)
{
    char path[PATH_MAX];
    int error = program_path_data(path);

    if (error == 0) {
        error = check_formed(check, "the installed policies", "%s/policies", path);
    }
    if (error < 0) {
        return error;
    }
    if (program_path_sibling("failcore", path) == 0) {
        *strrchr(path, '/') = '\0';
        return check_place(check, "failcore's programs", path);
    }
    return 0;
}

int protected_places_check(const char *name, const char *tree, const struct run_options *options,
                           struct failure *reterr)
{
    const struct check check = {.name = name, .tree = tree, .reterr = reterr};
    char path[PATH_MAX];
    int error = check_policy_files(&check, options);

    error = error < 0 ? error : check_own_programs(&check);
    error = error < 0 ? error : check_place(&check, "failcore's configuration", "/etc/failcore");
    error = error < 0 ? error
                      : check_user_place(&check, "XDG_CONFIG_HOME", ".config", "",
                                         "failcore's configuration");
    error = error < 0 ? error
                      : check_user_place(&check, "XDG_STATE_HOME", ".local/state", "",
                                         "the audit log and the keys");
    error = error < 0 ? error : audit_directory_default(path, reterr);
    error = error < 0 ? error : check_place(&check, "the audit log", path);
    error = error < 0 ? error : check_place(&check, "the keys", "/var/lib/failcore");
    if (error == 0 && getenv("FAILCORE_STATE") != NULL) {
        error = check_place(&check, "the keys", getenv("FAILCORE_STATE"));
    }
    error = error < 0 ? error : runtime_directory_path(path, reterr);
    error = error < 0 ? error : check_place(&check, "the run-time directory", path);
    if (error == 0 && options->audit != NULL) {
        error = check_place(&check, "the audit log", options->audit);
    }
    return error;
}

int protected_places_check_policy(const char *name, int tree, const struct policy *policy,
                                  struct failure *reterr)
{
    const char *file;

    for (size_t i = 0; (file = policy_file(policy, i)) != NULL; i++) {
        bool through;
        int error = path_leads_through(file, tree, &through);

        if (error < 0) {
            return failure_set(reterr, error, "cannot find out where %s lies: %s", file,
                               strerror(-error));
        }
        if (through) {
            failure_set(reterr, -EACCES, "the policy %s lies in %s, or a link to it does", file,
                        name);
            failure_set_needed(reterr, "the run must not be able to write its policy");
            failure_set_mend(reterr,
                             file[0] == '/'
                                 ? "move it out of the workspace"
                                 : "give its absolute path, and move it out of the workspace if it "
                                   "lies there: a run can lead a relative path elsewhere");
            return -EACCES;
        }
    }
    return 0;
}
