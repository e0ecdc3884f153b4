#include "fusefs/startup_places.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "fusefs/name_folding.h"
#include "shared/audit/directory.h"
#include "shared/base/cleanup.h"
#include "shared/confine/path_walk.h"
#include "shared/confine/tree_overlap.h"

static enum exit_code refuse_overlap(const char *what, const char *path, const char *with,
                                     struct failure *reterr)
{
    failure_set(reterr, -EINVAL, "the %s %s and %s lie inside one another", what, path, with);
    failure_set_needed(reterr, "the workload must not reach what judges and records it");
    failure_set_mend(reterr, "keep them in separate directories");
    return EXIT_CODE_USAGE;
}

static enum exit_code check_disjoint(const char *what, const char *path, const char *with,
                                     struct failure *reterr)
{
    enum tree_relation relation = TREE_SAME;
    int r = tree_relation_of_paths(path, with, &relation);

    if (r < 0) {
        failure_set(reterr, r, "cannot compare %s with %s: %s", path, with, strerror(-r));
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return relation == TREE_DISJOINT ? EXIT_CODE_OK : refuse_overlap(what, path, with, reterr);
}

/* Of an existing directory with the source, by descriptors: once mounted, paths lead through the
 * mount itself. */
static int relation_with_source(const struct startup *startup, const char *path,
                                enum tree_relation *ret_relation)
{
    AUTO_CLOSE int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    return tree_relation_of(fd, startup->tree_ready ? startup->tree.root_fd : startup->source,
                            ret_relation);
}

/* The files that were read: neither they nor a link on the way to them may lie in the source. */
enum exit_code startup_check_policy_files(const struct startup *startup,
                                          const struct policy *policy, struct failure *reterr)
{
    int source = startup->tree_ready ? startup->tree.root_fd : startup->source;
    const char *file;

    for (size_t i = 0; (file = policy_file(policy, i)) != NULL; i++) {
        bool through = true;

        if (path_leads_through(file, source, &through) < 0 || through) {
            return refuse_overlap("policy", file, startup->options.source, reterr);
        }
    }
    return EXIT_CODE_OK;
}

/* A rule binds one spelling of a name; where another opens the same file it binds nothing (SR16).
 */
enum exit_code startup_check_names(const struct startup *startup, const struct policy *policy,
                                   struct failure *reterr)
{
    const struct fs_settings settings = policy_fs_settings(policy);
    const char *source = startup->options.source;
    int r;

    if (!settings.may_deny && !settings.may_hide) {
        return EXIT_CODE_OK;
    }
    r = name_folding_of(startup->tree_ready ? startup->tree.root_fd : startup->source);
    if (r == 0) {
        return EXIT_CODE_OK;
    }
    if (r < 0) {
        failure_set(reterr, r, "cannot look how %s compares names: %s", source, strerror(-r));
        failure_set_mend(reterr, "give a directory that can be listed");
        return EXIT_CODE_FAILCORE_FAILED;
    }
    failure_set(reterr, -EINVAL, "%s takes two spellings for one name", source);
    failure_set_needed(reterr, "the policy has rules that deny or hide, and they compare bytes");
    failure_set_mend(reterr, "keep the workspace on another file system, or in a directory without "
                             "chattr +F");
    return EXIT_CODE_POLICY_INVALID;
}

/* Policies given as files; the directories that names are looked up in are fixed. */
enum exit_code startup_check_policies(const struct startup *startup, struct failure *reterr)
{
    static const char *const directories[] = {FAILCORE_SYSCONFDIR, "/var/lib/failcore",
                                              "/run/failcore"};
    enum exit_code code = EXIT_CODE_OK;

    for (size_t i = 0; code == EXIT_CODE_OK && i < startup->options.policy_count; i++) {
        const char *word = startup->options.policies[i];

        if (strchr(word, '/') != NULL ||
            str_view_ends_with(str_view_from(word), STR_VIEW_LITERAL(".yaml"))) {
            enum tree_relation relation = TREE_SAME;
            AUTO_FREE char *directory = strdup(word);
            char *slash = directory == NULL ? NULL : strrchr(directory, '/');

            if (directory == NULL) {
                return EXIT_CODE_FAILCORE_FAILED;
            }
            if (slash != NULL) {
                slash[slash == directory ? 1 : 0] = '\0';
            }
            /* A policy's directory may hold the workspace; the workspace may not hold a policy. */
            if (relation_with_source(startup, slash == NULL ? "." : directory, &relation) < 0 ||
                relation == TREE_SAME || relation == TREE_BELOW) {
                code = refuse_overlap("policy", word, startup->options.source, reterr);
            }
        }
    }
    for (size_t i = 0; code == EXIT_CODE_OK && !startup->tree_ready &&
                       i < sizeof(directories) / sizeof(directories[0]);
         i++) {
        code = check_disjoint("directory", directories[i], startup->options.source, reterr);
    }
    return code;
}

/*
 * Before a log writer is started, which would write there: neither the directory nor what it would
 * be made in lies in the source. Whatever else is wrong with it, attaching explains.
 */
enum exit_code startup_check_audit_place(const struct startup *startup, struct failure *reterr)
{
    enum tree_relation relation = TREE_SAME;
    char path[PATH_MAX];
    char place[PATH_MAX];
    bool exists = true;
    int r;

    if (startup->options.audit == NULL) {
        if (audit_directory_default(path, reterr) < 0) {
            return EXIT_CODE_FAILCORE_FAILED;
        }
    } else {
        snprintf(path, sizeof(path), "%s", startup->options.audit);
    }
    snprintf(place, sizeof(place), "%s", path);
    while ((r = relation_with_source(startup, place, &relation)) == -ENOENT) {
        char *slash = strrchr(place, '/');

        if (strcmp(place, ".") == 0 || strcmp(place, "/") == 0) {
            break;
        }
        exists = false;
        if (slash == NULL) {
            snprintf(place, sizeof(place), ".");
        } else {
            slash[slash == place ? 1 : 0] = '\0';
        }
    }
    if (r == 0 &&
        (relation == TREE_SAME || relation == TREE_BELOW || (relation == TREE_ABOVE && exists))) {
        return refuse_overlap("audit directory", path, startup->options.source, reterr);
    }
    return EXIT_CODE_OK;
}

enum exit_code startup_check_audit(const struct startup *startup, struct failure *reterr)
{
    const char *audit = audit_producer_directory(startup->audit);
    enum tree_relation relation = TREE_SAME;

    if (relation_with_source(startup, audit, &relation) < 0 || relation != TREE_DISJOINT) {
        return refuse_overlap("audit directory", audit, startup->options.source, reterr);
    }
    if (startup->mountpoint >= 0 && !startup->tree_ready &&
        (tree_relation_of_paths(audit, startup->mountpoint_path, &relation) < 0 ||
         relation == TREE_SAME || relation == TREE_BELOW)) {
        return refuse_overlap("audit directory", audit, startup->mountpoint_path, reterr);
    }
    return EXIT_CODE_OK;
}
