#include "cli/run/view_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/run/test_hooks.h"
#include "cli/run/view.h"
#include "cli/run/view_files.h"
#include "cli/run/view_tables.h"
#include "shared/base/cleanup.h"
#include "shared/confine/mounts.h"

#define ROW_NAME(name) name,
static const char *const etc_names[] = {VIEW_ETC_TABLE(ROW_NAME)};
static const char *const device_names[] = {VIEW_DEVICE_TABLE(ROW_NAME)};
static const char *const written_names[] = {VIEW_WRITTEN_TABLE(ROW_NAME)};
#undef ROW_NAME

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define READ_ONLY (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define WRITTEN   (READ_ONLY | MOUNT_ATTR_NOEXEC)

static int fail(struct failure *reterr, int error, const char *what, const char *path)
{
    return failure_set(reterr, error, "cannot prepare the run's view: %s /%s: %s", what, path,
                       strerror(-error));
}

int view_mounts_copy(int directory, const char *source, uint64_t attributes)
{
    AUTO_CLOSE int mount = mount_copy(directory, source);
    int error;

    if (mount < 0) {
        return mount;
    }
    if (layer_is_off("read-only")) {
        attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
    }
    error = mount_restrict(mount, attributes, true);
    return error < 0 ? error : take_fd(&mount);
}

/* Takes the mount over; an error in its place is what is returned. */
static int keep(struct view_mounts *mounts, int mount, const char *path, struct failure *reterr)
{
    char *kept = mount < 0 ? NULL : strdup(path);

    if (mount < 0) {
        return fail(reterr, mount, "mount", path);
    }
    if (kept == NULL || mounts->count == VIEW_MOUNTS_MAX) {
        free(kept);
        close(mount);
        return fail(reterr, kept == NULL ? -ENOMEM : -E2BIG, "mount", path);
    }
    mounts->items[mounts->count].mount = mount;
    mounts->items[mounts->count++].path = kept;
    return 0;
}

/* What of the machine the name stands for; a link, or what this machine has not, is no mount. */
static int copy_of_machine(struct view_mounts *mounts, const struct view_tree *names,
                           const char *path, uint64_t attributes, struct failure *reterr)
{
    uint32_t index = view_tree_find(names, path + 1);

    return index != VIEW_NOWHERE && (names->names[index].kind == VIEW_DIRECTORY ||
                                     names->names[index].kind == VIEW_FILE)
               ? keep(mounts, view_mounts_copy(AT_FDCWD, path, attributes), path + 1, reterr)
               : 0;
}

static int make_system(struct view_mounts *mounts, const struct view_tree *names,
                       struct failure *reterr)
{
    char path[128];
    int error = 0;

    for (size_t i = 0; error == 0 && view_system_directories[i] != NULL; i++) {
        snprintf(path, sizeof(path), "/%s", view_system_directories[i]);
        error = copy_of_machine(mounts, names, path, READ_ONLY, reterr);
    }
    for (size_t i = 0; error == 0 && i < COUNT(etc_names); i++) {
        snprintf(path, sizeof(path), "/etc/%s", etc_names[i]);
        error = copy_of_machine(mounts, names, path, READ_ONLY | MOUNT_ATTR_NOEXEC, reterr);
    }
    for (size_t i = 0; error == 0 && i < COUNT(device_names); i++) {
        snprintf(path, sizeof(path), "/dev/%s", device_names[i]);
        error = copy_of_machine(mounts, names, path, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, reterr);
    }
    return error;
}

static int new_tmpfs(mode_t mode, const struct identity *owner, uint64_t attributes)
{
    char uid[16];
    char gid[16];
    char mode_text[8];
    const struct mount_setting settings[] = {
        {"mode", mode_text}, {"uid", uid},        {"gid", gid},
        {"size", "25%"},     {"source", "tmpfs"}, {"nr_inodes", "1048576"},
    };

    snprintf(uid, sizeof(uid), "%u", owner->worker_uid);
    snprintf(gid, sizeof(gid), "%u", owner->worker_gid);
    snprintf(mode_text, sizeof(mode_text), "%o", (unsigned int)mode);
    return mount_new("tmpfs", settings, COUNT(settings),
                     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | attributes);
}

static int make_private(struct view_mounts *mounts, const struct run_plan *plan,
                        struct failure *reterr)
{
    const struct mount_setting pts[] = {
        {"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", "0600"}, {"source", "devpts"}};
    /* A list of executables is only one where nothing new can be executed. */
    const uint64_t writable = plan->executables.allow_list ? MOUNT_ATTR_NOEXEC : 0;
    const struct identity *owner = &plan->identity;
    int error =
        keep(mounts, mount_new("devpts", pts, COUNT(pts), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC),
             "dev/pts", reterr);

    error = error < 0 ? error
                      : keep(mounts, new_tmpfs(01777, owner, MOUNT_ATTR_NOEXEC), "dev/shm", reterr);
    error = error < 0 ? error : keep(mounts, new_tmpfs(01777, owner, writable), "tmp", reterr);
    return error < 0 ? error
                     : keep(mounts, new_tmpfs(0700, owner, writable), plan->home + 1, reterr);
}

static int copy_written(struct view_mounts *mounts, int files, const struct run_plan *plan,
                        const char *resolver, struct failure *reterr)
{
    static const char nothing[] = ".covered";
    int error = view_files_write(files, plan, resolver, reterr);
    char path[64];

    for (size_t i = 0; error == 0 && i < COUNT(written_names); i++) {
        snprintf(path, sizeof(path), "etc/%s", written_names[i]);
        error = keep(mounts, view_mounts_copy(files, written_names[i], WRITTEN), path, reterr);
    }
    if (error < 0 || plan->executables.count == 0) {
        return error;
    }
    error = place_make_file(files, nothing, NULL, 0, 0000);
    mounts->cover = error < 0 ? error : view_mounts_copy(files, nothing, WRITTEN);
    return mounts->cover < 0 ? fail(reterr, mounts->cover, "make", nothing) : 0;
}

/* Their file system has no place in the run: it is mounted, since only then can parts of it be
 * copied, and taken away again. */
static int make_written(struct view_mounts *mounts, const struct run_plan *plan,
                        const char *resolver, struct failure *reterr)
{
    const struct mount_setting settings[] = {
        {"mode", "0755"}, {"size", "1m"}, {"nr_inodes", "64"}, {"source", "failcore"}};
    AUTO_CLOSE int files =
        mount_new("tmpfs", settings, COUNT(settings), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    int error = files < 0 ? files : mount_attach_on_top(files);

    if (error < 0) {
        return fail(reterr, error, "mount", "the files of the run's own");
    }
    error = copy_written(mounts, files, plan, resolver, reterr);
    if (error < 0) {
        return error;
    }
    error = mount_detach(files);
    return error < 0 ? fail(reterr, error, "unmount", "the files of the run's own") : 0;
}

int view_mounts_make(const struct run_plan *plan, const struct view_tree *names,
                     const char *resolver, struct view_mounts *mounts, struct failure *reterr)
{
    int error = make_system(mounts, names, reterr);

    error = error < 0 ? error : make_private(mounts, plan, reterr);
    return error < 0 ? error : make_written(mounts, plan, resolver, reterr);
}

int view_mounts_attach(const struct view_mounts *mounts, const struct run_plan *plan, int root,
                       struct failure *reterr)
{
    for (size_t i = 0; i < mounts->count; i++) {
        const char *path = mounts->items[i].path;
        /* The home may lie in /tmp, which is another one by now. */
        int error = strcmp(path, plan->home + 1) == 0 ? place_make_directory(root, path, 0755) : 0;

        error = error < 0 ? error : mount_attach(mounts->items[i].mount, root, path);
        if (error < 0) {
            return fail(reterr, error, "mount", path);
        }
    }
    return 0;
}

void view_mounts_clear(struct view_mounts *mounts)
{
    for (size_t i = 0; i < mounts->count; i++) {
        close(mounts->items[i].mount);
        free(mounts->items[i].path);
    }
    close_fd(&mounts->cover);
    mounts->count = 0;
}
