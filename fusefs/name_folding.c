#include "fusefs/name_folding.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

#define NAMES_TRIED 16
#define FOLD_FLAG   0x40000000 /* FS_CASEFOLD_FL */

/* Those that linux/magic.h lacks are each defined by their file system's source. */
static const unsigned long folding_types[] = {
    MSDOS_SUPER_MAGIC, /* vfat too */
    0x2011bab0,        /* exfat */
    0x5346544e,        /* ntfs */
    0x7366746e,        /* ntfs3 */
    SMB_SUPER_MAGIC,   /* smbfs */
    0xff534d42,        /* cifs */
    0xfe534d42,        /* smb2 and later */
    0x4244,            /* hfs */
    0x482b,            /* hfsplus */
    0x4858,            /* hfsplus, HFSX */
    0xf995e849,        /* hpfs */
    AFFS_SUPER_MAGIC,
    0x786f4256, /* vboxsf */
};

bool name_folding_by_type(unsigned long magic)
{
    for (size_t i = 0; i < sizeof(folding_types) / sizeof(folding_types[0]); i++) {
        if (folding_types[i] == magic) {
            return true;
        }
    }
    return false;
}

static void end_listing(DIR **listing)
{
    if (*listing != NULL) {
        closedir(*listing);
    }
}

/* Every ASCII letter in its other case; false where there is none. */
static bool respell(char *name)
{
    bool changed = false;

    for (; *name != '\0'; name++) {
        bool upper = *name >= 'A' && *name <= 'Z';

        if (upper || (*name >= 'a' && *name <= 'z')) {
            *name = (char)(*name ^ 0x20);
            changed = true;
        }
    }
    return changed;
}

static bool lists(DIR *listing, const char *name)
{
    const struct dirent *entry;

    rewinddir(listing);
    while ((entry = readdir(listing)) != NULL) {
        if (strcmp(entry->d_name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The other spelling leads somewhere and is no name of its own. */
static bool finds_respelled(DIR *listing, const char *spelling)
{
    struct stat status;

    return fstatat(dirfd(listing), spelling, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           !lists(listing, spelling);
}

static int folds_by_trial(int directory)
{
    AUTO(end_listing) DIR *listing = fdopendir(directory);
    char spellings[NAMES_TRIED][sizeof(((struct dirent *)0)->d_name)];
    const struct dirent *entry;
    size_t count = 0;

    if (listing == NULL) {
        int error = -errno;

        close(directory);
        return error;
    }
    while (count < NAMES_TRIED && (entry = readdir(listing)) != NULL) {
        memcpy(spellings[count], entry->d_name, strlen(entry->d_name) + 1);
        count += respell(spellings[count]);
    }
    for (size_t i = 0; i < count; i++) {
        if (finds_respelled(listing, spellings[i])) {
            return 1;
        }
    }
    return 0;
}

int name_folding_of(int directory)
{
    AUTO_CLOSE int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct statfs status;
    int flags = 0;

    if (fd < 0 || fstatfs(fd, &status) < 0) {
        return -errno;
    }
    if (name_folding_by_type((unsigned long)status.f_type & 0xffffffff)) {
        return 1;
    }
    /* Many file systems have no flags: then they have not this one. */
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FOLD_FLAG) != 0) {
        return 1;
    }
    return folds_by_trial(take_fd(&fd));
}
