/*
 * The grammar of a policy file as tables: the reader obeys them, `failcore policy schema` and the
 * reference print them.
 */
#ifndef FAILCORE_POLICY_GRAMMAR_H
#define FAILCORE_POLICY_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/str_view.h"

enum value_kind {
    VALUE_SETTING = 0, /* target: enum setting */
    VALUE_TEXTS,       /* target: enum text_list; a list of texts */
    VALUE_NATIVE,      /* target: enum text_list; literal directories, maybe with a final ** */
    VALUE_ABSOLUTE,    /* target: enum text_list; absolute paths */
    VALUE_SYNC,        /* target: enum text_list; operation words */
    VALUE_UPSTREAM,    /* target: enum text_list; "system" or addresses */
    VALUE_EXTENDS,     /* policy names and paths */
    VALUE_MAP,         /* shape: further keys; at the top its target: enum section */
    VALUE_RULES,       /* shape: of one rule */
    VALUE_BREAKERS,
    VALUE_TESTS,
    VALUE_VERSION,
    VALUE_BOOLEAN,
    VALUE_NAME,
    VALUE_TEXT,
    VALUE_ID,
    VALUE_WORD,        /* words */
    VALUE_WORDS,       /* a list of words */
    VALUE_PATTERNS,    /* a list of path patterns */
    VALUE_EXECUTABLES, /* a list of absolute path patterns */
    VALUE_HOSTS,
    VALUE_ADDRESSES,
    VALUE_PORTS,
    VALUE_COUNT,
    VALUE_DURATION,
    VALUE_PERCENT,
    VALUE_FS_CASE,   /* [operation, path] */
    VALUE_NET_CASE,  /* "host:port/protocol" */
    VALUE_EXEC_CASE, /* an absolute path */
};

/* Keys that are no settings and no lists. */
enum key_target {
    KEY_VERSION = 0,
    KEY_RESOLVED,
    KEY_NAME,
    KEY_REVISION,
    KEY_DESCRIPTION,
    KEY_ENFORCE,
    KEY_EXTENDS,
    KEY_ID,
    KEY_ACTION,
    KEY_OPERATIONS,
    KEY_PATHS,
    KEY_MESSAGE,
    KEY_OVERRIDE,
    KEY_ORIGIN,
    KEY_HOSTS,
    KEY_ADDRESSES,
    KEY_PORTS,
    KEY_PROTOCOLS,
    KEY_NAME_CHECK,
    KEY_ALLOW_PRIVATE,
    KEY_EXECUTABLES,
    KEY_EVENT,
    KEY_COUNT,
    KEY_WITHIN,
    KEY_SHARE,
    KEY_EXCEPT,
    KEY_EXPECT,
    KEY_FS,
    KEY_NET,
    KEY_EXEC,
    KEY_RULE,
    KEY_SECTION, /* of maps and lists below the top: nothing of its own */
};

struct shape;

struct key {
    const char *name;
    enum value_kind kind;
    int target;
    const struct shape *shape;
    const char *const *words;
    size_t word_count;
    bool required;
    const char *help;
};

struct shape {
    const char *name; /* "a filesystem rule" */
    const struct key *keys;
    size_t key_count;
};

const struct shape *grammar_top(void);
/* NULL when the shape has no such key. */
const struct key *shape_find(const struct shape *shape, struct str_view name);
/* The key that was probably meant; NULL: none is near. */
const char *shape_nearest(const struct shape *shape, struct str_view name);

#endif
