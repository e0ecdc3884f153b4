/*
 * Is one directory at, above or below another? Compared by device and inode of all ancestors
 * through descriptors, and by the place in the file system, so that links, bind mounts and odd
 * spellings of a path cannot hide it. Used to keep policies, logs, keys and run-time files away
 * from what a workload can write.
 *
 * Errors: negative errno.
 */
#ifndef FAILCORE_CONFINE_TREE_OVERLAP_H
#define FAILCORE_CONFINE_TREE_OVERLAP_H

enum tree_relation {
    TREE_SAME = 0, /* the worst case is zero: forgotten means refused */
    TREE_ABOVE,    /* a contains b */
    TREE_BELOW,    /* a is inside b */
    TREE_DISJOINT,
};

/* Both are directory descriptors (O_PATH is enough). */
int tree_relation_of(int a, int b, enum tree_relation *ret_relation);

/*
 * The same by path. A path that does not exist yet stands for its nearest ancestor that does,
 * which makes it TREE_BELOW or TREE_DISJOINT for what is later created there; a file stands for
 * its directory.
 */
int tree_relation_of_paths(const char *a, const char *b, enum tree_relation *ret_relation);

#endif
