#include "cli/run/identity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/confine/capabilities.h"
#include "shared/confine/user_map.h"

/*
 * Above every range that systemd, useradd and the container tools hand out (systemd's
 * UIDS-GIDS.md: 1879048192..2147483647 is unused) and below the 32-bit sign.
 */
#define UNUSED_FIRST 1879048192U
#define UNUSED_COUNT 268435456U
#define CLAIM_TRIES  64
#define SWEEP_MOST   256

/* Claims of runs whose supervisor was killed: nobody holds their lock. */
static void sweep_claims(int runtime)
{
    AUTO_CLOSE int directory = openat(runtime, "ids", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *claims = directory < 0 ? NULL : fdopendir(dup(directory));
    const struct dirent *entry;

    for (int i = 0; claims != NULL && i < SWEEP_MOST && (entry = readdir(claims)) != NULL; i++) {
        AUTO_CLOSE int fd = -1;

        if (entry->d_name[0] == '.') {
            continue;
        }
        fd = openat(directory, entry->d_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
            (void)unlinkat(directory, entry->d_name, 0);
        }
    }
    if (claims != NULL) {
        closedir(claims);
    }
}

/* The ids are held by a lock, so that two runs never share one; the lock dies with its holder. */
static int claim_pair(int runtime, uint32_t *ret_first)
{
    char name[32];

    if (mkdirat(runtime, "ids", 0700) < 0 && errno != EEXIST) {
        return -errno;
    }
    sweep_claims(runtime);
    for (int i = 0; i < CLAIM_TRIES; i++) {
        AUTO_CLOSE int fd = -1;
        struct stat claimed;
        uint32_t random;

        if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
            return -EIO;
        }
        *ret_first = UNUSED_FIRST + (random % (UNUSED_COUNT / 2)) * 2;
        snprintf(name, sizeof(name), "ids/%u", *ret_first);
        fd = openat(runtime, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0) {
            return -errno;
        }
        /* A file without a name was released between our open and our lock. */
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &claimed) == 0 && claimed.st_nlink > 0) {
            return take_fd(&fd);
        }
    }
    return -EAGAIN;
}

static int choose_separate(int runtime, struct identity *identity, struct failure *reterr)
{
    const capability_set needed =
        CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SYS_ADMIN);
    uint32_t highest = 0;
    uint32_t first;

    if (!capabilities_have(needed) || user_map_own_highest(&highest) < 0 ||
        highest < UNUSED_FIRST + UNUSED_COUNT) {
        failure_set(reterr, -EPERM,
                    "started as root, but without the right to give the run a user id of its own");
        failure_set_mend(reterr, "start it as an ordinary user");
        return -EPERM;
    }
    identity->runtime = runtime;
    identity->claim_fd = claim_pair(runtime, &first);
    if (identity->claim_fd < 0) {
        return failure_set(reterr, identity->claim_fd, "no unused user id could be claimed: %s",
                           strerror(-identity->claim_fd));
    }
    identity->separate = true;
    identity->keeper_outside = first;
    identity->worker_outside = first + 1;
    identity->keeper_uid = 0;
    identity->keeper_gid = 0;
    identity->worker_uid = IDENTITY_AGENT_UID;
    identity->worker_gid = IDENTITY_AGENT_UID;
    snprintf(identity->user_name, sizeof(identity->user_name), "agent");
    return 0;
}

int identity_choose(int runtime, struct identity *ret_identity, struct failure *reterr)
{
    struct identity identity = {.claim_fd = -1};

    if (geteuid() == 0) {
        int error = choose_separate(runtime, &identity, reterr);

        if (error < 0) {
            return error;
        }
    } else {
        const struct passwd *entry = getpwuid(geteuid());

        identity.keeper_uid = geteuid();
        identity.keeper_gid = getegid();
        identity.worker_uid = geteuid();
        identity.worker_gid = getegid();
        snprintf(identity.user_name, sizeof(identity.user_name), "%s",
                 entry == NULL || strpbrk(entry->pw_name, ":\n") != NULL ? "agent"
                                                                         : entry->pw_name);
    }
    *ret_identity = identity;
    return 0;
}

void identity_release(struct identity *identity)
{
    char name[32];

    if (identity->claim_fd >= 0) {
        snprintf(name, sizeof(name), "ids/%u", identity->keeper_outside);
        (void)unlinkat(identity->runtime, name, 0); /* before the lock goes */
    }
    close_fd(&identity->claim_fd);
}

int identity_write_maps(const struct identity *identity, pid_t pid, uid_t own_uid, gid_t own_gid)
{
    const struct user_map_range two[] = {
        {.inside = identity->keeper_uid, .outside = identity->keeper_outside, .count = 1},
        {.inside = identity->worker_uid, .outside = identity->worker_outside, .count = 1},
    };
    const struct user_map_range user = {
        .inside = identity->worker_uid, .outside = own_uid, .count = 1};
    const struct user_map_range group = {
        .inside = identity->worker_gid, .outside = own_gid, .count = 1};
    const struct user_map separate = {
        .users = two, .user_count = 2, .groups = two, .group_count = 2};
    const struct user_map single = {.users = &user,
                                    .user_count = 1,
                                    .groups = &group,
                                    .group_count = 1,
                                    .deny_setgroups = true};

    return user_map_write(pid, identity->separate ? &separate : &single);
}

int identity_write_worker_maps(const struct identity *identity)
{
    const struct user_map_range user = {
        .inside = identity->worker_uid, .outside = identity->worker_uid, .count = 1};
    const struct user_map_range group = {
        .inside = identity->worker_gid, .outside = identity->worker_gid, .count = 1};
    const struct user_map map = {.users = &user,
                                 .user_count = 1,
                                 .groups = &group,
                                 .group_count = 1,
                                 .deny_setgroups = true};

    return user_map_write(0, &map);
}
