/*
 * A second opinion on path patterns: slow, recursive, written from CONTRACT.md alone and sharing
 * no code with shared/policy. What the automaton answers is held against it.
 */
#ifndef FAILCORE_TESTS_SLOW_GLOB_H
#define FAILCORE_TESTS_SLOW_GLOB_H

#include <stdbool.h>

/* Does the pattern cover the name at this path (no leading slash, no empty components). */
bool slow_glob_covers(const char *pattern, const char *path);
/* Does it cover the listing of the directory at this path: it is DIR/ ** of it. "" is the root. */
bool slow_glob_covers_listing(const char *pattern, const char *path);

#endif
