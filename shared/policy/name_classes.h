/*
 * Which component patterns a name matches.
 *
 * Theory: literals are found through a hash. All globs of a policy share one trie of tokens, read
 * as a nondeterministic automaton over bytes (a `*` node loops) and made deterministic lazily,
 * state by state, over classes of bytes that no pattern tells apart. So matching costs O(length)
 * whatever the number of globs, and patterns with common beginnings share their nodes: ten
 * thousand "*.x" cost a trie walk, not ten thousand matchers. A (literal, set of globs) pair that
 * was seen gets a number, the name's class; the automaton above steps by it.
 *
 * Caps: past NAME_STATES_MAX deterministic states the rest of a name is simulated on the
 * nondeterministic automaton; past NAME_CLASSES_MAX classes a match has no number. The answer is
 * the same.
 *
 * Threads: name_classes_find() takes no lock; all else runs under the owner's lock.
 */
#ifndef FAILCORE_POLICY_NAME_CLASSES_H
#define FAILCORE_POLICY_NAME_CLASSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/str_view.h"

#define NAME_STATES_MAX  4096
#define NAME_CLASSES_MAX 65536
#define NAME_CLASS_NONE  UINT32_MAX
#define LITERAL_NONE     0 /* literals are numbered from 1 */

struct name_classes;

/* What one name matches; borrowed until the owner's lock is given up. */
struct name_match {
    uint32_t literal;
    const uint32_t *globs; /* ascending */
    size_t glob_count;
    uint32_t class_index; /* NAME_CLASS_NONE: too many classes to number this one */
};

struct name_classes *name_classes_new(void);
void name_classes_free(struct name_classes *classes);

/* Building; texts are borrowed for the life of the classes. The same text gives the same number.
 * -ENOMEM; -EINVAL for a glob that path_pattern_expand() would not have let through. */
int name_classes_add_literal(struct name_classes *classes, struct str_view text,
                             uint32_t *ret_literal);
int name_classes_add_glob(struct name_classes *classes, struct str_view glob, uint32_t *ret_glob);
int name_classes_finish(struct name_classes *classes);

/* Lock-free; false when the name's way is not all cached yet. */
bool name_classes_find(const struct name_classes *classes, struct str_view name,
                       uint32_t *ret_class);
/* Under the owner's lock; never fails. */
struct name_match name_classes_match(struct name_classes *classes, struct str_view name);

/* Bytes that grow with use, and the counts behind them; under the owner's lock. */
size_t name_classes_memory(const struct name_classes *classes);

#endif
