/*
 * Landlock (kernel: Documentation/userspace-api/landlock.rst) on its own system calls: a layer that
 * holds what may be read and written even where a mount is wrong, and that no later mount, link or
 * namespace undoes.
 *
 * Errors: negative errno.
 */
#ifndef FAILCORE_CONFINE_LANDLOCK_H
#define FAILCORE_CONFINE_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* What landlock_restrict() promises in full; an older kernel keeps the files only. Linux 6.12. */
#define LANDLOCK_ABI_WHOLE 6

/* 0: this kernel has none. */
int landlock_abi(void);

enum landlock_access {
    LANDLOCK_READ = 0,    /* read, list, execute */
    LANDLOCK_WRITE,       /* and change everything below */
    LANDLOCK_WRITE_FILES, /* and write existing files */
    LANDLOCK_DEVICES,     /* that, and ioctl on devices */
};

struct landlock_tree {
    const char *path; /* as this process sees it now; absent ones are passed over */
    enum landlock_access access;
};

/*
 * For good, for this thread and its children: only the trees, in their ways; where the kernel has
 * scopes (ABI 6), no signal and no abstract socket outside this domain. no_new_privs must be set.
 * -EOPNOTSUPP: no Landlock here.
 */
int landlock_restrict(const struct landlock_tree *trees, size_t count);

/* The scopes alone, where the kernel has them: unlike rules for files they let a process mount. */
int landlock_restrict_scopes(void);

/*
 * No file at all. Signals still leave the domain: the one that a parent's death sends to its
 * children (PR_SET_PDEATHSIG) is judged as the parent's own, and would not reach them. For a
 * process that has no kill(2) anyway.
 */
int landlock_forbid_files(void);

#endif
