/*
 * Where policies are found and how their bytes are read (SECURITY-RULES SR9): once, through one
 * descriptor, from a regular file of root or the caller that nobody else can write.
 */
#ifndef FAILCORE_POLICY_POLICY_SOURCE_H
#define FAILCORE_POLICY_POLICY_SOURCE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "shared/base/failure.h"
#include "shared/base/text_buffer.h"

enum policy_place { PLACE_VENDOR = 0, PLACE_SYSTEM, PLACE_USER, PLACE_COUNT };

/* "" where there is none (a user without a home). */
struct policy_directories {
    char path[PLACE_COUNT][PATH_MAX];
};

/* The data directory's policies, /etc/failcore/policies, $XDG_CONFIG_HOME/failcore/policies. */
struct policy_directories policy_directories_default(void);

/* A word that names a file: with a slash, or ending in .yaml, .yml or .json. */
bool policy_word_is_path(const char *word);

struct policy_bytes {
    struct text_buffer text;
    char path[PATH_MAX]; /* as opened; "<stdin>" for "-" */
    dev_t device;        /* 0 for "-" */
    ino_t inode;
};
void policy_bytes_clear(struct policy_bytes *bytes);

/*
 * `word` is a name, a path (from `base` when it is relative and base is not ""), or "-".
 * -ENOENT, -EINVAL for what is not trusted, or as open(2) and read(2); always with *reterr.
 */
int policy_source_read(const char *word, const char *base,
                       const struct policy_directories *directories, struct policy_bytes *ret_bytes,
                       struct failure *reterr);

#endif
