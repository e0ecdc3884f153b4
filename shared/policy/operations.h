/*
 * The file-system operations that rules speak of (docs/policy-reference.md has the table from
 * kernel requests to these). The YAML word, the audit word and the enumerator come from here.
 */
#ifndef FAILCORE_POLICY_OPERATIONS_H
#define FAILCORE_POLICY_OPERATIONS_H

/* enumerator, word, what needs it */
#define FS_OPERATION_TABLE(ROW)                                                                    \
    ROW(READ, "read", "open for reading, readlink, getxattr, copy source")                         \
    ROW(WRITE, "write", "open for writing, truncate, fallocate, copy destination")                 \
    ROW(CREATE, "create", "a missing name: open with O_CREAT, mknod, mkdir, symlink")              \
    ROW(DELETE, "delete", "unlink, rmdir, a rename's replaced target")                             \
    ROW(RENAME, "rename", "both ends of a rename")                                                 \
    ROW(LINK, "link", "both ends of a hard link")                                                  \
    ROW(METADATA, "metadata", "chmod, chown, utimes, setxattr, removexattr")                       \
    ROW(EXECUTE, "execute", "open with the kernel's exec flag")                                    \
    ROW(LIST, "list", "opendir")

/*
 * FS_LOOKUP stands after the words: no rule names it. lookup, getattr and access need any allowed
 * operation on the name, or that the name is a literal ancestor of an allow pattern.
 */
enum fs_operation {
#define FS_OPERATION_ENUM(name, word, meaning) FS_##name,
    FS_OPERATION_TABLE(FS_OPERATION_ENUM)
#undef FS_OPERATION_ENUM
        FS_LOOKUP,
    FS_OPERATION_COUNT
};

/* "read"; of FS_LOOKUP "lookup". */
const char *fs_operation_word(enum fs_operation operation);

#endif
