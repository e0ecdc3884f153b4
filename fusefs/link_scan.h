/*
 * Finding every name in the workspace of the files that have several (SR13).
 *
 * A file with hard links has the most restrictive verdict of all its names. Names that were not
 * looked up yet are found by one walk through the whole tree, which remembers every file with
 * several links that it meets, so that it is made once and not once per file. It is made again only
 * for a file that has more links than when the tree was last searched, or that was changed since
 * and has a name that we do not know: names that are made through the mount are known anyhow, but
 * the host may take one away and make another.
 *
 * Threads: any; one walk at a time, the others wait for it.
 */
#ifndef FAILCORE_FUSEFS_LINK_SCAN_H
#define FAILCORE_FUSEFS_LINK_SCAN_H

#include <stdbool.h>

#include "fusefs/tree.h"

/* The node has links that we know no names of, and the tree was not searched for them yet. */
bool link_scan_is_due(struct tree *tree, const struct node *node);
/* -ENOMEM, -ENFILE: the names cannot be known, and the request must be refused. */
int link_scan(struct tree *tree, struct node *node);

/* The file has several links and was changed since its names were last looked at: maybe by one that
 * went and another that came, which its number of links does not show. */
bool link_scan_is_outdated(const struct node *node, const struct statx *status);
/*
 * Forgets names that lead elsewhere by now and, with `search`, looks for those that are missing.
 * 1 when it is called otherwise than before: it has to be judged again. Errors as above.
 */
int link_scan_renew(struct tree *tree, struct node *node, const struct statx *status, bool search);

#endif
