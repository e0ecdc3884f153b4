#include "shared/confine/file_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

/* One line of mountinfo: mount `id` shows `root` of the file system at `point`. */
struct mount_line {
    uint64_t id;
    struct file_place root;
    char point[PATH_MAX];
};

/* "\040" and its like, as the kernel writes blanks, tabs, line feeds and backslashes. */
static int unescape(const char *from, size_t length, char to[static PATH_MAX])
{
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        char c = from[i];

        if (c == '\\' && length - i > 3) {
            c = (char)((from[i + 1] - '0') * 64 + (from[i + 2] - '0') * 8 + (from[i + 3] - '0'));
            i += 3;
        }
        if (used + 1 >= PATH_MAX) {
            return -ENAMETOOLONG;
        }
        to[used++] = c;
    }
    to[used] = '\0';
    return 0;
}

/* "36 35 98:0 /root /point ..." */
static int parse(const char *text, struct mount_line *ret_line)
{
    char *end;
    const char *fields[2];
    size_t lengths[2];
    uint64_t major;
    int error;

    ret_line->id = strtoull(text, &end, 10);
    (void)strtoull(end, &end, 10); /* the parent */
    major = strtoull(end, &end, 10);
    if (*end != ':') {
        return -EBADMSG;
    }
    ret_line->root.device = major << 32 | strtoull(end + 1, &end, 10);
    for (int i = 0; i < 2; i++) {
        if (*end != ' ') {
            return -EBADMSG;
        }
        fields[i] = end + 1;
        lengths[i] = strcspn(fields[i], " \n");
        end += 1 + lengths[i];
    }
    error = unescape(fields[0], lengths[0], ret_line->root.path);
    return error < 0 ? error : unescape(fields[1], lengths[1], ret_line->point);
}

/* What follows `above` in `path`, or NULL when that does not lie there. "/" contains everything. */
static const char *rest_below(const char *above, const char *path)
{
    size_t length = strcmp(above, "/") == 0 ? 0 : strlen(above);

    if (strncmp(above, path, length) != 0 || (path[length] != '/' && path[length] != '\0')) {
        return NULL;
    }
    return path + length;
}

static int join(char to[static PATH_MAX], const char *above, const char *rest)
{
    const char *head = strcmp(above, "/") == 0 && rest[0] == '/' ? "" : above;
    int length = snprintf(to, PATH_MAX, "%s%s", head, strcmp(rest, "/") == 0 ? "" : rest);

    return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

bool file_place_contains(const struct file_place *above, const struct file_place *below,
                         const char **ret_rest)
{
    *ret_rest = above->device == below->device ? rest_below(above->path, below->path) : NULL;
    return *ret_rest != NULL;
}

static int path_of(int fd, char path[static PATH_MAX])
{
    char link[32];
    ssize_t length;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) {
        return -errno;
    }
    path[length] = '\0';
    return path[0] == '/' ? 0 : -ENOENT;
}

/* Calls until `visit` answers other than 0, which is the result. */
static int each_mount(int (*visit)(const struct mount_line *line, void *context), void *context)
{
    AUTO_FREE char *text = NULL;
    AUTO_FREE struct mount_line *line = malloc(sizeof(*line));
    size_t room = 0;
    FILE *file = line == NULL ? NULL : fopen("/proc/self/mountinfo", "re");
    int result = 0;

    if (file == NULL) {
        return line == NULL ? -ENOMEM : -errno;
    }
    while (result == 0 && getline(&text, &room, file) > 0) {
        result = parse(text, line);
        result = result < 0 ? result : visit(line, context);
    }
    if (result == 0 && ferror(file) != 0) {
        result = -EIO;
    }
    fclose(file);
    return result;
}

struct finding {
    uint64_t mount;
    char path[PATH_MAX];
    struct file_place *place;
};

static int find_mount(const struct mount_line *line, void *context)
{
    struct finding *finding = context;
    const char *rest;
    int error;

    if (line->id != finding->mount) {
        return 0;
    }
    rest = rest_below(line->point, finding->path);
    if (rest == NULL) {
        return -ENOENT; /* moved or unlinked this moment */
    }
    finding->place->device = line->root.device;
    error = join(finding->place->path, line->root.path, rest);
    return error < 0 ? error : 1;
}

int file_place_of(int fd, struct file_place *ret_place)
{
    AUTO_FREE struct finding *finding = malloc(sizeof(*finding));
    struct statx status;
    int found;

    if (finding == NULL) {
        return -ENOMEM;
    }
    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) < 0) {
        return -errno;
    }
    if ((status.stx_mask & STATX_MNT_ID) == 0) {
        return -ENOENT; /* before Linux 5.8 */
    }
    finding->mount = status.stx_mnt_id;
    finding->place = ret_place;
    found = path_of(fd, finding->path);
    found = found < 0 ? found : each_mount(find_mount, finding);
    return found > 0 ? 0 : found < 0 ? found : -ENOENT;
}

struct showing {
    const struct file_place *place;
    const char *tree;
    const char *except;
    char path[PATH_MAX];
};

/* Whether the place is seen through this mount of (a part of) its file system, in the tree. */
static int is_shown_by(const struct mount_line *line, void *context)
{
    struct showing *showing = context;
    const char *rest;
    int error = 0;

    if (file_place_contains(&line->root, showing->place, &rest)) {
        error = join(showing->path, line->point, rest);
    } else if (file_place_contains(showing->place, &line->root, &rest)) {
        snprintf(showing->path, sizeof(showing->path), "%s", line->point); /* a part of it */
    } else {
        return 0;
    }
    if (error < 0) {
        return error;
    }
    return rest_below(showing->tree, showing->path) != NULL &&
                   (showing->except == NULL || rest_below(showing->except, showing->path) == NULL)
               ? 1
               : 0;
}

int file_place_shown_in(const struct file_place *place, const char *tree, const char *except)
{
    AUTO_FREE struct showing *showing = malloc(sizeof(*showing));
    struct stat found;

    if (showing == NULL) {
        return -ENOMEM;
    }
    if (lstat(tree, &found) < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (!S_ISDIR(found.st_mode)) {
        return 0;
    }
    showing->place = place;
    showing->tree = tree;
    showing->except = except;
    return each_mount(is_shown_by, showing);
}
