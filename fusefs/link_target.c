#include "fusefs/link_target.h"

#include <stddef.h>
#include <string.h>

/* Programs, their data and the machine's settings: read-only in every run. */
static const char *const system_places[] = {
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/dev/null",
};

/* The next component; an empty one at the end. */
static struct str_view next_component(struct str_view *rest)
{
    struct str_view component;

    while (rest->length > 0 && rest->bytes[0] == '/') {
        rest->bytes++;
        rest->length--;
    }
    if (rest->length == 0) {
        return (struct str_view){0}; /* an absent path has no bytes to point at */
    }
    component = (struct str_view){rest->bytes, 0};
    while (component.length < rest->length && rest->bytes[component.length] != '/') {
        component.length++;
    }
    rest->bytes += component.length;
    rest->length -= component.length;
    return component;
}

static bool is_named(struct str_view component)
{
    return !str_view_equals_text(component, ".") && !str_view_equals_text(component, "..");
}

static size_t depth_of(struct str_view path)
{
    size_t depth = 0;

    while (next_component(&path).length > 0) {
        depth++;
    }
    return depth;
}

/*
 * Component `wanted` of an absolute path without its ".." and "."; empty when it has not so many.
 * The path is read anew for each: no room is needed for it, however long it is.
 */
static struct str_view resolved_component(struct str_view path, size_t wanted)
{
    struct str_view found = {0};
    size_t depth = 0;

    for (;;) {
        struct str_view component = next_component(&path);

        if (component.length == 0) {
            return depth > wanted ? found : (struct str_view){0};
        }
        if (str_view_equals_text(component, "..")) {
            depth -= depth > 0; /* "/.." is "/" */
        } else if (is_named(component)) {
            if (depth == wanted) {
                found = component;
            }
            depth++;
        }
    }
}

bool link_target_is_below(struct str_view target, struct str_view place)
{
    size_t depth = depth_of(place);

    if (depth == 0 || place.bytes[0] != '/') {
        return false;
    }
    for (size_t i = 0; i < depth; i++) {
        if (!str_view_equals(next_component(&place), resolved_component(target, i))) {
            return false;
        }
    }
    return true;
}

/* Never above the workspace on the way, so that its own name in the host's tree does not matter. */
static bool relative_leaves(struct str_view target, size_t depth)
{
    for (;;) {
        struct str_view component = next_component(&target);

        if (component.length == 0) {
            return false;
        }
        if (str_view_equals_text(component, "..")) {
            if (depth == 0) {
                return true;
            }
            depth--;
        } else if (is_named(component)) {
            depth++;
        }
    }
}

bool link_target_leaves(struct str_view target, struct str_view path, struct str_view workspace)
{
    if (target.length == 0 || target.bytes[0] != '/') {
        size_t depth = depth_of(path);

        return relative_leaves(target, depth > 0 ? depth - 1 : 0);
    }
    for (size_t i = 0; i < sizeof(system_places) / sizeof(system_places[0]); i++) {
        if (link_target_is_below(target, str_view_from(system_places[i]))) {
            return false;
        }
    }
    return !link_target_is_below(target, workspace);
}
