#include "cli/doctor/probes.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/doctor/security_modules.h"
#include "cli/doctor/trial_runs.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/program_path.h"
#include "shared/confine/capabilities.h"
#include "shared/confine/cgroup.h"
#include "shared/confine/landlock.h"
#include "shared/confine/namespaces.h"

#define REMOVE_TRIES 100
#define QUIET_CHECKS 6

struct probe_result probe_found(enum probe_state state, const char *mend, const char *format, ...)
{
    struct probe_result made = {.state = state};
    va_list args;

    va_start(args, format);
    vsnprintf(made.found, sizeof(made.found), format, args);
    va_end(args);
    snprintf(made.mend, sizeof(made.mend), "%s", mend);
    return made;
}

void probe_first_line(const char *path, char *text, size_t size)
{
    AUTO_CLOSE int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, size - 1);

    text[got < 0 ? 0 : got] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

static struct probe_result try_kernel(const struct probe_scratch *scratch)
{
    struct utsname machine = {0};
    unsigned int major = 0;
    unsigned int minor = 0;

    (void)scratch;
    (void)uname(&machine);
    (void)sscanf(machine.release, "%u.%u", &major, &minor);
    return major > 5 || (major == 5 && minor >= 14)
               ? probe_found(PROBE_OK, "", "Linux %s", machine.release)
               : probe_found(PROBE_MISSING, "boot Linux 5.14 or newer", "Linux %s",
                             machine.release);
}

/* errno of making namespaces, in a child. */
static int namespace_error(int types)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        int error = namespace_new(types);

        _exit(error < 0 ? -error : 0);
    }
    return child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)
               ? EIO
               : WEXITSTATUS(status);
}

static struct probe_result try_user_namespaces(const struct probe_scratch *scratch)
{
    int error = namespace_error(CLONE_NEWUSER | CLONE_NEWNS);
    char line[32];

    (void)scratch;
    if (error == 0) {
        return probe_found(PROBE_OK, "", "can be made");
    }
    if (apparmor_restricts("")) {
        return probe_found(PROBE_MISSING, APPARMOR_MEND,
                           "AppArmor refuses them to programs without a profile");
    }
    probe_first_line("/proc/sys/kernel/unprivileged_userns_clone", line, sizeof(line));
    if (strcmp(line, "0") == 0) {
        return probe_found(PROBE_MISSING, "sysctl kernel.unprivileged_userns_clone=1",
                           "refused to ordinary users");
    }
    probe_first_line("/proc/sys/user/max_user_namespaces", line, sizeof(line));
    if (strcmp(line, "0") == 0) {
        return probe_found(PROBE_MISSING, "sysctl user.max_user_namespaces=10000",
                           "none is allowed");
    }
    return probe_found(PROBE_MISSING, "allow user namespaces, or run as root", "%s",
                       strerror(error));
}

static struct probe_result try_network_namespaces(const struct probe_scratch *scratch)
{
    int error = namespace_error(CLONE_NEWUSER | CLONE_NEWNET);

    (void)scratch;
    if (error == 0) {
        return probe_found(PROBE_OK, "", "can be made");
    }
    return probe_found(PROBE_MISSING,
                       error == ENOSPC ? "sysctl user.max_net_namespaces=10000"
                                       : "boot a kernel with CONFIG_NET_NS",
                       "%s", strerror(error));
}

static struct probe_result try_apparmor(const struct probe_scratch *scratch)
{
    (void)scratch;
    return apparmor_probe("", capabilities_have(CAPABILITY(CAP_SYS_ADMIN)));
}

static struct probe_result try_selinux(const struct probe_scratch *scratch)
{
    (void)scratch;
    return selinux_probe("");
}

static struct probe_result try_fuse(const struct probe_scratch *scratch)
{
    AUTO_CLOSE int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    (void)scratch;
    if (device >= 0) {
        return probe_found(PROBE_OK, "", "/dev/fuse opens");
    }
    return probe_found(PROBE_MISSING,
                       errno == EACCES ? "chmod 666 /dev/fuse (as root)" : "modprobe fuse",
                       "/dev/fuse: %s", strerror(errno));
}

static struct probe_result try_transport(const struct probe_scratch *scratch)
{
    char line[16];

    (void)scratch;
    probe_first_line("/sys/module/fuse/parameters/enable_uring", line, sizeof(line));
    if (line[0] == 'Y') {
        return probe_found(PROBE_OK, "", "requests over io_uring");
    }
    return probe_found(PROBE_WEAK,
                       line[0] == '\0' ? "boot Linux 6.14 or newer, with CONFIG_FUSE_IO_URING"
                                       : "echo Y > /sys/module/fuse/parameters/enable_uring",
                       line[0] == '\0' ? "requests over /dev/fuse: this kernel has no rings for it"
                                       : "requests over /dev/fuse: the rings are switched off");
}

static struct probe_result try_passthrough(const struct probe_scratch *scratch)
{
    (void)scratch;
    if (namespace_user_is_initial() && capabilities_have(CAPABILITY(CAP_SYS_ADMIN))) {
        return probe_found(PROBE_OK, "", "the server may ask the kernel to carry file data");
    }
    return probe_found(PROBE_WEAK, "start runs as root, if that is worth it",
                       "file data goes through the server: only root may ask for more");
}

static struct probe_result try_landlock(const struct probe_scratch *scratch)
{
    int abi = landlock_abi();

    (void)scratch;
    if (abi == 0) {
        return probe_found(PROBE_MISSING, "boot with lsm=landlock,...", "not in this kernel");
    }
    return abi >= LANDLOCK_ABI_WHOLE
               ? probe_found(PROBE_OK, "", "ABI %d", abi)
               : probe_found(PROBE_WEAK, "boot Linux 6.12 or newer",
                             "ABI %d: signals and abstract sockets are not scoped", abi);
}

static struct probe_result try_seccomp(const struct probe_scratch *scratch)
{
    uint32_t action = SECCOMP_RET_KILL_PROCESS;

    (void)scratch;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0
               ? probe_found(PROBE_OK, "", "filters")
               : probe_found(PROBE_MISSING, "boot a kernel with CONFIG_SECCOMP_FILTER", "%s",
                             strerror(errno));
}

static struct probe_result try_cgroup(const struct probe_scratch *scratch)
{
    static const char *const names[] = {"memory", "pids", "cpu", "cpuacct"};
    struct cgroup cgroup;
    char had[128] = "";
    char name[64];
    size_t count = 0;

    (void)scratch;
    snprintf(name, sizeof(name), "failcore-doctor-%d", (int)getpid());
    cgroup_make(name, 15, &cgroup);
    for (enum cgroup_controller i = 0; i < CGROUP_CONTROLLERS; i++) {
        if (cgroup_has(&cgroup, i)) {
            size_t length = strlen(had);

            snprintf(had + length, sizeof(had) - length, "%s%s by version %d",
                     count == 0 ? "" : ", ", names[i], cgroup.versions[i]);
            count++;
        }
    }
    cgroup_remove(&cgroup);
    return count == 0
               ? probe_found(PROBE_WEAK,
                             "systemd-run --user --scope -p Delegate=yes -- failcore run ...",
                             "no group can be written: limits hold per process only")
               : probe_found(PROBE_OK, "", "%s", had);
}

static struct probe_result try_pasta(const struct probe_scratch *scratch)
{
    static const char *const places[] = {"/usr/bin/pasta", "/usr/local/bin/pasta", "/bin/pasta"};

    (void)scratch;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (access(places[i], X_OK) == 0) {
            return probe_found(PROBE_OK, "", "%s", places[i]);
        }
    }
    return probe_found(geteuid() == 0 ? PROBE_WEAK : PROBE_MISSING, "apt install passt",
                       "not installed: ordinary users have no uplink");
}

const struct probe probes[] = {
    {"kernel", "the calls that a run is made of", try_kernel},
    {"user-namespaces", "the run's own user, mounts and processes", try_user_namespaces},
    {"network-namespaces", "the network of a run, and its guard's", try_network_namespaces},
    {"apparmor", "leave to make user namespaces", try_apparmor},
    {"selinux", "leave of services to mount and to queue packets", try_selinux},
    {"fuse", "the policy mount", try_fuse},
    {"fuse-transport", "how fast the mount answers", try_transport},
    {"fuse-passthrough", "file data at the speed of the disk", try_passthrough},
    {"landlock", "the second layer over files", try_landlock},
    {"seccomp", "the second layer over system calls", try_seccomp},
    {"cgroup", "limits for all processes of a run together", try_cgroup},
    {"pasta", "the uplink of runs of ordinary users", try_pasta},
    {"run", "a whole run, tried: mount, log, confinement", trial_run},
    {"guard", "a run with its network guard, tried", trial_guard},
    {"nested", "agents that sandbox their own children, tried", trial_nested},
};
const size_t probe_count = sizeof(probes) / sizeof(probes[0]);

int probe_scratch_make(struct probe_scratch *ret_scratch)
{
    static const char *const parts[] = {"ws", "policy"};
    struct probe_scratch scratch = {.directory = "/tmp/failcore-doctor.XXXXXX"};
    char path[PATH_MAX];

    *ret_scratch = (struct probe_scratch){0};
    if (mkdtemp(scratch.directory) == NULL) {
        return -errno;
    }
    *ret_scratch = scratch;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", scratch.directory, parts[i]);
        if (mkdir(path, 0700) < 0) {
            return -errno;
        }
    }
    return 0;
}

static void remove_tree(const char *directory)
{
    char *const roots[] = {(char *)(uintptr_t)directory, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL, NULL);
    FTSENT *entry;

    while (walk != NULL && (entry = fts_read(walk)) != NULL) {
        if (entry->fts_info == FTS_DP) {
            (void)rmdir(entry->fts_accpath);
        } else if (entry->fts_info != FTS_D) {
            (void)unlink(entry->fts_accpath);
        }
    }
    if (walk != NULL) {
        fts_close(walk);
    }
}

void probe_scratch_remove(struct probe_scratch *scratch)
{
    const struct timespec pause = {.tv_nsec = 20000000};

    int quiet = 0;

    /* The log's writer signs its last records a moment after its last producer left. */
    for (int i = 0; i < REMOVE_TRIES && quiet < QUIET_CHECKS && scratch->directory[0] != '\0';
         i++) {
        if (access(scratch->directory, F_OK) == 0) {
            remove_tree(scratch->directory);
            quiet = 0;
        } else {
            quiet++;
        }
        (void)nanosleep(&pause, NULL);
    }
    scratch->directory[0] = '\0';
}
