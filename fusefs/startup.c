#include "fusefs/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fusefs/breaker_place.h"
#include "fusefs/control_socket.h"
#include "fusefs/mount_device.h"
#include "fusefs/ring_transport.h"
#include "fusefs/server_watch.h"
#include "fusefs/startup_mount.h"
#include "fusefs/startup_places.h"
#include "fusefs/view_session.h"
#include "shared/base/cleanup.h"
#include "shared/base/service_manager.h"
#include "shared/confine/capabilities.h"
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

static enum exit_code load_policy(const struct mount_options *options, struct policy **ret_policy,
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
        .full = policy_fs_settings(startup->policy).audit_full,
        /* A ring of the log for each: 60 us. One more is the run's root's. */
        .threads = THREADS + ring_transport_threads() + (startup->options.session_fd >= 0 ? 1 : 0),
        .part = startup->options.session_fd >= 0 && startup->options.supervisor_fd >= 0,
    };

    return audit_producer_attach(&options, &startup->audit, reterr) < 0 ? EXIT_CODE_FAILCORE_FAILED
                                                                        : EXIT_CODE_OK;
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

/* The run's root, where there is one. */
static enum exit_code serve_view(struct startup *startup, struct failure *reterr)
{
    const struct view_session_options options = {
        .audit = startup->audit,
        .denials = &startup->tree.denials,
        .unrecorded = &startup->tree.unrecorded,
        .strict = startup->options.strict,
    };

    return startup->view < 0 ||
                   view_session_start(take_fd(&startup->view), take_fd(&startup->view_names),
                                      &options, reterr) == 0
               ? EXIT_CODE_OK
               : EXIT_CODE_FAILCORE_FAILED;
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
    code = startup_mount(startup, &device, reterr);
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
    /* The root first: the launcher waits for it to go on. */
    if (serve_view(startup, reterr) != EXIT_CODE_OK ||
        server_init(&startup->server, &startup->tree, device, &server_options, reterr) < 0 ||
        server_start(&startup->server, reterr) < 0) {
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}

static void open_control(struct startup *startup)
{
    struct stat made;

    /* Without it a reload needs SIGHUP; nothing else depends on it. */
    if (control_socket_path(startup->mountpoint_path, startup->control_path,
                            sizeof(startup->control_path)) < 0) {
        return;
    }
    startup->control = control_socket_listen(startup->control_path);
    if (stat(startup->control_path, &made) == 0) {
        startup->control_inode = made.st_ino;
    }
}

/* Policy and source, and what must hold between them whoever serves or mounts. */
static enum exit_code read_and_check(struct startup *startup, const struct mount_options *options,
                                     struct failure *reterr)
{
    enum exit_code code;

    *startup = (struct startup){
        .options = *options,
        .source = -1,
        .mountpoint = -1,
        .control = -1,
        .view = -1,
        .view_names = -1,
        .watch = -1,
        .server = {.device = -1, .started_event = -1, .ended_event = -1},
    };
    code = load_policy(options, &startup->policy, reterr);
    if (code == EXIT_CODE_OK) {
        code = open_source(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = startup_check_policies(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = startup_check_policy_files(startup, startup->policy, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = startup_check_names(startup, startup->policy, reterr);
    }
    return code;
}

enum exit_code startup_run(struct startup *startup, const struct mount_options *options,
                           struct failure *reterr)
{
    enum exit_code code;

    code = read_and_check(startup, options, reterr);
    if (code == EXIT_CODE_OK) {
        code = startup_check_audit_place(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = attach_audit(startup, reterr);
    }
    if (code == EXIT_CODE_OK && options->mountpoint != NULL) {
        code = startup_check_mountpoint(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = startup_check_audit(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = serve(startup, reterr);
    }
    if (code == EXIT_CODE_OK && startup->mounted) {
        open_control(startup);
    }
    return code;
}

enum exit_code startup_mount_only(struct startup *startup, const struct mount_options *options,
                                  int *ret_device, struct failure *reterr)
{
    struct failure ignored = {0};
    enum exit_code code;

    if (mount_device_is_ours(options->mountpoint)) {
        (void)mount_device_close(options->mountpoint, true, &ignored);
    }
    code = read_and_check(startup, options, reterr);
    if (code == EXIT_CODE_OK) {
        code = startup_check_mountpoint(startup, reterr);
    }
    return code == EXIT_CODE_OK ? startup_mount_for_owner(startup, ret_device, reterr) : code;
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
    code = load_policy(&startup->options, &policy, reterr);
    if (code == EXIT_CODE_OK) {
        code = startup_check_policies(startup, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = startup_check_policy_files(startup, policy, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = startup_check_names(startup, policy, reterr);
    }
    if (code == EXIT_CODE_OK) {
        code = startup_check_audit(startup, reterr);
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
    audit_producer_set_full(startup->audit, policy_fs_settings(policy).audit_full);
    node_table_set_policy(&startup->tree.nodes, policy);
    policy_unref(startup->policy);
    startup->policy = policy;
    *ret_late = server_revoke(&startup->server);
    return EXIT_CODE_OK;
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
    } else {
        server_leave(&startup->server); /* of a start that failed half way */
    }
    if (startup->audit != NULL) {
        audit_producer_detach(startup->audit);
    }
    policy_unref(startup->policy);
    close_fd(&startup->source);
    close_fd(&startup->mountpoint);
    close_fd(&startup->watch);
}
