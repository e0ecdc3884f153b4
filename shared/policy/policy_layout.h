/*
 * What a loaded policy is made of. Private to policy.c, its face, and policy_compile.c, which makes
 * it; nothing of it changes afterwards but the count of references.
 */
#ifndef FAILCORE_POLICY_POLICY_LAYOUT_H
#define FAILCORE_POLICY_POLICY_LAYOUT_H

#include "shared/policy/network_rules.h"
#include "shared/policy/path_automaton.h"
#include "shared/policy/policy_settings.h"

#define POLICY_HASH_DIGITS 16

struct policy {
    _Atomic unsigned int references;
    struct arena arena;
    struct model *model;
    struct path_automaton *filesystem;
    struct path_automaton *process;
    struct path_automaton **exceptions; /* of each breaker rule; NULL without */
    struct network_rules *network;
    struct policy_settings settings;
    char hash[POLICY_HASH_DIGITS + 1];
};

#endif
