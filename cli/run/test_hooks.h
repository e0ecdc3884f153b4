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

/* FAILCORE_TEST_WITHOUT names the layer, or several with a comma between them. */
static inline bool layer_is_off(const char *layer)
{
    const char *off = getenv("FAILCORE_TEST_WITHOUT");
    const size_t length = strlen(layer);

    while (off != NULL) {
        if (strncmp(off, layer, length) == 0 && (off[length] == ',' || off[length] == '\0')) {
            return true;
        }
        off = strchr(off, ',');
        off = off == NULL ? NULL : off + 1;
    }
    return false;
}
#else
#define layer_is_off(layer) false
#endif

#endif
