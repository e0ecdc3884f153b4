#include "shared/audit/run_index_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/audit/signed_head.h"
#include "shared/audit/state_directory.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/crypto/ed25519.h"

#define NAME_SIZE (ORIGIN_MAX + 8)

/* "<last part of the log's origin>.runs" */
static bool key_name(const char *directory, char name[static NAME_SIZE])
{
    AUTO_CLOSE int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct sha256 *sha = sha256_new();
    struct failure ignored = {0};
    struct note_key key;
    bool is_known = fd >= 0 && sha != NULL && audit_key_read(fd, NULL, sha, &key, &ignored) == 0;

    sha256_free(sha);
    if (is_known) {
        const char *slash = strrchr(key.name, '/');
        const char *last = slash == NULL ? key.name : slash + 1;

        is_known = last[0] != '\0' && last[0] != '.';
        snprintf(name, NAME_SIZE, "%s.runs", last);
    }
    return is_known;
}

static bool read_key(int keys, const char *name, uint8_t *key)
{
    AUTO_CLOSE int fd = openat(keys, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    uint8_t bytes[HMAC_SHA256_KEY_SIZE + 1];
    struct stat stat;
    bool is_whole;

    if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) || (stat.st_mode & 077) != 0 ||
        (stat.st_uid != geteuid() && stat.st_uid != 0)) {
        return false;
    }
    is_whole = read_upto(fd, bytes, sizeof(bytes)) == HMAC_SHA256_KEY_SIZE;
    memcpy(key, bytes, HMAC_SHA256_KEY_SIZE);
    secret_wipe(bytes, sizeof(bytes));
    return is_whole;
}

/* All of it or nothing; of two that make it at once, both then read the one that was first. */
static void make_key(int keys, const char *name)
{
    uint8_t key[HMAC_SHA256_KEY_SIZE];
    char partial[NAME_SIZE + 16];
    AUTO_CLOSE int fd = -1;

    snprintf(partial, sizeof(partial), "%s.%d", name, (int)getpid());
    fd = openat(keys, partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return;
    }
    if (getrandom(key, sizeof(key), 0) == (ssize_t)sizeof(key) &&
        write_all(fd, key, sizeof(key)) == 0 && linkat(keys, partial, keys, name, 0) < 0) {
        /* Somebody was first, or it cannot be: reading it tells. */
    }
    secret_wipe(key, sizeof(key));
    (void)unlinkat(keys, partial, 0);
}

bool run_index_key(const char *directory, bool make, uint8_t ret_key[static HMAC_SHA256_KEY_SIZE])
{
    AUTO_CLOSE int keys = -1;
    char path[PATH_MAX];
    char name[NAME_SIZE];
    struct failure ignored = {0};

    if (!key_name(directory, name)) {
        return false;
    }
    keys = state_directory_open(STATE_KEYS, make, path, &ignored);
    if (keys < 0) {
        return false;
    }
    if (read_key(keys, name, ret_key)) {
        return true;
    }
    if (make) {
        make_key(keys, name);
        return read_key(keys, name, ret_key);
    }
    return false;
}
