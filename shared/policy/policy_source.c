#include "shared/policy/policy_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/program_path.h"
#include "shared/policy/document.h"
#include "shared/policy/policy_reader.h"

static bool ends_in(const char *word, const char *ending)
{
    return str_view_ends_with(str_view_from(word), str_view_from(ending));
}

bool policy_word_is_path(const char *word)
{
    return strchr(word, '/') != NULL || ends_in(word, ".yaml") || ends_in(word, ".yml") ||
           ends_in(word, ".json");
}

static void set_path(char path[static PATH_MAX], const char *directory, const char *rest)
{
    int length = snprintf(path, PATH_MAX, "%s%s", directory, rest);

    if (length < 0 || length >= PATH_MAX) {
        path[0] = '\0';
    }
}

struct policy_directories policy_directories_default(void)
{
    struct policy_directories directories = {0};
    const char *config = secure_getenv("XDG_CONFIG_HOME");
    const char *home = secure_getenv("HOME");
    char data[PATH_MAX];
    char resolved[PATH_MAX];

    if (program_path_data(data) == 0 && realpath(data, resolved) != NULL) {
        set_path(directories.path[PLACE_VENDOR], resolved, "/policies");
    }
    set_path(directories.path[PLACE_SYSTEM], FAILCORE_SYSCONFDIR, "/policies");
    /* Relative ones are to be ignored, says the XDG base directory specification. */
    if (config != NULL && config[0] == '/') {
        set_path(directories.path[PLACE_USER], config, "/failcore/policies");
    } else if (home != NULL && home[0] == '/') {
        set_path(directories.path[PLACE_USER], home, "/.config/failcore/policies");
    }
    return directories;
}

void policy_bytes_clear(struct policy_bytes *bytes)
{
    text_buffer_clear(&bytes->text);
}

static int check_trust(const struct stat *status, const char *path, struct failure *reterr)
{
    if (!S_ISREG(status->st_mode)) {
        failure_set(reterr, -EINVAL, "%s is not a regular file", path);
        failure_set_mend(reterr, "give a file, or the policy on standard input with -");
        return -EINVAL;
    }
    if (status->st_uid != 0 && status->st_uid != geteuid()) {
        failure_set(reterr, -EINVAL, "%s belongs to uid %u: a policy is root's or the caller's",
                    path, (unsigned int)status->st_uid);
        failure_set_mend(reterr, "copy it, read the copy, and use that");
        return -EINVAL;
    }
    if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        failure_set(reterr, -EINVAL, "%s can be written by others than its owner", path);
        failure_set_mend(reterr, "chmod go-w %s", path);
        return -EINVAL;
    }
    return 0;
}

static int cannot_read(const char *from, int error, struct failure *reterr)
{
    failure_set_needed(reterr, "%s:1:1", from);
    if (error == -EFBIG) {
        failure_set_mend(reterr, "split the policy, or write fewer and wider patterns");
        return failure_set(reterr, -EINVAL, "a policy of more than 16 MiB");
    }
    return failure_set(reterr, error, "cannot read the policy %s: %s", from, strerror(-error));
}

static int read_file(const char *path, struct policy_bytes *ret_bytes, struct failure *reterr)
{
    /* O_NONBLOCK: a FIFO must not hold us before fstat says what it is. */
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;
    int error;

    if (fd < 0 || fstat(fd, &status) < 0) {
        error = -errno;
        failure_set(reterr, error, "cannot read the policy %s: %s", path, strerror(-error));
        failure_set_mend(reterr, "failcore policy list names the installed policies");
        return error;
    }
    error = check_trust(&status, path, reterr);
    if (error < 0) {
        return error;
    }
    error = read_to_end(fd, DOCUMENT_BYTES_MAX, &ret_bytes->text);
    if (error < 0) {
        return cannot_read(path, error, reterr);
    }
    snprintf(ret_bytes->path, sizeof(ret_bytes->path), "%s", path);
    ret_bytes->device = status.st_dev;
    ret_bytes->inode = status.st_ino;
    return 0;
}

static int read_standard_input(struct policy_bytes *ret_bytes, struct failure *reterr)
{
    int error = read_to_end(STDIN_FILENO, DOCUMENT_BYTES_MAX, &ret_bytes->text);

    if (error < 0) {
        return cannot_read("<stdin>", error, reterr);
    }
    snprintf(ret_bytes->path, sizeof(ret_bytes->path), "<stdin>");
    return 0;
}

/* The last place that has the name: the user's before the system's before the vendor's. */
static int read_named(const char *name, const struct policy_directories *directories,
                      struct policy_bytes *ret_bytes, struct failure *reterr)
{
    char path[PATH_MAX];

    for (size_t place = PLACE_COUNT; place-- > 0;) {
        const char *directory = directories->path[place];
        int length = snprintf(path, sizeof(path), "%s/%s.yaml", directory, name);

        if (directory[0] == '\0' || length < 0 || (size_t)length >= sizeof(path)) {
            continue;
        }
        if (access(path, F_OK) == 0 || errno != ENOENT) {
            return read_file(path, ret_bytes, reterr);
        }
    }
    failure_set(reterr, -ENOENT, "no policy is called %s", name);
    failure_set_mend(reterr,
                     "failcore policy list names the installed policies; a file is given "
                     "with a slash: ./%s.yaml",
                     name);
    return -ENOENT;
}

int policy_source_read(const char *word, const char *base,
                       const struct policy_directories *directories, struct policy_bytes *ret_bytes,
                       struct failure *reterr)
{
    char path[PATH_MAX];

    if (strcmp(word, "-") == 0) {
        return read_standard_input(ret_bytes, reterr);
    }
    if (policy_word_is_path(word)) {
        bool below = word[0] != '/' && base[0] != '\0';
        int length =
            snprintf(path, sizeof(path), "%s%s%s", below ? base : "", below ? "/" : "", word);

        if (length < 0 || (size_t)length >= sizeof(path)) {
            return failure_set(reterr, -ENAMETOOLONG, "the path of a policy is too long");
        }
        return read_file(path, ret_bytes, reterr);
    }
    if (!policy_name_is_valid(str_view_from(word), false)) {
        failure_set(reterr, -EINVAL, "\"%s\" is not the name of a policy", word);
        failure_set_mend(reterr, "names have lower-case letters, digits, - and _; a file is given "
                                 "with a slash or ends in .yaml");
        return -EINVAL;
    }
    return read_named(word, directories, ret_bytes, reterr);
}
