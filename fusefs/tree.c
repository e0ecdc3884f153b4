#include "fusefs/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "shared/base/cleanup.h"

#define SHOWN_DIRECTORY_BYTES 4096
#define STATUS_MASK           (STATX_BASIC_STATS | STATX_BTIME)

int tree_status_at(int directory, const char *name, struct statx *ret_status)
{
    if (statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_SYNC_AS_STAT,
              STATUS_MASK, ret_status) < 0) {
        return -errno;
    }
    return 0;
}

int tree_status_of(int fd, struct statx *ret_status)
{
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_SYNC_AS_STAT, STATUS_MASK, ret_status) < 0) {
        return -errno;
    }
    return 0;
}

int tree_init(struct tree *tree, int root_fd, struct policy *policy, struct audit_producer *audit,
              const struct tree_options *options)
{
    struct statx status;
    int r;

    *tree = (struct tree){
        .audit = audit,
        .options = *options,
        .root_fd = root_fd,
        .proc_fd = -1,
        .breaker = {.audit = audit, .alarm = -1},
    };
    disk_budget_init(&tree->disk, UINT64_MAX, -1);
    made_set_init(&tree->made);
    removed_names_init(&tree->removed);
    r = tree_status_of(root_fd, &status);
    if (r < 0) {
        return r;
    }
    tree->owner_uid = status.stx_uid;
    tree->owner_gid = status.stx_gid;
    tree->root_type = (mode_t)status.stx_mode & S_IFMT;
    if (tree->root_type != S_IFDIR) {
        return -ENOTDIR;
    }
    /* Opened before confinement: no path leads to /proc afterwards. */
    tree->proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (tree->proc_fd < 0) {
        return -errno;
    }
    denials_init(&tree->denials);
    pthread_mutex_init(&tree->link_scan_lock, NULL);
    pthread_mutex_init(&tree->listing_lock, NULL);
    descriptor_cache_init(&tree->descriptors, options->descriptors_kept);
    open_file_table_init(&tree->files);
    r = node_table_init(&tree->nodes, policy, &status, &tree->descriptors);
    if (r < 0) {
        close_fd(&tree->proc_fd);
    }
    return r;
}

void tree_clear(struct tree *tree)
{
    open_file_table_clear(&tree->files);
    node_table_clear(&tree->nodes);
    made_set_clear(&tree->made);
    breaker_clear(&tree->breaker);
    close_fd(&tree->proc_fd);
    close_fd(&tree->root_fd);
}

const char *tree_fd_text(int fd, char text[static TREE_FD_TEXT_MAX])
{
    snprintf(text, TREE_FD_TEXT_MAX, "%d", fd);
    return text;
}

/* One link says that subdirectories are not counted, as btrfs does; a removed one has none. */
static void hide_counts(struct stat *stat)
{
    stat->st_nlink = stat->st_nlink > 0;
    stat->st_size = SHOWN_DIRECTORY_BYTES;
    stat->st_blocks = SHOWN_DIRECTORY_BYTES / 512;
}

void tree_fill_stat(const struct tree *tree, const struct statx *status, struct stat *ret_stat)
{
    const struct tree_options *options = &tree->options;

    *ret_stat = (struct stat){
        .st_ino = status->stx_ino,
        .st_mode = status->stx_mode,
        .st_nlink = status->stx_nlink,
        .st_uid = status->stx_uid,
        .st_gid = status->stx_gid,
        .st_rdev = makedev(status->stx_rdev_major, status->stx_rdev_minor),
        .st_size = (off_t)status->stx_size,
        .st_blksize = (blksize_t)status->stx_blksize,
        .st_blocks = (blkcnt_t)status->stx_blocks,
        .st_atim = {status->stx_atime.tv_sec, status->stx_atime.tv_nsec},
        .st_mtim = {status->stx_mtime.tv_sec, status->stx_mtime.tv_nsec},
        .st_ctim = {status->stx_ctime.tv_sec, status->stx_ctime.tv_nsec},
    };
    if (S_ISDIR(ret_stat->st_mode) && atomic_load(&tree->nodes.may_hide)) {
        hide_counts(ret_stat);
    }
    if (options->owner_is_shown) {
        ret_stat->st_uid = status->stx_uid == tree->owner_uid ? options->shown_uid : SHOWN_NOBODY;
        ret_stat->st_gid = status->stx_gid == tree->owner_gid ? options->shown_gid : SHOWN_NOBODY;
    }
}

int tree_owner_from_shown(const struct tree *tree, uid_t shown_uid, gid_t shown_gid, uid_t *ret_uid,
                          gid_t *ret_gid)
{
    const struct tree_options *options = &tree->options;

    *ret_uid = shown_uid;
    *ret_gid = shown_gid;
    if (!options->owner_is_shown) {
        return 0;
    }
    if ((shown_uid != (uid_t)-1 && shown_uid != options->shown_uid) ||
        (shown_gid != (gid_t)-1 && shown_gid != options->shown_gid)) {
        return -EPERM;
    }
    *ret_uid = shown_uid == (uid_t)-1 ? shown_uid : tree->owner_uid;
    *ret_gid = shown_gid == (gid_t)-1 ? shown_gid : tree->owner_gid;
    return 0;
}

int tree_enter_caller(const struct tree *tree, const struct caller *caller,
                      enum caller_groups groups, struct acting *ret_acting)
{
    if (!tree->options.shared) {
        *ret_acting = (struct acting){0};
        return 0;
    }
    return caller_enter(caller, groups, ret_acting);
}
