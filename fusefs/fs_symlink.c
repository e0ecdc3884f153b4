#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "fusefs/link_target.h"
#include "fusefs/operations.h"
#include "shared/base/cleanup.h"
#include "shared/policy/run_settings.h"

/* Places of the machine that the policy shows every run, and none can write. */
static bool is_shown_read_only(const struct policy *policy, struct str_view target)
{
    size_t count = policy_run_list_count(policy, RUN_READ_ONLY);

    for (size_t i = 0; i < count; i++) {
        if (link_target_is_below(target, policy_run_list_item(policy, RUN_READ_ONLY, i))) {
            return true;
        }
    }
    return false;
}

/* 1 when a link with this text would leave the workspace from where the side is. */
static int leaves(const struct fs_request *request, unsigned int side, struct str_view target)
{
    AUTO(text_buffer_clear) struct text_buffer path = {0};
    const struct tree_options *options = &request->tree->options;
    const char *places[] = {options->shown_at, options->shown_to_run_at};
    bool stays = false;

    fs_request_path(request, side, &path);
    if (text_buffer_error(&path) < 0) {
        return -ENOMEM;
    }
    for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]) && !stays; i++) {
        stays = !link_target_leaves(target, text_buffer_view(&path),
                                    places[i] == NULL ? (struct str_view){0}
                                                      : str_view_from(places[i]));
    }
    if (stays) {
        return 0;
    }
    return target.bytes[0] != '/' || !is_shown_read_only(request->policy, target);
}

static bool may_leave(const struct fs_request *request)
{
    return policy_fs_settings(request->policy).outside_links == OUTSIDE_LINKS_ALLOW;
}

static int refuse(struct fs_request *request)
{
    return fs_gate_refuse(request, DENIAL_LINK_ESCAPE, "the symbolic link leaves the workspace");
}

int fs_symlink_check(struct fs_request *request, unsigned int side, const char *target)
{
    int r;

    if (may_leave(request)) {
        return 0;
    }
    r = leaves(request, side, str_view_from(target));
    return r > 0 ? refuse(request) : r;
}

int fs_symlink_check_moved(struct fs_request *request, unsigned int from, unsigned int side,
                           int directory, const char *name)
{
    char text[PATH_MAX];
    struct str_view target = {.bytes = text};
    ssize_t length;
    int r;

    if (may_leave(request)) {
        return 0;
    }
    length = readlinkat(directory, name, text, sizeof(text));
    if (length < 0) {
        return errno == EINVAL || errno == ENOENT ? 0 : -errno; /* no link, or nothing */
    }
    if ((size_t)length == sizeof(text)) {
        return -ENAMETOOLONG;
    }
    target.length = (size_t)length;
    r = leaves(request, side, target);
    if (r <= 0) {
        return r;
    }
    /* One that led outside before may be tidied away; nothing new leaves by that. */
    r = leaves(request, from, target);
    return r == 0 ? refuse(request) : r < 0 ? r : 0;
}
