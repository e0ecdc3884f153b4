#include "cli/run/layers.h"

#include "shared/confine/landlock.h"

static const struct layer layers[] = {
#define LAYER_ROW(word, when, meaning) {word, LAYER_##when, meaning},
    LAYER_TABLE(LAYER_ROW)
#undef LAYER_ROW
};

static bool holds(const struct layer *layer, const struct run_plan *plan)
{
    switch (layer->when) {
    case LAYER_ALWAYS:
        return true;
    case LAYER_UNLESS_NESTED:
        return !plan->settings.nested;
    case LAYER_WITH_GUARD:
        return plan->guard;
    case LAYER_WITH_SCOPES:
        return landlock_abi() >= LANDLOCK_ABI_WHOLE;
    }
    return false;
}

const struct layer *layer_next(const struct run_plan *plan, size_t *at)
{
    while (*at < sizeof(layers) / sizeof(layers[0])) {
        const struct layer *layer = &layers[(*at)++];

        if (holds(layer, plan)) {
            return layer;
        }
    }
    return NULL;
}
