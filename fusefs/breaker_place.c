#include "fusefs/breaker_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fusefs/breaker_survey.h"
#include "fusefs/control_socket.h"
#include "shared/base/cleanup.h"

#define NAME_MAX_BYTES 96

static int open_directory(void)
{
    char path[80];
    int r = control_directory(path, sizeof(path));
    int fd;

    if (r < 0) {
        return r;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int name_of(const struct tree *tree, char name[static NAME_MAX_BYTES])
{
    struct statx status;
    int r = tree_status_of(tree->root_fd, &status);

    if (r == 0) {
        /* With its birth time: the number of a directory that is gone is used again. */
        snprintf(name, NAME_MAX_BYTES, "breaker-%u-%u-%llu-%lld.%u", status.stx_dev_major,
                 status.stx_dev_minor, (unsigned long long)status.stx_ino,
                 (long long)status.stx_btime.tv_sec, status.stx_btime.tv_nsec);
    }
    return r;
}

/* A mount whose policy has no breaker leaves no file; one that has tripped before is found. */
static int open_own(const struct tree *tree, const struct mount_options *options,
                    const struct policy *policy, struct breaker_board **ret_board)
{
    AUTO_CLOSE int directory = open_directory();
    AUTO_CLOSE int unused = -1;
    char name[NAME_MAX_BYTES];
    int r;

    r = name_of(tree, name);
    if (r < 0) {
        return r;
    }
    if (options->session_fd >= 0 || directory < 0 ||
        (policy_breaker_count(policy) == 0 && faccessat(directory, name, F_OK, 0) < 0)) {
        return breaker_board_new(ret_board, &unused);
    }
    return breaker_board_open_file(directory, name, ret_board);
}

int breaker_place_open(struct tree *tree, const struct mount_options *options,
                       struct policy *policy)
{
    struct breaker_board *board = NULL;
    int r = options->breaker_fd >= 0 ? breaker_board_attach(options->breaker_fd, &board)
                                     : open_own(tree, options, policy, &board);

    if (r < 0) {
        return r;
    }
    breaker_init(&tree->breaker, board, tree->audit, options->breaker_alarm_fd);
    breaker_set_survey(&tree->breaker, breaker_survey_tree, tree);
    return breaker_set_policy(&tree->breaker, policy);
}

void breaker_place_leave(const struct tree *tree, const struct mount_options *options)
{
    char name[NAME_MAX_BYTES];

    if (options->breaker_fd < 0 && !breaker_tripped(&tree->breaker) && name_of(tree, name) == 0) {
        AUTO_CLOSE int directory = open_directory();

        if (directory >= 0) {
            (void)unlinkat(directory, name, 0);
        }
    }
}
