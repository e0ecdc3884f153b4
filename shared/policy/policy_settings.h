/* What programs ask of a policy beside decisions, worked out once when it is compiled. */
#ifndef FAILCORE_POLICY_POLICY_SETTINGS_H
#define FAILCORE_POLICY_POLICY_SETTINGS_H

#include "shared/policy/model.h"

struct policy_settings {
    struct fs_settings filesystem;
    struct net_settings network;
};

/* Tables live in the arena. -ENOMEM. */
int policy_settings_fill(const struct model *model, struct arena *arena,
                         struct policy_settings *ret_settings);

#endif
