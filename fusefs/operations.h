/*
 * What can be asked of the mount: one plain function per request, without libfuse, so that a unit
 * test calls it on a directory.
 *
 * Each passes fs_gate() before it touches the backing tree. Results are 0 or negative errno.
 * An entry given out is one reference of the kernel (fs_forget gives it back).
 */
#ifndef FAILCORE_FUSEFS_OPERATIONS_H
#define FAILCORE_FUSEFS_OPERATIONS_H

#include <sys/statvfs.h>
#include <time.h>

#include "fusefs/directory_stream.h"
#include "fusefs/fs_request.h"

struct fs_entry {
    uint64_t node;
    struct statx status;
    bool absent; /* -ENOENT because nothing is there: may be remembered; a refusal may not */
};

/* ---- names and objects (fs_lookup.c) -------------------------------------------------------- */

int fs_lookup(struct tree *tree, const struct caller *caller, uint64_t directory,
              struct str_view name, struct fs_entry *ret_entry);
void fs_forget(struct tree *tree, uint64_t node, uint64_t count);
/* `handle` 0: none. */
int fs_getattr(struct tree *tree, const struct caller *caller, uint64_t node, uint64_t handle,
               struct statx *ret_status);
int fs_access(struct tree *tree, const struct caller *caller, uint64_t node, int mask);
/* The target's length; `target` is not terminated. */
ssize_t fs_readlink(struct tree *tree, const struct caller *caller, uint64_t node, char *target,
                    size_t size);
int fs_statfs(struct tree *tree, const struct caller *caller, uint64_t node,
              struct statvfs *ret_status);

/*
 * For operations on a name that was judged and that the request has made: its object becomes an
 * entry. A change of policy meanwhile is no reason to fail.
 */
int fs_enter_made(struct fs_request *request, unsigned int side, int directory,
                  struct fs_entry *ret_entry);
/*
 * Symbolic links that leave the workspace (fs_symlink.c): refused where one is made, and where one
 * that did not leave it comes to lie where it does. `side` is where it will be, `from` where it is,
 * `directory` and `name` lead there now; of a node "" is the name and `directory` its descriptor.
 */
int fs_symlink_check(struct fs_request *request, unsigned int side, const char *target);
int fs_symlink_check_moved(struct fs_request *request, unsigned int from, unsigned int side,
                           int directory, const char *name);
/* Refuses a mode that lets an executable run as somebody else, unless the policy says setuid. */
int fs_gate_set_id(struct fs_request *request, mode_t from, mode_t to);

/* ---- attributes (fs_attributes.c) ----------------------------------------------------------- */

enum fs_attribute {
    FS_SET_MODE = 1 << 0,
    FS_SET_UID = 1 << 1,
    FS_SET_GID = 1 << 2,
    FS_SET_SIZE = 1 << 3,
    FS_SET_ATIME = 1 << 4,
    FS_SET_MTIME = 1 << 5,
};
struct fs_attributes {
    unsigned int set; /* enum fs_attribute */
    mode_t mode;
    uid_t uid;
    gid_t gid;
    off_t size;
    struct timespec times[2]; /* access, modification; UTIME_NOW is fine */
};
int fs_setattr(struct tree *tree, const struct caller *caller, uint64_t node, uint64_t handle,
               const struct fs_attributes *attributes, struct statx *ret_status);

/* Only user.* is carried; the rest is EOPNOTSUPP (docs/ARCHITECTURE.md says why). */
ssize_t fs_getxattr(struct tree *tree, const struct caller *caller, uint64_t node, const char *name,
                    void *value, size_t size);
ssize_t fs_listxattr(struct tree *tree, const struct caller *caller, uint64_t node, char *names,
                     size_t size);
int fs_setxattr(struct tree *tree, const struct caller *caller, uint64_t node, const char *name,
                const void *value, size_t size, int flags);
int fs_removexattr(struct tree *tree, const struct caller *caller, uint64_t node, const char *name);

/* ---- making and removing names (fs_change.c, fs_rename.c) ----------------------------------- */

int fs_mkdir(struct tree *tree, const struct caller *caller, uint64_t directory,
             struct str_view name, mode_t mode, struct fs_entry *ret_entry);
int fs_mknod(struct tree *tree, const struct caller *caller, uint64_t directory,
             struct str_view name, mode_t mode, dev_t device, struct fs_entry *ret_entry);
int fs_symlink(struct tree *tree, const struct caller *caller, const char *target,
               uint64_t directory, struct str_view name, struct fs_entry *ret_entry);
int fs_unlink(struct tree *tree, const struct caller *caller, uint64_t directory,
              struct str_view name);
int fs_rmdir(struct tree *tree, const struct caller *caller, uint64_t directory,
             struct str_view name);
int fs_link(struct tree *tree, const struct caller *caller, uint64_t node, uint64_t directory,
            struct str_view name, struct fs_entry *ret_entry);
/* `flags` as renameat2(2) has them. */
int fs_rename(struct tree *tree, const struct caller *caller, uint64_t old_directory,
              struct str_view old_name, uint64_t new_directory, struct str_view new_name,
              unsigned int flags);

/* ---- open files (fs_open.c, fs_io.c) -------------------------------------------------------- */

/* The handle is *ret_file; borrowed until fs_release. */
int fs_open(struct tree *tree, const struct caller *caller, uint64_t node, int flags,
            uint64_t *ret_handle);
int fs_create(struct tree *tree, const struct caller *caller, uint64_t directory,
              struct str_view name, int flags, mode_t mode, struct fs_entry *ret_entry,
              uint64_t *ret_handle);
/*
 * open(2) with O_TMPFILE: a file in `directory` that has no name yet (fs_tmpfile.c). It is judged
 * as TMPFILE_NAME there would be; fs_link() gives it a name, which is to create that name.
 */
#define TMPFILE_NAME "#tmpfile"
int fs_tmpfile(struct tree *tree, const struct caller *caller, uint64_t directory, int flags,
               mode_t mode, struct fs_entry *ret_entry, uint64_t *ret_handle);
void fs_release(struct tree *tree, const struct caller *caller, uint64_t handle);

ssize_t fs_read(struct tree *tree, const struct caller *caller, uint64_t handle, void *bytes,
                size_t size, off_t offset);
/* `ret_set_id`, where bytes were written: the file was opened with set-id bits, which are gone. */
ssize_t fs_write(struct tree *tree, const struct caller *caller, uint64_t handle, const void *bytes,
                 size_t size, off_t offset, bool *ret_set_id);
int fs_fsync(struct tree *tree, const struct caller *caller, uint64_t handle, bool data_only);
int fs_fallocate(struct tree *tree, const struct caller *caller, uint64_t handle, int mode,
                 off_t offset, off_t length);
off_t fs_lseek(struct tree *tree, const struct caller *caller, uint64_t handle, off_t offset,
               int whence);
ssize_t fs_copy_file_range(struct tree *tree, const struct caller *caller, uint64_t from,
                           off_t from_offset, uint64_t to, off_t to_offset, size_t length,
                           unsigned int flags);

/* ---- directories (fs_directory.c) ----------------------------------------------------------- */

int fs_opendir(struct tree *tree, const struct caller *caller, uint64_t node, bool *ret_kept,
               uint64_t *ret_handle);
/* Of an open directory: a descriptor that reads it, borrowed from the file. */
int fs_listing_open(struct tree *tree, struct open_file *file, int *ret_fd);

struct fs_listing_entry {
    struct directory_entry raw;
    uint64_t node; /* an entry was given out; 0: none */
    struct statx status;
};
/*
 * Calls `add` for each entry from `position` on until it answers false (that entry is not taken)
 * or the end. With `plus` each entry that may be looked up is given out as by fs_lookup().
 */
typedef bool (*fs_listing_add)(void *context, const struct fs_listing_entry *entry);
int fs_readdir(struct tree *tree, const struct caller *caller, uint64_t handle, uint64_t position,
               bool plus, fs_listing_add add, void *context);

#endif
