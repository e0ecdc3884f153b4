/*
 * The command's environment: a short list of harmless variables of the caller, what the run itself
 * decides (HOME, USER, PATH, ...), and what --env names. Everything else stays outside: tokens live
 * in environments.
 *
 * Ownership: NULL-terminated, made of malloc()ed texts; release with environment_free().
 */
#ifndef FAILCORE_CLI_RUN_ENVIRONMENT_H
#define FAILCORE_CLI_RUN_ENVIRONMENT_H

#include "cli/run/plan.h"

char **environment_make(const struct run_plan *plan);
void environment_free(char **environment);

#endif
