/*
 * Mounts by descriptor (fsopen(2), open_tree(2), move_mount(2), mount_setattr(2)): made detached,
 * restricted, and only then attached, so that nobody ever sees one half done.
 *
 * Every path is looked up below a directory descriptor and no link in it is followed.
 * Errors: negative errno.
 */
#ifndef FAILCORE_CONFINE_MOUNTS_H
#define FAILCORE_CONFINE_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/types.h>

struct mount_setting {
    const char *key;
    const char *value; /* NULL: a flag */
};

/* A new file system of `type`, detached, with MOUNT_ATTR_* words. */
int mount_new(const char *type, const struct mount_setting *settings, size_t count,
              uint64_t attributes);

/* A detached copy of what is at `path` below `directory`, "" being that itself (a directory with
 * all mounts below, or a file). */
int mount_copy(int directory, const char *path);

/* Sets MOUNT_ATTR_* words on a mount, and on all below it. Never clears one. */
int mount_restrict(int mount, uint64_t attributes, bool recursive);

/* Puts a detached mount over what is at `path` below `root`; "" is `root` itself. */
int mount_attach(int mount, int root, const char *path);

/* Over this process's own root: no directory of the machine has to exist or is covered. */
int mount_attach_on_top(int mount);

/* Takes a mount away that nothing is mounted in; what was copied of it stays where it is. The
 * working directory is "/" afterwards. */
int mount_detach(int mount);

/* Nothing mounted here reaches another namespace, nor the reverse. */
int mount_isolate_all(void);

/* The process's root becomes `root`, a mounted directory; the old one is gone. */
int mount_become_root(int root);

/* ---- places to attach to, made below `root` (no link in `path` is followed) --------------------
 */

/* Like mkdir -p; directories that exist stay as they are. */
int place_make_directory(int root, const char *path, mode_t mode);
/* An empty file with the bytes; the parent must exist. -EEXIST. */
int place_make_file(int root, const char *path, const void *bytes, size_t length, mode_t mode);
/* O_PATH descriptor of what is there. */
int place_open(int root, const char *path);
/* Reads a directory's listing to its end, so that the kernel knows what is in it. */
int place_list(int root, const char *path);

#endif
