#include "shared/confine/syscall_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/confine/syscall_table.h"

#define ALL_32 UINT64_C(0xffffffff)

/* libseccomp knows the numbers of calls that the kernel's headers here do not name. */
static const struct syscall_row *named_rows(size_t *ret_count)
{
    static const struct syscall_row rows[] = {
#define NAMED_ROW(name, when, reason) {#name, 0, SYSCALL_##when, reason},
        SYSCALL_TABLE(NAMED_ROW)
#undef NAMED_ROW
#define NUMBERED_ROW(name, number, when, reason) {#name, number, SYSCALL_##when, reason},
            SYSCALL_NUMBER_TABLE(NUMBERED_ROW)
#undef NUMBERED_ROW
    };

    *ret_count = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

size_t syscall_filter_rows(struct syscall_row *rows, size_t room)
{
    size_t count;
    const struct syscall_row *all = named_rows(&count);

    for (size_t i = 0; i < count && i < room; i++) {
        rows[i] = all[i];
        if (rows[i].number == 0) {
            rows[i].number = seccomp_syscall_resolve_name(all[i].name);
        }
        /* Negative numbers stand for calls of other architectures. */
        rows[i].number = rows[i].number < 0 ? -1 : rows[i].number;
    }
    return count < room ? count : room;
}

static bool denied(enum syscall_when when, const struct syscall_filter_options *options)
{
    switch (when) {
    case SYSCALL_NESTED:
        return !options->nested;
    case SYSCALL_URING:
        return !options->io_uring;
    case SYSCALL_ALWAYS:
        break;
    }
    return true;
}

static int deny_rows(scmp_filter_ctx context, const struct syscall_filter_options *options)
{
    struct syscall_row rows[128];
    size_t count = syscall_filter_rows(rows, sizeof(rows) / sizeof(rows[0]));

    for (size_t i = 0; i < count; i++) {
        int error = 0;

        if (rows[i].number >= 0 && denied(rows[i].when, options)) {
            error = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), rows[i].number, 0);
        }
        if (error < 0) {
            return error;
        }
    }
    return 0;
}

/* One rule per flag: a rule can ask for bits that are set, not for "any of". */
static int deny_namespaces(scmp_filter_ctx context)
{
    static const uint64_t flags[] = {
#define FLAG_ROW(flag) (uint64_t)(flag),
        SYSCALL_NAMESPACE_FLAGS(FLAG_ROW)
#undef FLAG_ROW
    };
    const uint64_t new_time = 0x80; /* CLONE_NEWTIME: a signal's bit for clone(2) */
    int error = seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    for (size_t i = 0; error == 0 && i < sizeof(flags) / sizeof(flags[0]); i++) {
        error = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
        if (error == 0) {
            error = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1,
                                     SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
        }
    }
    if (error == 0) {
        error = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, new_time, new_time));
    }
    return error;
}

/* The kernel takes the low 32 bits of the request, so only those are compared. */
static int deny_ioctls(scmp_filter_ctx context)
{
    static const uint64_t requests[] = {
#define IOCTL_ROW(request, reason) (uint64_t)(request),
        SYSCALL_IOCTL_TABLE(IOCTL_ROW)
#undef IOCTL_ROW
    };

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        int error = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                                     SCMP_A1(SCMP_CMP_MASKED_EQ, ALL_32, requests[i]));

        if (error < 0) {
            return error;
        }
    }
    return 0;
}

static bool family_allowed(int family)
{
    static const int families[] = {
#define FAMILY_ROW(family, reason) family,
        SYSCALL_FAMILY_TABLE(FAMILY_ROW)
#undef FAMILY_ROW
    };

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (families[i] == family) {
            return true;
        }
    }
    return false;
}

/*
 * The family is an int to the kernel but a 64-bit register to the filter: whatever lies above the
 * known families is refused too, set high bits included, so no value can pass as two things.
 */
static int deny_families(scmp_filter_ctx context, int call)
{
    const uint64_t beyond = AF_MAX;
    int error = seccomp_rule_add(context, SCMP_ACT_ERRNO(EAFNOSUPPORT), call, 1,
                                 SCMP_A0(SCMP_CMP_GE, beyond, 0));

    for (int family = 0; error == 0 && family < AF_MAX; family++) {
        if (!family_allowed(family)) {
            error = seccomp_rule_add(context, SCMP_ACT_ERRNO(EAFNOSUPPORT), call, 1,
                                     SCMP_A0(SCMP_CMP_EQ, (uint64_t)family, 0));
        }
    }
    return error;
}

static int deny_sockets(scmp_filter_ctx context)
{
    static const uint64_t families[] = {AF_INET, AF_INET6};
    static const uint64_t types[] = {SOCK_RAW, SOCK_PACKET};
    int error = deny_families(context, SCMP_SYS(socket));

    if (error == 0) {
        error = deny_families(context, SCMP_SYS(socketpair));
    }
    for (size_t i = 0; i < 4 && error == 0; i++) {
        error = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 2,
                                 SCMP_A0(SCMP_CMP_EQ, families[i / 2], 0),
                                 SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, types[i % 2]));
    }
    if (error == 0) {
        error = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 2,
                                 SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0), SCMP_A2(SCMP_CMP_NE, 0, 0));
    }
    return error;
}

/* Without a right over the first process's capabilities, its limits are still anybody's who has its
 * user id: limits of others are refused, whoever they are. */
static int deny_limits_of_others(scmp_filter_ctx context)
{
    return seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 2,
                            SCMP_A0(SCMP_CMP_NE, 0, 0), SCMP_A2(SCMP_CMP_NE, 0, 0));
}

/*
 * The limit of core files stays as it is: at one, no program of the machine is started for a core
 * (cli/run/limits.c). Programs set it to zero for their own safety and end when they cannot: they
 * are told that they could.
 */
static int keep_core_limit(scmp_filter_ctx context)
{
    const struct scmp_arg_cmp core = SCMP_A1(SCMP_CMP_MASKED_EQ, ALL_32, RLIMIT_CORE);
    int error = seccomp_rule_add(context, SCMP_ACT_ERRNO(0), SCMP_SYS(setrlimit), 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, ALL_32, RLIMIT_CORE));

    error = error < 0 ? error
                      : seccomp_rule_add(context, SCMP_ACT_ERRNO(0), SCMP_SYS(prlimit64), 4,
                                         SCMP_A0(SCMP_CMP_EQ, 0, 0), core,
                                         SCMP_A2(SCMP_CMP_NE, 0, 0), SCMP_A3(SCMP_CMP_EQ, 0, 0));
    /* Whoever wants the old one as well would read what nobody wrote. */
    return error < 0 ? error
                     : seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 4,
                                        SCMP_A0(SCMP_CMP_EQ, 0, 0), core,
                                        SCMP_A2(SCMP_CMP_NE, 0, 0), SCMP_A3(SCMP_CMP_NE, 0, 0));
}

/*
 * The first process has the workload's user id when the run was started by an ordinary user, and
 * the kernel compares capabilities there without asking for whose namespace they are: root of a
 * namespace that the workload made could slow it. All processes of a user are not the workload's
 * either.
 */
static int deny_pace_of_first(scmp_filter_ctx context)
{
    static const int by_pid[] = {SCMP_SYS(sched_setaffinity), SCMP_SYS(sched_setscheduler),
                                 SCMP_SYS(sched_setparam), SCMP_SYS(sched_setattr)};
    static const int by_kind[] = {SCMP_SYS(setpriority), SCMP_SYS(ioprio_set)};
    static const uint64_t of_user[] = {2 /* PRIO_USER */, 3 /* IOPRIO_WHO_USER */};
    int error = 0;

    for (size_t i = 0; error == 0 && i < sizeof(by_pid) / sizeof(by_pid[0]); i++) {
        error = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), by_pid[i], 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, ALL_32, 1));
    }
    for (size_t i = 0; error == 0 && i < sizeof(by_kind) / sizeof(by_kind[0]); i++) {
        error = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), by_kind[i], 1,
                                 SCMP_A1(SCMP_CMP_MASKED_EQ, ALL_32, 1));
        error = error < 0 ? error
                          : seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), by_kind[i], 1,
                                             SCMP_A0(SCMP_CMP_MASKED_EQ, ALL_32, of_user[i]));
    }
    return error;
}

/* A memory file that can be executed would go past every list of executables. */
static int deny_executable_memory(scmp_filter_ctx context)
{
    const uint64_t noexec_seal = 0x8; /* MFD_NOEXEC_SEAL, Linux 6.3 */

    return seccomp_rule_add(context, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(memfd_create), 1,
                            SCMP_A1(SCMP_CMP_MASKED_EQ, noexec_seal, 0));
}

static int fill(scmp_filter_ctx context, const struct syscall_filter_options *options)
{
    /* A binary tree instead of a chain, and a foreign architecture is the end. */
    int error = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);

    error = error < 0 ? error
                      : seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    error = error < 0 ? error : deny_rows(context, options);
    error = error < 0 || options->nested ? error : deny_namespaces(context);
    error = error < 0 ? error : deny_ioctls(context);
    error = error < 0 ? error : deny_limits_of_others(context);
    error = error < 0 ? error : keep_core_limit(context);
    error = error < 0 ? error : deny_pace_of_first(context);
    error = error < 0 || !options->memory_files_noexec ? error : deny_executable_memory(context);
    return error < 0 ? error : deny_sockets(context);
}

static int export_program(scmp_filter_ctx context, struct syscall_filter *ret_filter)
{
    AUTO_CLOSE int fd = memfd_create("failcore-seccomp", MFD_CLOEXEC);
    struct sock_filter *program;
    struct stat written;
    int error;

    if (fd < 0) {
        return -errno;
    }
    error = seccomp_export_bpf(context, fd);
    if (error < 0) {
        return error;
    }
    if (fstat(fd, &written) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        return -errno;
    }
    program = malloc((size_t)written.st_size);
    if (program == NULL) {
        return -ENOMEM;
    }
    if (read_upto(fd, program, (size_t)written.st_size) != written.st_size) {
        free(program);
        return -EIO;
    }
    ret_filter->program = program;
    ret_filter->length = (size_t)written.st_size / sizeof(*program);
    return 0;
}

int syscall_filter_build(const struct syscall_filter_options *options,
                         struct syscall_filter *ret_filter)
{
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
    int error;

    if (context == NULL) {
        return -ENOMEM;
    }
    error = fill(context, options);
    if (error == 0) {
        error = export_program(context, ret_filter);
    }
    seccomp_release(context);
    return error;
}

void syscall_filter_clear(struct syscall_filter *filter)
{
    free(filter->program);
    *filter = (struct syscall_filter){0};
}

static int load(const struct sock_filter *program, size_t length)
{
    struct sock_fprog loaded = {.len = (unsigned short)length};

    memcpy(&loaded.filter, &program, sizeof(program)); /* seccomp(2) only reads it */
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &loaded) < 0 ? -errno : 0;
}

/*
 * What rules of libseccomp cannot say: "any number above", and "none but these two values". The
 * table's filter, loaded as well, has checked the architecture.
 */
static int load_ranges(void)
{
    static const struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, SYSCALL_LAST_KNOWN, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_personality, 0, 4),
        /* 0 is Linux's own, all ones only asks */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffff, 1, 2),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };

    return load(program, sizeof(program) / sizeof(program[0]));
}

int syscall_filter_load(const struct syscall_filter *filter)
{
    int error = load_ranges(); /* first: the table's filter might refuse seccomp(2) one day */

    return error < 0 ? error : load(filter->program, filter->length);
}
