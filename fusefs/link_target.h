/*
 * Where a symbolic link leads, by its text alone (SR21).
 *
 * Inside a run no link leads out: there is nothing else to reach. Afterwards the host's own tools
 * follow what was made, so a link that leaves the workspace is not made at all, unless it leads to
 * where programs lie that nobody in a run can write: an interpreter of a virtual environment.
 *
 * The text is what is judged: "a/.." is the directory that `a` lies in, whatever `a` is. Links that
 * were there before are followed by nobody here. Total and pure.
 */
#ifndef FAILCORE_FUSEFS_LINK_TARGET_H
#define FAILCORE_FUSEFS_LINK_TARGET_H

#include <stdbool.h>

#include "shared/base/str_view.h"

/*
 * True where `target`, of a link at `path` (relative to the workspace), leaves the workspace.
 * `workspace` is the absolute path that the workspace is seen at; absent when there is none.
 */
bool link_target_leaves(struct str_view target, struct str_view path, struct str_view workspace);
/* True where the absolute path, its ".." resolved by name, is `place` or below it. */
bool link_target_is_below(struct str_view target, struct str_view place);

#endif
