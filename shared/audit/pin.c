#include "shared/audit/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/audit/signed_head.h"
#include "shared/audit/state_directory.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define PLACE_NAME_MAX 24

/* "<last part of the origin>.pin" */
static void pin_name(const struct note_key *key, char name[static ORIGIN_MAX + 8])
{
    const char *slash = strrchr(key->name, '/');

    snprintf(name, ORIGIN_MAX + 8, "%s.pin", slash == NULL ? key->name : slash + 1);
}

/* Which pin is that of a directory: "<16 digits of its path's hash>.of" holds the pin's name. The
 * directory itself may be empty by then. */
static int place_name(const char *directory, struct sha256 *sha, char name[static PLACE_NAME_MAX])
{
    AUTO_FREE char *path = realpath(directory, NULL);
    uint8_t hash[SHA256_SIZE];
    int error;

    if (path == NULL) {
        return -errno;
    }
    error = sha256_of(sha, path, strlen(path), hash);
    hex_encode(hash, 8, name);
    memcpy(name + 16, ".of", sizeof(".of"));
    return error;
}

static int read_key(const char *directory, struct sha256 *sha, struct note_key *ret_key,
                    int *ret_fd, struct failure *reterr)
{
    AUTO_CLOSE int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error;

    if (fd < 0) {
        return failure_set(reterr, -errno, "cannot open %s: %s", directory, strerror(errno));
    }
    error = audit_key_read(fd, NULL, sha, ret_key, reterr);
    if (error == 0) {
        *ret_fd = take_fd(&fd);
    }
    return error;
}

static int write_pin(int pins, const char *name, struct str_view note)
{
    AUTO_CLOSE int fd = -1;
    char temporary[ORIGIN_MAX + 24];
    int error;

    snprintf(temporary, sizeof(temporary), "%s.%d", name, (int)getpid());
    fd = openat(pins, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    error = write_all(fd, note.bytes, note.length);
    if (error == 0 && (fsync(fd) < 0 || renameat(pins, temporary, pins, name) < 0)) {
        error = -errno;
    }
    if (error < 0) {
        unlinkat(pins, temporary, 0);
    }
    return error;
}

static int keep(int directory, int pins, const struct note_key *key, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    AUTO(text_buffer_clear) struct text_buffer kept = {0};
    struct failure ignored = {0};
    struct checkpoint now;
    struct checkpoint before;
    char name[ORIGIN_MAX + 8];
    int error = audit_head_read(directory, key, &note, &now, reterr);

    if (error < 0) {
        return error;
    }
    pin_name(key, name);
    if (audit_note_read(pins, name, &kept, &ignored) == 0) {
        error = checkpoint_open(text_buffer_view(&kept), key, &before);
        if (error < 0) {
            return failure_set(reterr, error, "the pin that is kept is not of this log's key");
        }
        if (before.size >= now.size) {
            return 0;
        }
    }
    error = write_pin(pins, name, text_buffer_view(&note));
    return error < 0 ? failure_set(reterr, error, "cannot keep a pin: %s", strerror(-error)) : 0;
}

static int keep_place(int pins, const char *directory, const struct note_key *key,
                      struct failure *reterr)
{
    struct sha256 *sha = sha256_new();
    AUTO(text_buffer_clear) struct text_buffer kept = {0};
    struct failure ignored = {0};
    char place[PLACE_NAME_MAX];
    char name[ORIGIN_MAX + 8];
    int error = sha == NULL ? -ENOMEM : place_name(directory, sha, place);

    sha256_free(sha);
    pin_name(key, name);
    /* It is the same after every run but the first: nothing waits for a disk then. */
    if (error == 0 && (audit_note_read(pins, place, &kept, &ignored) < 0 ||
                       !str_view_equals_text(text_buffer_view(&kept), name))) {
        error = write_pin(pins, place, str_view_from(name));
    }
    return error < 0 ? failure_set(reterr, error, "cannot keep a pin: %s", strerror(-error)) : 0;
}

int audit_pin_keep(const char *directory, struct failure *reterr)
{
    AUTO_CLOSE int fd = -1;
    AUTO_CLOSE int pins = -1;
    struct sha256 *sha = sha256_new();
    char path[PATH_MAX];
    struct note_key key;
    int error = sha == NULL ? -ENOMEM : read_key(directory, sha, &key, &fd, reterr);

    sha256_free(sha);
    if (error < 0) {
        return error;
    }
    pins = state_directory_open(STATE_PINS, true, path, reterr);
    error = pins < 0 ? pins : keep(fd, pins, &key, reterr);
    return error < 0 ? error : keep_place(pins, directory, &key, reterr);
}

/* The pin of a directory that has lost its key. */
static int find_by_place(int pins, const char *directory, char name[static ORIGIN_MAX + 8])
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct sha256 *sha = sha256_new();
    struct failure ignored = {0};
    char place[PLACE_NAME_MAX];
    int error = sha == NULL ? -ENOMEM : place_name(directory, sha, place);

    sha256_free(sha);
    if (error == 0) {
        error = audit_note_read(pins, place, &text, &ignored);
    }
    if (error < 0) {
        return error;
    }
    if (text.length >= ORIGIN_MAX + 8 || memchr(text.bytes, '/', text.length) != NULL) {
        return -EBADMSG;
    }
    memcpy(name, text_buffer_text(&text), text.length + 1);
    return 0;
}

int audit_pin_find(const char *directory, char ret_path[static PATH_MAX], unsigned int *ret_uid)
{
    AUTO_CLOSE int fd = -1;
    AUTO_CLOSE int pins = -1;
    struct failure ignored = {0};
    struct sha256 *sha = sha256_new();
    char name[ORIGIN_MAX + 8];
    struct note_key key;
    struct stat status;
    size_t length;
    int error = sha == NULL ? -ENOMEM : read_key(directory, sha, &key, &fd, &ignored);

    sha256_free(sha);
    pins = state_directory_open(STATE_PINS, false, ret_path, &ignored);
    if (pins < 0) {
        return pins;
    }
    if (error == 0) {
        pin_name(&key, name);
    } else {
        error = find_by_place(pins, directory, name);
    }
    if (error < 0) {
        return error;
    }
    if (fstatat(pins, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        return -errno;
    }
    length = strlen(ret_path);
    if (snprintf(ret_path + length, PATH_MAX - length, "/%s", name) >= (int)(PATH_MAX - length)) {
        return -ENAMETOOLONG;
    }
    *ret_uid = status.st_uid;
    return 0;
}
