#include "fusefs/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fusefs/breaker_place.h"
#include "fusefs/control_socket.h"
#include "fusefs/mount_device.h"
#include "fusefs/mount_helper.h"
#include "fusefs/mountpoint_guard.h"
#include "fusefs/name_folding.h"
#include "fusefs/ring_transport.h"
#include "fusefs/server_watch.h"
#include "shared/audit/directory.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/program_path.h"
#include "shared/base/service_manager.h"
#include "shared/confine/capabilities.h"
#include "shared/confine/path_walk.h"
#include "shared/confine/tree_overlap.h"
#include "shared/policy/run_settings.h"

/* A part that speaks of files and that this program does not enforce would be half obeyed. */
#define PARTS_OF_OTHERS                                                                            \
    ((unsigned int)POLICY_PART_NETWORK | POLICY_PART_PROCESS | POLICY_PART_SANDBOX |               \
     POLICY_PART_LIMITS | POLICY_PART_DNS_BUDGET | POLICY_PART_NETWORK_BUDGET |                    \
     POLICY_PART_NAME_CHECK)
#define PARTS_ENFORCED                                                                             \
    ((unsigned int)POLICY_PART_FILESYSTEM | POLICY_PART_AUDIT | POLICY_PART_BREAKER)

#define CACHE_SECONDS    1.0  /* how long a change made underneath may stay unseen */
#define DESCRIPTORS_MOST 2000 /* kept for nodes, wherever the limit allows more */
#define THREADS          8

/* ---- policy --------------------------------------------------------------------------------- */

enum exit_code startup_load_policy(const struct mount_options *options, struct policy **ret_policy,
                                   struct failure *reterr)
{
    struct policy *policy = NULL;
    int r;

    if (options->policy_fd >= 0) {
        r = policy_load_resolved_fd(options->policy_fd, &policy, reterr);
    } else {
        r = policy_load(options->policies, options->policy_count, &policy, reterr);
    }
    if (r == 0) {
        r = policy_requires_only(policy, PARTS_ENFORCED | PARTS_OF_OTHERS, reterr);
    }
    if (r < 0) {
        policy_unref(policy);
        return EXIT_CODE_POLICY_INVALID;
    }
    *ret_policy = policy;
    return EXIT_CODE_OK;
}

/* ---- where things lie ----------------------------------------------------------------------- */

static enum exit_code refuse_overlap(const char *what, const char *path, const char *with,
                                     struct failure *reterr)
{
    failure_set(reterr, -EINVAL, "the %s %s and %s lie inside one another", what, path, with);
    failure_set_needed(reterr, "the workload must not reach what judges and records it");
    failure_set_mend(reterr, "keep them in separate directories");
    return EXIT_CODE_USAGE;
}

static enum exit_code check_disjoint(const char *what, const char *path, const char *with,
                                     struct failure *reterr)
{
    enum tree_relation relation = TREE_SAME;
    int r = tree_relation_of_paths(path, with, &relation);

    if (r < 0) {
        failure_set(reterr, r, "cannot compare %s with %s: %s", path, with, strerror(-r));
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return relation == TREE_DISJOINT ? EXIT_CODE_OK : refuse_overlap(what, path, with, reterr);
}

/* Of an existing directory with the source, by descriptors: once mounted, paths lead through the
 * mount itself. */
static int relation_with_source(const struct startup *startup, const char *path,
                                enum tree_relation *ret_relation)
{
    AUTO_CLOSE int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    return tree_relation_of(fd, startup->tree_ready ? startup->tree.root_fd : startup->source,
                            ret_relation);
}

/* The files that were read: neither they nor a link on the way to them may lie in the source. */
static enum exit_code check_policy_files(const struct startup *startup, const struct policy *policy,
                                         struct failure *reterr)
{
    int source = startup->tree_ready ? startup->tree.root_fd : startup->source;
    const char *file;

    for (size_t i = 0; (file = policy_file(policy, i)) != NULL; i++) {
        bool through = true;

        if (path_leads_through(file, source, &through) < 0 || through) {
            return refuse_overlap("policy", file, startup->options.source, reterr);
        }
    }
    return EXIT_CODE_OK;
}

/* A rule binds one spelling of a name; where another opens the same file it binds nothing (SR16).
 */
static enum exit_code check_names(const struct startup *startup, const struct policy *policy,
                                  struct failure *reterr)
{
    const struct fs_settings settings = policy_fs_settings(policy);
    const char *source = startup->options.source;
    int r;

    if (!settings.may_deny && !settings.may_hide) {
        return EXIT_CODE_OK;
    }
    r = name_folding_of(startup->tree_ready ? startup->tree.root_fd : startup->source);
    if (r == 0) {
        return EXIT_CODE_OK;
    }
    if (r < 0) {
        failure_set(reterr, r, "cannot look how %s compares names: %s", source, strerror(-r));
        failure_set_mend(reterr, "give a directory that can be listed");
        return EXIT_CODE_FAILCORE_FAILED;
    }
    failure_set(reterr, -EINVAL, "%s takes two spellings for one name", source);
    failure_set_needed(reterr, "the policy has rules that deny or hide, and they compare bytes");
    failure_set_mend(reterr, "keep the workspace on another file system, or in a directory without "
                             "chattr +F");
    return EXIT_CODE_POLICY_INVALID;
}

/* Policies given as files; the directories that names are looked up in are fixed. */
static enum exit_code check_policies(const struct startup *startup, struct failure *reterr)
{
    static const char *const directories[] = {FAILCORE_SYSCONFDIR, "/var/lib/failcore",
                                              "/run/failcore"};
    enum exit_code code = EXIT_CODE_OK;

    for (size_t i = 0; code == EXIT_CODE_OK && i < startup->options.policy_count; i++) {
        const char *word = startup->options.policies[i];

        if (strchr(word, '/') != NULL ||
            str_view_ends_with(str_view_from(word), STR_VIEW_LITERAL(".yaml"))) {
            enum tree_relation relation = TREE_SAME;
            AUTO_FREE char *directory = strdup(word);
            char *slash = directory == NULL ? NULL : strrchr(directory, '/');

            if (directory == NULL) {
                return EXIT_CODE_FAILCORE_FAILED;
            }
            if (slash != NULL) {
                slash[slash == directory ? 1 : 0] = '\0';
            }
            /* A policy's directory may hold the workspace; the workspace may not hold a policy. */
            if (relation_with_source(startup, slash == NULL ? "." : directory, &relation) < 0 ||
                relation == TREE_SAME || relation == TREE_BELOW) {
                code = refuse_overlap("policy", word, startup->options.source, reterr);
            }
        }
    }
    for (size_t i = 0; code == EXIT_CODE_OK && !startup->tree_ready &&
                       i < sizeof(directories) / sizeof(directories[0]);
         i++) {
        code = check_disjoint("directory", directories[i], startup->options.source, reterr);
    }
    return code;
}

/*
 * Before a log writer is started, which would write there: neither the directory nor what it would
 * be made in lies in the source. Whatever else is wrong with it, attaching explains.
 */
static enum exit_code check_audit_place(const struct startup *startup, struct failure *reterr)
{
    enum tree_relation relation = TREE_SAME;
    char path[PATH_MAX];
    char place[PATH_MAX];
    bool exists = true;
    int r;

    if (startup->options.audit == NULL) {
        if (audit_directory_default(path, reterr) < 0) {
            return EXIT_CODE_FAILCORE_FAILED;
        }
    } else {
        snprintf(path, sizeof(path), "%s", startup->options.audit);
    }
    snprintf(place, sizeof(place), "%s", path);
    while ((r = relation_with_source(startup, place, &relation)) == -ENOENT) {
        char *slash = strrchr(place, '/');

        if (strcmp(place, ".") == 0 || strcmp(place, "/") == 0) {
            break;
        }
        exists = false;
        if (slash == NULL) {
            snprintf(place, sizeof(place), ".");
        } else {
            slash[slash == place ? 1 : 0] = '\0';
        }
    }
    if (r == 0 &&
        (relation == TREE_SAME || relation == TREE_BELOW || (relation == TREE_ABOVE && exists))) {
        return refuse_overlap("audit directory", path, startup->options.source, reterr);
    }
    return EXIT_CODE_OK;
}

static enum exit_code check_audit(const struct startup *startup, struct failure *reterr)
{
    const char *audit = audit_producer_directory(startup->audit);
    enum tree_relation relation = TREE_SAME;

    if (relation_with_source(startup, audit, &relation) < 0 || relation != TREE_DISJOINT) {
        return refuse_overlap("audit directory", audit, startup->options.source, reterr);
    }
    if (startup->mountpoint >= 0 && !startup->tree_ready &&
        (tree_relation_of_paths(audit, startup->mountpoint_path, &relation) < 0 ||
         relation == TREE_SAME || relation == TREE_BELOW)) {
        return refuse_overlap("audit directory", audit, startup->mountpoint_path, reterr);
    }
    return EXIT_CODE_OK;
}

static enum exit_code open_source(struct startup *startup, struct failure *reterr)
{
    const char *source = startup->options.source;
    int error;

    /* From a launcher that checked this very directory: its path may lead elsewhere by now. */
    startup->source = startup->options.source_fd >= 0
                          ? fcntl(startup->options.source_fd, F_DUPFD_CLOEXEC, 0)
                          : open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
    close_fd(&startup->options.source_fd);
    if (startup->source < 0) {
        error = -errno;
        failure_set(reterr, error, "cannot open the source %s: %s", source, strerror(-error));
        failure_set_mend(reterr, "give a directory that exists");
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}

/* A mount of ours whose server has died lies in the way: it answers ENOTCONN to everybody. */
static int open_mountpoint(struct startup *startup, struct failure *reterr)
{
    const char *path = startup->options.mountpoint;
    struct statfs status;
    int fd;

    if (statfs(path, &status) < 0 && errno == ENOTCONN) {
        (void)mount_device_close(startup->mountpoint_path, true, reterr);
    }
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static enum exit_code check_mountpoint(struct startup *startup, struct failure *reterr)
{
    enum tree_relation relation = TREE_SAME;
    int r;

    if (realpath(startup->options.mountpoint, startup->mountpoint_path) == NULL) {
        snprintf(startup->mountpoint_path, sizeof(startup->mountpoint_path), "%s",
                 startup->options.mountpoint);
    }
    startup->mountpoint = open_mountpoint(startup, reterr);
    if (startup->mountpoint < 0) {
        failure_set(reterr, startup->mountpoint, "cannot open the mountpoint %s: %s",
                    startup->options.mountpoint, strerror(-startup->mountpoint));
        failure_set_mend(reterr, "mkdir %s", startup->options.mountpoint);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    if (mount_device_is_ours(startup->mountpoint_path)) {
        failure_set(reterr, -EBUSY, "%s is mounted already", startup->mountpoint_path);
        failure_set_mend(reterr, "failcore-mount --unmount %s", startup->mountpoint_path);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    r = tree_relation_of(startup->source, startup->mountpoint, &relation);
    if (r < 0 || relation == TREE_ABOVE || relation == TREE_BELOW) {
        failure_set(reterr, -EINVAL, "%s and %s lie inside one another", startup->options.source,
                    startup->options.mountpoint);
        failure_set_mend(reterr, "mount elsewhere, or over the source itself");
        return EXIT_CODE_USAGE;
    }
    /* Mounting over SOURCE itself needs no guard: it is what is served. */
    if (relation == TREE_SAME) {
        return EXIT_CODE_OK;
    }
    /* After a crash of the server before us the directory is still shut: its own mode first. */
    r = mountpoint_guard_open(startup->mountpoint);
    if (r == 0) {
        r = mountpoint_guard_close(startup->mountpoint);
    }
    if (r < 0 && r != -EROFS) {
        failure_set(reterr, r, "cannot shut the directory under the mount: %s", strerror(-r));
        failure_set_needed(reterr, "nobody may take it for the workspace when the mount is gone");
        failure_set_mend(reterr, "mount over a directory of yours, on a file system with user "
                                 "extended attributes, or over the source itself");
        return EXIT_CODE_FAILCORE_FAILED;
    }
    startup->guarded = r == 0;
    return EXIT_CODE_OK;
}

/* ---- serving -------------------------------------------------------------------------------- */

/* The soft limit is no use to us; half of the hard one stays for files that are open. */
static unsigned int raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return 128;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_max / 2 > DESCRIPTORS_MOST ? DESCRIPTORS_MOST
                                                 : (unsigned int)(limit.rlim_max / 2);
}

static enum exit_code attach_audit(struct startup *startup, struct failure *reterr)
{
    const struct audit_producer_options options = {
        .directory = startup->options.audit,
        .run = startup->options.run,
        .program = "failcore-mount",
        .policy_name = policy_name(startup->policy),
        .policy_revision = policy_revision(startup->policy),
        .policy_hash = str_view_from(policy_hash(startup->policy)),
        .threads = THREADS + ring_transport_threads(), /* a ring of the log for each: 60 us */
        .part = startup->options.session_fd >= 0 && startup->options.supervisor_fd >= 0,
    };

    return audit_producer_attach(&options, &startup->audit, reterr) < 0 ? EXIT_CODE_FAILCORE_FAILED
                                                                        : EXIT_CODE_OK;
}

/* The device itself, or the socket that it comes over once it is mounted. */
static enum exit_code take_session(int fd, int *ret_device, struct failure *reterr)
{
    struct stat found;
    size_t count = 1;
    char byte;

    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fstat(fd, &found) < 0) {
        failure_set(reterr, -errno, "--session-fd is not an open descriptor");
        return EXIT_CODE_USAGE;
    }
    if (!S_ISSOCK(found.st_mode)) {
        *ret_device = fd;
        return EXIT_CODE_OK;
    }
    if (receive_with_fds(fd, &byte, 1, ret_device, &count) != 1 || count != 1) {
        failure_set(reterr, -EPIPE, "the mount was not handed over");
        return EXIT_CODE_FAILCORE_FAILED;
    }
    close(fd);
    return EXIT_CODE_OK;
}

/*
 * An ordinary user's: by fusermount3, which wants a directory that this user can write. So it is
 * shut once the mount covers it, and its descriptor leads below the mount still.
 */
static int mount_by_helper(struct startup *startup, const struct mount_request *request,
                           int *ret_device, struct failure *reterr)
{
    struct failure ignored = {0};
    int r = startup->guarded ? mountpoint_guard_open(startup->mountpoint) : 0;

    if (r == 0) {
        r = mount_helper_open(startup->mountpoint_path, request, ret_device, reterr);
    }
    if (r == 0 && startup->guarded) {
        r = mountpoint_guard_close(startup->mountpoint);
        if (r < 0) {
            close_fd(ret_device);
            (void)mount_helper_close(startup->mountpoint_path, true, &ignored);
            failure_set(reterr, r, "cannot shut the directory under the mount: %s", strerror(-r));
        }
    }
    return r;
}

static enum exit_code mount_tree(struct startup *startup, int *ret_device, struct failure *reterr)
{
    const struct mount_options *options = &startup->options;
    struct fs_settings settings = policy_fs_settings(startup->policy);
    struct mount_request request = {
        .source = options->source,
        .mountpoint = startup->mountpoint,
        .user = startup->tree.owner_uid,
        .group = startup->tree.owner_gid,
        .all_users = options->shared,
        .permissions = options->shared,
        .devices = settings.devices,
        .setuid = settings.setuid,
    };

    struct failure own = {0};
    int r;

    if (options->session_fd >= 0) {
        return take_session(options->session_fd, ret_device, reterr);
    }
    r = mount_device_open(&request, ret_device, &own);
    if ((r == -EPERM || r == -EACCES) && geteuid() != 0) {
        r = mount_by_helper(startup, &request, ret_device, reterr);
    } else if (r < 0) {
        *reterr = own;
    }
    if (r < 0) {
        return EXIT_CODE_FAILCORE_FAILED;
    }
    startup->mounted = true;
    return EXIT_CODE_OK;
}

static bool is_stacked(int directory)
{
    struct statfs status;

    return fstatfs(directory, &status) == 0 && status.f_type == OVERLAYFS_SUPER_MAGIC;
}

/*
 * Root's writes keep set-id bits; those of an agent whom root lets act as the owner must clear
 * them, as any owner's do, or a set-user-id program in the workspace could be given another
 * content.
 */
static int drop_set_id_right(void)
{
    struct capability_state state;
    int r = capabilities_read(&state);

    if (r < 0 || (state.permitted & CAPABILITY(CAP_FSETID)) == 0) {
        return r;
    }
    return capabilities_keep_only(state.permitted & ~CAPABILITY(CAP_FSETID));
}

static enum exit_code serve(struct startup *startup, struct failure *reterr)
{
    const struct mount_options *options = &startup->options;
    const struct tree_options tree_options = {
        .shared = options->shared,
        .strict = options->strict,
        .execs_are_counted = options->breaker_fd >= 0,
        .owner_is_shown = options->owner_is_shown,
        .shown_uid = options->shown_uid,
        .shown_gid = options->shown_gid,
        .shown_at = options->mountpoint != NULL ? startup->mountpoint_path : options->source,
        .shown_to_run_at = options->shown_at,
        .descriptors_kept = raise_descriptor_limit(),
        .timeout_seconds = options->strict ? 0 : CACHE_SECONDS,
    };
    const struct server_options server_options = {
        .attributes = options->attributes,
        .passthrough = options->passthrough,
        .stacked = is_stacked(startup->source),
        .threads = THREADS,
    };
    enum exit_code code;
    int device = -1;
    int r;

    r = tree_init(&startup->tree, startup->source, startup->policy, startup->audit, &tree_options);
    startup->source = -1;
    if (r < 0) {
        failure_set(reterr, r, "cannot read the source %s: %s", options->source, strerror(-r));
        return EXIT_CODE_FAILCORE_FAILED;
    }
    startup->tree_ready = true;
    /* Under a launcher the descriptor that heard of the start hears of this, too. */
    disk_budget_init(&startup->tree.disk,
                     policy_run_settings(startup->policy).limits[RUN_LIMIT_DISK],
                     options->session_fd >= 0 ? options->ready_fd : -1);
    r = breaker_place_open(&startup->tree, options, startup->policy);
    if (r < 0) {
        failure_set(reterr, r, "cannot count for the breaker: %s", strerror(-r));
        failure_set_mend(reterr, "check the runtime directory; at most %u different windows",
                         BREAKER_WINDOWS_MAX);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    code = mount_tree(startup, &device, reterr);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    r = options->shared ? 0 : drop_set_id_right();
    if (r < 0) {
        close(device);
        failure_set(reterr, r, "cannot give up CAP_FSETID: %s", strerror(-r));
        return EXIT_CODE_FAILCORE_FAILED;
    }
    /* Threads inherit the identity; the groups of whoever started us count for nobody. */
    r = options->shared ? caller_become_owner(geteuid(), getegid())
                        : caller_become_owner(startup->tree.owner_uid, startup->tree.owner_gid);
    if (r < 0) {
        close(device);
        failure_set(reterr, r, "cannot act as the owner of %s (user %u)", options->source,
                    (unsigned int)startup->tree.owner_uid);
        failure_set_mend(reterr, "run as root or as that user");
        return EXIT_CODE_FAILCORE_FAILED;
    }
    /* A launcher sees by itself that we are stopped; a service manager asks whether we live. */
    if (options->supervisor_fd < 0 && service_manager_watchdog_ms() < 0 &&
        server_watch_start(tree_options.shown_at, &startup->watch, reterr) < 0) {
        close(device);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    if (server_init(&startup->server, &startup->tree, device, &server_options, reterr) < 0 ||
        server_start(&startup->server, reterr) < 0) {
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}

static void open_control(struct startup *startup)
{
    /* Without it a reload needs SIGHUP; nothing else depends on it. */
    if (control_socket_path(startup->mountpoint_path, startup->control_path,
                            sizeof(startup->control_path)) < 0) {
        return;
    }
    startup->control = control_socket_listen(startup->control_path);
}

enum exit_code startup_run(struct startup *startup, const struct mount_options *options,
                           struct failure *reterr)
{
    enum exit_code code;

    *startup = (struct startup){
        .options = *options,
        .source = -1,
        .mountpoint = -1,
        .control = -1,
        .watch = -1,
        .server = {.device = -1, .started_event = -1, .ended_event = -1},
    };
    code = startup_load_policy(options, &startup->policy, reterr);
    if (code == EXIT_CODE_OK) {
        code = open_source(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = check_policies(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = check_policy_files(startup, startup->policy, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = check_names(startup, startup->policy, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = check_audit_place(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = attach_audit(startup, reterr);
    }
    if (code == EXIT_CODE_OK && options->mountpoint != NULL) {
        code = check_mountpoint(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = check_audit(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = serve(startup, reterr);
    }
    if (code == EXIT_CODE_OK && startup->mounted) {
        open_control(startup);
    }
    return code;
}

static enum exit_code mount_for_owner(struct startup *startup, int *ret_device,
                                      struct failure *reterr)
{
    const struct fs_settings settings = policy_fs_settings(startup->policy);
    struct mount_request request = {
        .source = startup->options.source,
        .mountpoint = startup->mountpoint,
        .devices = settings.devices,
        .setuid = settings.setuid,
    };
    struct stat owner;

    if (fstat(startup->source, &owner) < 0) {
        failure_set(reterr, -errno, "cannot look at the source %s: %s", request.source,
                    strerror(errno));
        return EXIT_CODE_FAILCORE_FAILED;
    }
    request.user = owner.st_uid;
    request.group = owner.st_gid;
    return mount_device_open(&request, ret_device, reterr) < 0 ? EXIT_CODE_FAILCORE_FAILED
                                                               : EXIT_CODE_OK;
}

enum exit_code startup_mount_only(struct startup *startup, const struct mount_options *options,
                                  int *ret_device, struct failure *reterr)
{
    struct failure ignored = {0};
    enum exit_code code;

    *startup = (struct startup){
        .options = *options,
        .source = -1,
        .mountpoint = -1,
        .control = -1,
        .watch = -1,
        .server = {.device = -1, .started_event = -1, .ended_event = -1},
    };
    if (mount_device_is_ours(options->mountpoint)) {
        (void)mount_device_close(options->mountpoint, true, &ignored);
    }
    code = startup_load_policy(options, &startup->policy, reterr);
    if (code == EXIT_CODE_OK) {
        code = open_source(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = check_policies(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = check_policy_files(startup, startup->policy, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = check_names(startup, startup->policy, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = check_mountpoint(startup, reterr);
    }
    return code == EXIT_CODE_OK ? mount_for_owner(startup, ret_device, reterr) : code;
}

enum exit_code startup_reload(struct startup *startup, unsigned int *ret_late,
                              struct failure *reterr)
{
    struct policy *policy = NULL;
    enum exit_code code;

    if (startup->options.policy_fd >= 0) {
        failure_set(reterr, -EOPNOTSUPP, "this mount's policy was handed over when it was started");
        failure_set_mend(reterr, "start the run again");
        return EXIT_CODE_USAGE;
    }
    code = startup_load_policy(&startup->options, &policy, reterr);
    if (code == EXIT_CODE_OK) {
        code = check_policies(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = check_policy_files(startup, policy, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = check_names(startup, policy, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = check_audit(startup, reterr);
    }
    if (code == EXIT_CODE_OK &&
        audit_producer_set_policy(startup->audit, policy_name(policy), policy_revision(policy),
                                  str_view_from(policy_hash(policy))) < 0) {
        failure_set(reterr, -EIO, "the change of policy cannot be recorded");
        failure_set_mend(reterr, "%s", denial_code_mend(DENIAL_AUDIT_UNAVAILABLE));
        code = EXIT_CODE_FAILCORE_FAILED;
    }
    if (code == EXIT_CODE_OK) {
        int r = breaker_set_policy(&startup->tree.breaker, policy);

        if (r < 0) {
            failure_set(reterr, r, "the new breaker cannot be kept: %s", strerror(-r));
            failure_set_mend(reterr, "at most %u different windows from start to end",
                             BREAKER_WINDOWS_MAX);
            code = EXIT_CODE_FAILCORE_FAILED;
        }
    }
    if (code != EXIT_CODE_OK) {
        policy_unref(policy);
        return code;
    }
    node_table_set_policy(&startup->tree.nodes, policy);
    policy_unref(startup->policy);
    startup->policy = policy;
    *ret_late = server_revoke(&startup->server);
    return EXIT_CODE_OK;
}

bool startup_is_mounted(const struct startup *startup)
{
    return startup->mounted && mount_device_is_ours(startup->mountpoint_path);
}

void startup_unmount(struct startup *startup)
{
    struct failure unused = {0};

    if (startup_is_mounted(startup)) {
        (void)mount_device_close(startup->mountpoint_path, true, &unused);
    }
    if (startup->control >= 0) {
        (void)unlink(startup->control_path);
        close_fd(&startup->control);
    }
    if (startup->guarded) {
        (void)mountpoint_guard_open(startup->mountpoint);
        startup->guarded = false;
    }
}

void startup_end(struct startup *startup)
{
    startup_unmount(startup);
    if (startup->mounted) {
        /* The connection has ended: the threads come home. */
        server_clear(&startup->server);
        if (startup->tree_ready) {
            tree_clear(&startup->tree);
        }
    }
    if (startup->audit != NULL) {
        audit_producer_detach(startup->audit);
    }
    policy_unref(startup->policy);
    close_fd(&startup->source);
    close_fd(&startup->mountpoint);
    close_fd(&startup->watch);
}
