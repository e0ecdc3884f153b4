#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/run/view.h"
#include "cli/run/view_tables.h"
#include "shared/base/cleanup.h"
#include "shared/confine/file_place.h"

#define ROW_NAME(name) name,
const char *const view_system_directories[] = {VIEW_SYSTEM_TABLE(ROW_NAME) NULL};
#undef ROW_NAME

static const struct {
    const char *path;
    bool below_too;
} reserved[] = {
#define ROW_RESERVED(path, below_too) {path, below_too},
    VIEW_RESERVED_TABLE(ROW_RESERVED)
#undef ROW_RESERVED
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_below(const char *path, const char *parent)
{
    size_t length = strlen(parent);

    return strncmp(path, parent, length) == 0 && path[length] == '/';
}

int view_check_mount_path(const char *path, struct failure *reterr)
{
    if (path[0] != '/' || path[1] == '\0') {
        failure_set(reterr, -EINVAL, "the workspace cannot be mounted at %s", path);
        failure_set_mend(reterr, "give --mount an absolute path that is not /");
        return -EINVAL;
    }
    for (size_t i = 0; i < COUNT(reserved); i++) {
        if (strcmp(path, reserved[i].path) == 0 || is_below(reserved[i].path, path) ||
            (reserved[i].below_too && is_below(path, reserved[i].path))) {
            failure_set(reterr, -EINVAL,
                        "the workspace cannot be mounted at %s: %s is the run's own", path,
                        reserved[i].path);
            failure_set_mend(reterr, "--mount /workspace");
            return -EINVAL;
        }
    }
    return 0;
}

bool view_is_machine_state(const char *path)
{
    return is_below(path, "/sys");
}

int view_check_workspace(const struct run_plan *plan, struct failure *reterr)
{
    AUTO_FREE struct file_place *place = malloc(sizeof(*place));
    const char *workspace = plan->workspace, *mount_path = plan->mount_path;
    int error = place == NULL ? -ENOMEM : file_place_of(plan->workspace_fd, place);

    for (size_t i = 0; error == 0 && i < COUNT(view_system_directories); i++) {
        const char *name = view_system_directories[i] == NULL ? "etc" : view_system_directories[i];
        char tree[64];

        snprintf(tree, sizeof(tree), "/%s", name);
        error = file_place_shown_in(place, tree, mount_path);
        if (error > 0) {
            failure_set(reterr, -EACCES, "%s is also seen in %s, which every run can read",
                        workspace, tree);
            failure_set_needed(reterr, "what the policy denies must not be read by another name");
            failure_set_mend(reterr, strcmp(workspace, mount_path) == 0
                                         ? "keep the workspace elsewhere"
                                         : "leave --mount out, or keep the workspace elsewhere");
            return -EACCES;
        }
    }
    /* Not listed (a chroot): its path is all there is to go by. */
    if (error == -ENOENT && (strcmp(workspace, mount_path) == 0 ||
                             (!is_below(workspace, "/usr") && !is_below(workspace, "/etc")))) {
        return 0;
    }
    return error < 0 ? failure_set(reterr, error, "cannot find %s among the mounts: %s", workspace,
                                   strerror(-error))
                     : 0;
}
