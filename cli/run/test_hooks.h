/*
 * One layer switched off, so that a test can show what the next one holds by itself. Only in the
 * program that the tests build for it (tests/hostile/CMakeLists.txt); in failcore itself this is
 * nothing at all.
 */
#ifndef FAILCORE_CLI_RUN_TEST_HOOKS_H
#define FAILCORE_CLI_RUN_TEST_HOOKS_H

#include <stdbool.h>

#ifdef FAILCORE_TEST_HOOKS
#include <stdlib.h>
#include <string.h>

/* FAILCORE_TEST_WITHOUT names the layer. */
static inline bool layer_is_off(const char *layer)
{
    const char *off = getenv("FAILCORE_TEST_WITHOUT");

    return off != NULL && strcmp(off, layer) == 0;
}
#else
#define layer_is_off(layer) false
#endif

#endif
