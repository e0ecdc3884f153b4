/*
 * From words on a command line to one model: files found and read, extends followed, enforced
 * system policies added, everything united.
 */
#ifndef FAILCORE_POLICY_POLICY_LOAD_H
#define FAILCORE_POLICY_POLICY_LOAD_H

#include "shared/policy/model.h"
#include "shared/policy/policy_source.h"

#define POLICY_EXTENDS_DEPTH_MAX 8
#define POLICY_FILES_MAX         128

/* The model lives in `arena`. Tests are those of the named files, not of what they extend. */
int policy_load_model(const char *const *words, size_t count,
                      const struct policy_directories *directories, struct arena *arena,
                      struct model **ret_model, struct failure *reterr);

/* Takes over the arena, also when it fails. */
int policy_compile(struct model *model, struct arena *arena, struct policy **ret_policy,
                   struct failure *reterr);

const struct model *policy_model(const struct policy *policy);
/* Of the exceptions of a breaker rule; NULL: it has none. */
struct path_automaton;
struct path_automaton *policy_breaker_automaton(const struct policy *policy, size_t index);
struct path_automaton *policy_fs_automaton(const struct policy *policy);

/* policy_load() with directories of the caller's choice. */
int policy_load_from(const char *const *words, size_t count,
                     const struct policy_directories *directories, struct policy **ret_policy,
                     struct failure *reterr);

#endif
