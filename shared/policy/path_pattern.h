/*
 * A path pattern of a rule, taken apart: braces expanded, components told apart.
 *
 * Patterns are relative to the mount root (one leading slash is dropped). `*`, `?` and classes
 * stay inside a component and match a leading dot; `**` is a component by itself and spans any
 * number of them; {a,b} stays inside a component; \ takes the next byte as it is.
 */
#ifndef FAILCORE_POLICY_PATH_PATTERN_H
#define FAILCORE_POLICY_PATH_PATTERN_H

#include <stddef.h>

#include "shared/base/str_view.h"

#define PATH_PATTERN_BYTES_MAX        4096
#define PATH_PATTERN_COMPONENTS_MAX   128
#define PATH_PATTERN_BRACES_MAX       16
#define PATH_PATTERN_ALTERNATIVES_MAX 256 /* that braces may expand to */

enum path_component_kind {
    PATH_LITERAL = 0, /* text: the name itself, escapes undone */
    PATH_GLOB,        /* text: for glob_token_next() */
    PATH_ANY,         /* "*" */
    PATH_DEEP,        /* "**" */
};

struct path_component {
    enum path_component_kind kind;
    struct str_view text; /* borrowed for the length of the call */
};

/* Called once for each expansion. A negative result ends the walk. */
typedef int path_pattern_visit(void *context, const struct path_component *components,
                               size_t count);

struct path_pattern_problem {
    const char *what; /* static */
    const char *mend;
};

/* The pattern as we print and compare it: without the leading slash. */
struct str_view path_pattern_trim(struct str_view pattern);

/* -EINVAL with *reterr; or what the visitor returned. A NULL visitor only checks. */
int path_pattern_expand(struct str_view pattern, path_pattern_visit *visit, void *context,
                        struct path_pattern_problem *reterr);

#endif
