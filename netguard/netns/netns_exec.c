#include "netguard/netns/netns_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netguard/link/topology.h"
#include "netguard/netns/netns_place.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/file_io.h"
#include "shared/confine/capabilities.h"
#include "shared/confine/descriptors.h"
#include "shared/confine/namespaces.h"
#include "shared/confine/privileges.h"
#include "shared/confine/user_map.h"

#define UNUSED_UID_FIRST 1879048192U /* 0x70000000: above what distributions hand out */
#define UNUSED_UID_COUNT 1048576U

struct command_user {
    uid_t uid;
    gid_t gid;
    uid_t uid_outside; /* as the writer of the map sees them */
    gid_t gid_outside;
    bool leaves_groups; /* started by root: its supplementary groups must not stay */
};

static int explain(struct failure *reterr, int error, const char *what)
{
    failure_set(reterr, error, "%s: %s", what, strerror(-error));
    failure_set_needed(reterr, "running the command in the guarded network");
    failure_set_mend(reterr, "failcore doctor");
    return error;
}

static bool id_from_environment(const char *name, unsigned int *ret_id)
{
    const char *text = getenv(name);
    char *end;
    unsigned long id = text == NULL ? 0 : strtoul(text, &end, 10);

    if (text == NULL || *text == '\0' || *end != '\0' || id == 0 || id >= UINT32_MAX) {
        return false;
    }
    *ret_id = (unsigned int)id;
    return true;
}

/* SR1: never root. The user behind sudo, or an id that nobody has. */
static int choose_user(struct command_user *user)
{
    uint32_t number;

    if (geteuid() != 0) {
        *user = (struct command_user){getuid(), getgid(), getuid(), getgid(), false};
        return 0;
    }
    if (!namespace_user_is_initial()) {
        /* Root of a user namespace is an ordinary user outside. */
        *user = (struct command_user){0, 0, 0, 0, false};
        return 0;
    }
    if (id_from_environment("SUDO_UID", &user->uid) &&
        id_from_environment("SUDO_GID", &user->gid)) {
        user->uid_outside = user->uid;
        user->gid_outside = user->gid;
        user->leaves_groups = true;
        return 0;
    }
    for (int tries = 0; tries < 64; tries++) {
        if (getrandom(&number, sizeof(number), 0) != sizeof(number)) {
            return -EIO;
        }
        number = UNUSED_UID_FIRST + number % UNUSED_UID_COUNT;
        if (getpwuid(number) == NULL) {
            *user = (struct command_user){number, number, number, number, true};
            return 0;
        }
    }
    return -EUSERS;
}

/* The configured one, by name or number: never root, and nobody but root may be somebody else. */
static int named_user(const char *name, struct command_user *user)
{
    const struct passwd *entry = getpwnam(name);
    char *end;
    unsigned long number = strtoul(name, &end, 10);

    if (entry == NULL && *name != '\0' && *end == '\0' && number < UINT32_MAX) {
        entry = getpwuid((uid_t)number);
    }
    if (entry == NULL) {
        return -ENOENT;
    }
    if (entry->pw_uid == 0 || !namespace_user_is_initial() ||
        (geteuid() != 0 && geteuid() != entry->pw_uid)) {
        return -EPERM;
    }
    *user = (struct command_user){entry->pw_uid, entry->pw_gid, entry->pw_uid, entry->pw_gid,
                                  geteuid() == 0};
    return 0;
}

/* ---- inside ------------------------------------------------------------------------------------
 */

static int write_resolver_file(const char *path)
{
    char guard[IP_ADDRESS_TEXT_MAX], text[96];
    struct ip_address address = topology_guard_v4();
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0) {
        return -errno;
    }
    snprintf(text, sizeof(text), "nameserver %s\n", ip_address_format(&address, guard));
    return write_all(fd, text, strlen(text));
}

/* An empty directory over one whose sockets lead to resolvers outside the guarded network. */
static int hide_directory(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0) {
        return 0;
    }
    return mount("none", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=64k") < 0
               ? -errno
               : 0;
}

/*
 * /etc/resolv.conf names the guard. The file is made in a tmpfs that covers /tmp for a moment; the
 * bind keeps it alive.
 */
static int bind_resolver(void)
{
    struct stat status;
    int error;

    error = hide_directory("/run/nscd");
    if (error == 0) {
        error = hide_directory("/run/systemd/resolve");
    }
    if (error == 0 && stat("/run/systemd/resolve", &status) == 0) {
        error = write_resolver_file("/run/systemd/resolve/stub-resolv.conf");
        if (error == 0) {
            error = write_resolver_file("/run/systemd/resolve/resolv.conf");
        }
    }
    if (error < 0 || stat("/etc/resolv.conf", &status) < 0) {
        return error; /* no file: nothing that could name another resolver */
    }
    if (mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=64k") <
        0) {
        return -errno;
    }
    error = write_resolver_file("/tmp/resolv.conf");
    if (error == 0 && mount("/tmp/resolv.conf", "/etc/resolv.conf", NULL, MS_BIND, NULL) < 0) {
        error = -errno;
    }
    if (umount2("/tmp", MNT_DETACH) < 0 && error == 0) {
        error = -errno;
    }
    return error;
}

static int prepare_view(void)
{
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        return -errno;
    }
    return bind_resolver();
}

/* Back to what a program expects to begin with. */
static void restore_signals(void)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
}

/* execvp says EACCES also for directories of PATH that this user may not search. */
static bool is_in_path(const char *name)
{
    const char *path = getenv("PATH");
    char file[PATH_MAX];
    struct stat status;

    if (strchr(name, '/') != NULL) {
        return stat(name, &status) == 0;
    }
    while (path != NULL) {
        size_t length = strcspn(path, ":");

        snprintf(file, sizeof(file), "%.*s/%s", (int)length, path, name);
        if (stat(file, &status) == 0) {
            return true;
        }
        path = path[length] == ':' ? path + length + 1 : NULL;
    }
    return false;
}

static _Noreturn void run_command(char *const *argv, int errors)
{
    int kept[] = {0, 1, 2, errors}, error;

    restore_signals();
    if (capabilities_keep_only(CAPABILITIES_NONE) < 0 || descriptors_close_except(kept, 4) < 0) {
        _exit(EXIT_CODE_FAILCORE_FAILED);
    }
    execvp(argv[0], argv);
    error = errno == EACCES && !is_in_path(argv[0]) ? ENOENT : errno;
    (void)write_all(errors, &error, sizeof(error));
    _exit(error == ENOENT ? EXIT_CODE_NOT_FOUND : EXIT_CODE_CANNOT_EXECUTE);
}

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The first process of the pid namespace: reaps everything, ends with the command. */
static _Noreturn void be_first(char *const *argv, int errors, pid_t parent)
{
    int error = process_die_with_parent(parent, SIGKILL), status;
    pid_t command, ended;

    if (error == 0) {
        error = prepare_view();
    }
    if (error == 0) {
        error = privileges_forbid_new();
    }
    if (error < 0) {
        error = -error;
        (void)write_all(errors, &error, sizeof(error));
        _exit(EXIT_CODE_FAILCORE_FAILED);
    }
    command = fork();
    if (command == 0) {
        run_command(argv, errors);
    }
    close_fd(&errors);
    if (command < 0 || capabilities_keep_only(CAPABILITIES_NONE) < 0) {
        _exit(EXIT_CODE_FAILCORE_FAILED);
    }
    for (;;) {
        ended = wait(&status);
        if (ended == command) {
            _exit(code_of(status));
        }
        if (ended < 0 && errno != EINTR) {
            _exit(EXIT_CODE_FAILCORE_FAILED);
        }
    }
}

/* Between the namespaces: makes them, waits for the ids, becomes the user, starts the first. */
static _Noreturn void enter_namespaces(const struct command_user *user, char *const *argv,
                                       int ready, int mapped, int errors, pid_t parent)
{
    char byte = 0;
    int status, error = 0;
    pid_t first;

    /* Before the user namespace: in it, setgroups(2) is denied, and what is there stays. */
    if (user->leaves_groups && setgroups(0, NULL) < 0) {
        error = -errno;
    }
    if (error == 0) {
        error = namespace_new(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS);
    }
    if (error < 0 || write_all(ready, &byte, 1) < 0 || read_upto(mapped, &byte, 1) != 1 ||
        setresgid(user->gid, user->gid, user->gid) < 0 ||
        setresuid(user->uid, user->uid, user->uid) < 0) {
        error = error < 0 ? -error : errno;
        (void)write_all(errors, &error, sizeof(error));
        _exit(EXIT_CODE_FAILCORE_FAILED);
    }
    /* After the last change of ids, which forgets the wish: a killed exec leaves nothing behind. */
    error = process_die_with_parent(parent, SIGKILL);
    if (error < 0) {
        error = -error;
        (void)write_all(errors, &error, sizeof(error));
        _exit(EXIT_CODE_FAILCORE_FAILED);
    }
    first = fork();
    if (first == 0) {
        be_first(argv, errors, 0);
    }
    close_fd(&errors);
    while (first > 0 && waitpid(first, &status, 0) < 0 && errno == EINTR) {
    }
    _exit(first < 0 ? EXIT_CODE_FAILCORE_FAILED : code_of(status));
}

/* ---- outside ------------------------------------------------------------------------------------
 */

static int join(const char *name, struct command_user *user, struct failure *reterr)
{
    AUTO_CLOSE int socket = netns_connect(name, reterr), agent = -1, owner = -1;
    int fds[2] = {-1, -1}, error = 0;
    size_t count = 2;
    char word[16] = "";

    if (socket < 0) {
        return netns_explain(name, socket, reterr);
    }
    if (send(socket, "join", 4, MSG_NOSIGNAL) != 4) {
        return netns_explain(name, -errno, reterr);
    }
    error = (int)receive_with_fds(socket, word, sizeof(word) - 1, fds, &count);
    if (error <= 0 || count == 0) {
        return netns_explain(name, error < 0 ? error : -EPIPE, reterr);
    }
    error = 0;
    agent = fds[0];
    owner = count > 1 ? fds[1] : -1;
    /* Root needs no leave of a guard that another user runs, and is nobody in its namespace. */
    if (owner >= 0 && !(geteuid() == 0 && namespace_user_is_initial())) {
        /* There the user behind the guard is root: that is who the command's map leads to. */
        error = namespace_enter(owner, CLONE_NEWUSER);
        user->uid_outside = geteuid();
        user->gid_outside = getegid();
    }
    if (error == 0) {
        error = namespace_enter(agent, CLONE_NEWNET);
    }
    return error < 0 ? explain(reterr, error, "cannot enter the guarded network") : 0;
}

static int write_map(pid_t pid, const struct command_user *user)
{
    struct user_map_range users = {user->uid, user->uid_outside, 1};
    struct user_map_range groups = {user->gid, user->gid_outside, 1};
    struct user_map map = {.users = &users,
                           .user_count = 1,
                           .groups = &groups,
                           .group_count = 1,
                           .deny_setgroups = true};

    return user_map_write(pid, &map);
}

static int wait_for(pid_t pid, int errors, const char *command, struct failure *reterr)
{
    int status, error = 0;
    bool failed = read_upto(errors, &error, sizeof(error)) == sizeof(error);

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (failed && code_of(status) == EXIT_CODE_FAILCORE_FAILED) {
        explain(reterr, -error, "cannot prepare the command's namespaces");
    } else if (failed) {
        failure_set(reterr, -error, "cannot execute %s: %s", command, strerror(error));
    }
    return code_of(status);
}

int netns_exec(const char *name, const char *as_user, char *const *argv, struct failure *reterr)
{
    AUTO_CLOSE int ready_read = -1, ready_write = -1, mapped_read = -1, mapped_write = -1;
    AUTO_CLOSE int errors_read = -1, errors_write = -1;
    struct command_user user = {.uid = getuid(), .gid = getgid()};
    int ready[2], mapped[2], errors[2];
    pid_t parent = getpid(), pid;
    char byte = 0;
    int error;

    /* Before the owner's namespace changes who we seem to be. */
    error = as_user == NULL ? choose_user(&user) : named_user(as_user, &user);
    if (error < 0) {
        explain(reterr, error,
                as_user == NULL ? "there is no user to run the command as"
                                : "the command cannot run as the configured user");
        return EXIT_CODE_FAILCORE_FAILED;
    }
    if (join(name, &user, reterr) < 0) {
        return EXIT_CODE_FAILCORE_FAILED;
    }
    if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(mapped, O_CLOEXEC) < 0 ||
        pipe2(errors, O_CLOEXEC) < 0) {
        explain(reterr, -errno, "cannot make a pipe");
        return EXIT_CODE_FAILCORE_FAILED;
    }
    ready_read = ready[0], ready_write = ready[1];
    mapped_read = mapped[0], mapped_write = mapped[1];
    errors_read = errors[0], errors_write = errors[1];
    pid = fork();
    if (pid == 0) {
        close_fd(&mapped_write);
        enter_namespaces(&user, argv, ready_write, mapped_read, errors_write, parent);
    }
    close_fd(&ready_write);
    close_fd(&errors_write);
    if (pid < 0) {
        explain(reterr, -errno, "cannot fork");
        return EXIT_CODE_FAILCORE_FAILED;
    }
    if (read_upto(ready_read, &byte, 1) == 1) {
        error = write_map(pid, &user);
        if (error < 0) {
            explain(reterr, error, "cannot map the command's user");
        } else {
            (void)write_all(mapped_write, &byte, 1);
        }
    }
    close_fd(&mapped_write);
    return wait_for(pid, errors_read, argv[0], reterr);
}
