/*
 * From names to patterns: a directory instead of three hundred files, but a wildcard only where
 * several names show it; names that traded places get the same rules.
 *
 * Ownership: release with patterns_clear().
 */
#ifndef FAILCORE_CLI_LEARN_PATTERNS_H
#define FAILCORE_CLI_LEARN_PATTERNS_H

#include "cli/learn/observations.h"
#include "shared/policy/policy.h"

/* Numbers of the rows. */
enum learned_pattern {
    PATTERN_OPERATIONS = 0,
    PATTERN_NAMES, /* that stand behind it */
    PATTERN_REQUESTS,
    PATTERN_TIED, /* two directories traded places below it: it cannot be narrower */
};

struct patterns {
    struct tally rows; /* by the pattern's text, as a policy has it */
};

/* `observations->names` is sorted by this. */
int patterns_make(struct observations *observations, struct patterns *patterns);
/* A pattern for one name, with its special characters escaped; unites with what is there. */
int patterns_add_name(struct patterns *patterns, struct str_view path, unsigned int operations,
                      uint64_t seq);
void patterns_clear(struct patterns *patterns);

#endif
