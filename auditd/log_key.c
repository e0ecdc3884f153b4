#include "auditd/log_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auditd/identity.h"
#include "shared/audit/state_directory.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define ORIGIN_PREFIX "failcore.local/audit/"

void log_key_clear(struct log_key *key)
{
    ed25519_key_free(key->key);
    key->key = NULL;
}

/* "<last part of the origin>.seed" */
static void seed_name(const char *origin, char name[static ORIGIN_MAX + 8])
{
    const char *slash = strrchr(origin, '/');

    snprintf(name, ORIGIN_MAX + 8, "%s.seed", slash == NULL ? origin : slash + 1);
}

static int write_durable(int directory, const char *name, const void *bytes, size_t length)
{
    AUTO_CLOSE int fd =
        openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int error;

    if (fd < 0) {
        return -errno;
    }
    error = write_all(fd, bytes, length);
    return error < 0 ? error : fsync(fd) < 0 ? -errno : 0;
}

/* All of it or nothing is there under its name, whenever we die; a name that is taken stays as it
 * is (link(2) replaces nothing). */
static int write_new(int directory, const char *name, const void *bytes, size_t length)
{
    char temporary[ORIGIN_MAX + 16];
    int error;

    snprintf(temporary, sizeof(temporary), "%s.new", name);
    if (unlinkat(directory, temporary, 0) < 0 && errno != ENOENT) {
        return -errno;
    }
    error = write_durable(directory, temporary, bytes, length);
    if (error == 0 && linkat(directory, temporary, directory, name, 0) < 0) {
        error = -errno;
    }
    unlinkat(directory, temporary, 0);
    return error < 0 ? error : fsync(directory) < 0 ? -errno : 0;
}

static int finish(struct log_key *key, const uint8_t seed[static ED25519_SEED_SIZE])
{
    key->key = ed25519_key_new(seed);
    return key->key == NULL ? -EIO : 0;
}

static int make(int keys, struct sha256 *sha, struct log_key *key)
{
    uint8_t random[16 + ED25519_SEED_SIZE];
    uint8_t public_key[ED25519_PUBLIC_SIZE];
    char origin[ORIGIN_MAX];
    char name[ORIGIN_MAX + 8];
    char hex[33];
    int error;

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return -EIO;
    }
    hex_encode(random, 16, hex);
    snprintf(origin, sizeof(origin), ORIGIN_PREFIX "%s", hex);
    error = finish(key, random + 16);
    if (error == 0) {
        ed25519_key_public(key->key, public_key);
        error = note_key_make(origin, public_key, sha, &key->name);
    }
    if (error == 0) {
        seed_name(origin, name);
        error = write_new(keys, name, random + 16, ED25519_SEED_SIZE);
    }
    secret_wipe(random, sizeof(random));
    return error;
}

/* By the log's user, in the log. */
static int write_vkey(int directory, const struct log_key *key)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    note_key_append(&text, &key->name);
    return text_buffer_error(&text) < 0 ? text_buffer_error(&text)
                                        : write_new(directory, "vkey", text.bytes, text.length);
}

static int load(int keys, const char *keys_path, struct str_view vkey, struct sha256 *sha,
                struct log_key *key, struct failure *reterr)
{
    AUTO_CLOSE int fd = -1;
    uint8_t seed[ED25519_SEED_SIZE + 1];
    uint8_t public_key[ED25519_PUBLIC_SIZE];
    char name[ORIGIN_MAX + 8];
    int error;

    if (note_key_parse(vkey, sha, &key->name) < 0) {
        return failure_set(reterr, -EBADMSG, "the log's vkey is not a verifier key");
    }
    seed_name(key->name.name, name);
    fd = openat(keys, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        error = -errno;
        failure_set_mend(reterr, "restore it, or begin a new log in another directory");
        return failure_set(reterr, error, "the log's key %s/%s: %s", keys_path, name,
                           strerror(-error));
    }
    error = read_upto(fd, seed, sizeof(seed)) == ED25519_SEED_SIZE ? finish(key, seed) : -EBADMSG;
    secret_wipe(seed, sizeof(seed));
    if (error == 0) {
        ed25519_key_public(key->key, public_key);
        error = memcmp(public_key, key->name.public_key, sizeof(public_key)) == 0 ? 0 : -EBADMSG;
    }
    return error < 0 ? failure_set(reterr, error, "the key %s/%s is not the one of the log's vkey",
                                   keys_path, name)
                     : 0;
}

/* The key's directory is root's where the log is not. */
static int open_in(int vkey, struct sha256 *sha, struct log_key *key, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO_CLOSE int keys = -1;
    char keys_path[PATH_MAX];
    int error;

    keys = state_directory_open(STATE_KEYS, true, keys_path, reterr);
    if (keys < 0) {
        return keys;
    }
    if (vkey < 0) {
        error = make(keys, sha, key);
        return error < 0 ? failure_set(reterr, error, "cannot make the log's key in %s: %s",
                                       keys_path, strerror(-error))
                         : 0;
    }
    error = read_to_end(vkey, CHECKPOINT_MAX, &text);
    return error < 0 ? error : load(keys, keys_path, text_buffer_view(&text), sha, key, reterr);
}

int log_key_open(int directory, bool is_new, struct sha256 *sha, struct log_key *ret_key,
                 struct failure *reterr)
{
    AUTO_CLOSE int fd = openat(directory, "vkey", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct log_key key = {0};
    struct identity before;
    int error = 0;

    if (fd < 0 && (errno != ENOENT || !is_new)) {
        error = -errno;
        failure_set_mend(reterr, "restore it, or begin a new log in another directory");
        return failure_set(reterr, error, "the log's vkey: %s", strerror(-error));
    }
    before = identity_raise();
    error = open_in(fd, sha, &key, reterr);
    identity_lower(&before);
    if (error == 0 && fd < 0) {
        error = write_vkey(directory, &key);
        if (error < 0) {
            failure_set(reterr, error, "cannot write the log's vkey: %s", strerror(-error));
        }
    }
    if (error < 0) {
        log_key_clear(&key);
        return error;
    }
    *ret_key = key;
    return 0;
}
