#include "shared/confine/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

/* include/uapi/linux/landlock.h; the headers to build with may be older than the kernel to run on.
 */
#define CREATE_RULESET_VERSION 1U
#define RULE_PATH_BENEATH      1

#define FS_EXECUTE     (1ULL << 0)
#define FS_WRITE_FILE  (1ULL << 1)
#define FS_READ_FILE   (1ULL << 2)
#define FS_READ_DIR    (1ULL << 3)
#define FS_REMOVE_DIR  (1ULL << 4)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_CHAR   (1ULL << 6)
#define FS_MAKE_DIR    (1ULL << 7)
#define FS_MAKE_REG    (1ULL << 8)
#define FS_MAKE_SOCK   (1ULL << 9)
#define FS_MAKE_FIFO   (1ULL << 10)
#define FS_MAKE_BLOCK  (1ULL << 11)
#define FS_MAKE_SYM    (1ULL << 12)
#define FS_REFER       (1ULL << 13) /* ABI 2 */
#define FS_TRUNCATE    (1ULL << 14) /* ABI 3 */
#define FS_IOCTL_DEV   (1ULL << 15) /* ABI 5 */

#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0) /* ABI 6 */
#define SCOPE_SIGNAL               (1ULL << 1)

#define FS_ABI_1 (FS_MAKE_SYM * 2 - 1)

struct ruleset_attribute {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

struct path_beneath_attribute {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

#define READING (FS_EXECUTE | FS_READ_FILE | FS_READ_DIR)
#define FILES   (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

int landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

    return abi < 0 ? 0 : (int)abi;
}

static uint64_t handled_by(int abi)
{
    uint64_t handled = FS_ABI_1;

    handled |= abi >= 2 ? FS_REFER : 0;
    handled |= abi >= 3 ? FS_TRUNCATE : 0;
    handled |= abi >= 5 ? FS_IOCTL_DEV : 0;
    return handled;
}

static uint64_t rights_of(enum landlock_access access)
{
    switch (access) {
    case LANDLOCK_WRITE:
        /* Device nodes are made by nobody here. */
        return ~(FS_MAKE_CHAR | FS_MAKE_BLOCK | FS_IOCTL_DEV);
    case LANDLOCK_WRITE_FILES:
        return READING | FS_WRITE_FILE | FS_TRUNCATE;
    case LANDLOCK_DEVICES:
        return READING | FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV;
    case LANDLOCK_READ:
        break;
    }
    return READING;
}

static int add_rule(int ruleset, int fd, uint64_t access)
{
    const struct path_beneath_attribute rule = {.allowed_access = access, .parent_fd = fd};

    return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
}

static int add_tree(int ruleset, const struct landlock_tree *tree, uint64_t handled)
{
    AUTO_CLOSE int fd = open(tree->path, O_PATH | O_CLOEXEC);
    const uint64_t access = rights_of(tree->access) & handled;
    int error;

    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    error = add_rule(ruleset, fd, access);
    /* The kernel knows a file from a directory; asking it with stat(2) might be denied. */
    return error == -EINVAL ? add_rule(ruleset, fd, access & FILES) : error;
}

static size_t attribute_size(int abi)
{
    return abi >= LANDLOCK_ABI_WHOLE ? sizeof(struct ruleset_attribute)
           : abi >= 4                ? 2 * sizeof(uint64_t)
                                     : sizeof(uint64_t);
}

static int restrict_self(int abi, const struct ruleset_attribute *attribute,
                         const struct landlock_tree *trees, size_t count)
{
    AUTO_CLOSE int ruleset = -1;

    ruleset = (int)syscall(SYS_landlock_create_ruleset, attribute, attribute_size(abi), 0);
    if (ruleset < 0) {
        return -errno;
    }
    for (size_t i = 0; i < count; i++) {
        int error = add_tree(ruleset, &trees[i], attribute->handled_access_fs);

        if (error < 0) {
            return error;
        }
    }
    return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}

static int restrict_files(const struct landlock_tree *trees, size_t count, uint64_t scoped)
{
    const int abi = landlock_abi();
    const struct ruleset_attribute attribute = {
        .handled_access_fs = handled_by(abi),
        .scoped = abi >= LANDLOCK_ABI_WHOLE ? scoped : 0,
    };

    return abi == 0 ? -EOPNOTSUPP : restrict_self(abi, &attribute, trees, count);
}

int landlock_restrict(const struct landlock_tree *trees, size_t count)
{
    return restrict_files(trees, count, SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL);
}

int landlock_restrict_scopes(void)
{
    const int abi = landlock_abi();
    const struct ruleset_attribute attribute = {.scoped =
                                                    SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL};

    return abi < LANDLOCK_ABI_WHOLE ? 0 : restrict_self(abi, &attribute, NULL, 0);
}

int landlock_forbid_files(void)
{
    return restrict_files(NULL, 0, SCOPE_ABSTRACT_UNIX_SOCKET);
}
