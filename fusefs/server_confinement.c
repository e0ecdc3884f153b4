#include "fusefs/server_confinement.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fusefs/fuse_abi.h"
#include "fusefs/server_syscalls.h"
#include "shared/confine/capabilities.h"
#include "shared/confine/privileges.h"
#include "shared/confine/sanitizer_syscalls.h"

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#define NUMBERS_END       0x40000000u /* x32 begins there: other calls under the same names */
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#define NUMBERS_END       UINT32_MAX
#else
#error "no audit architecture known for this processor"
#endif

/* On which argument a call depends. */
enum condition { ANY = 0, DEVICE_COMMANDS, FS_ALONE, NO_EXECUTION, THREADS };

struct row {
    struct server_syscall call;
    enum condition condition;
};

/* aarch64 has no poll, readlink or faccessat of the old kind: the C library uses the newer ones. */
#ifndef SYS_poll
#define SYS_poll SYS_ppoll
#endif
#ifndef SYS_readlink
#define SYS_readlink SYS_readlinkat
#endif

static const struct row rows[] = {
#define SERVER_SYSCALL_ROW(name, condition, reason) {{#name, SYS_##name, (reason)}, condition},
    SERVER_SYSCALL_TABLE(SERVER_SYSCALL_ROW) SANITIZER_SYSCALL_TABLE(SERVER_SYSCALL_ROW)
#undef SERVER_SYSCALL_ROW
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

size_t server_syscalls(const struct server_syscall **ret_rows)
{
    static struct server_syscall calls[ROW_COUNT];

    for (size_t i = 0; i < ROW_COUNT; i++) {
        calls[i] = rows[i].call;
    }
    *ret_rows = calls;
    return ROW_COUNT;
}

struct program {
    struct sock_filter code[ROW_COUNT * 8 + 16];
    unsigned short length;
};

static void emit(struct program *program, uint16_t code, uint32_t value, uint8_t when_true,
                 uint8_t when_false)
{
    program->code[program->length++] =
        (struct sock_filter)BPF_JUMP(code, value, when_true, when_false);
}

#define LOAD(offset_of)  BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset_of), 0, 0
#define RETURN(what)     BPF_RET | BPF_K, (what), 0, 0
#define EQUAL            BPF_JMP | BPF_JEQ | BPF_K
#define ANY_BIT          BPF_JMP | BPF_JSET | BPF_K
#define REFUSE           (SECCOMP_RET_ERRNO | EPERM)
#define ARGUMENT(number) (offsetof(struct seccomp_data, args) + 8 * (number)) /* its low half */

/* The verdict on the arguments of one call; always ends with a return. */
static void emit_condition(struct program *program, enum condition condition)
{
    switch (condition) {
    case ANY:
        break;
    case DEVICE_COMMANDS:
        emit(program, LOAD(ARGUMENT(1)));
        emit(program, EQUAL, (uint32_t)FUSE_ABI_BACKING_OPEN, 2, 0);
        emit(program, EQUAL, (uint32_t)FUSE_ABI_BACKING_CLOSE, 1, 0);
        emit(program, RETURN(REFUSE));
        break;
    case FS_ALONE:
        emit(program, LOAD(ARGUMENT(0)));
        emit(program, EQUAL, CLONE_FS, 1, 0);
        emit(program, RETURN(REFUSE));
        break;
    case NO_EXECUTION:
        emit(program, LOAD(ARGUMENT(2)));
        emit(program, ANY_BIT, PROT_EXEC, 0, 1);
        emit(program, RETURN(REFUSE));
        break;
    case THREADS:
        emit(program, LOAD(ARGUMENT(0)));
        emit(program, ANY_BIT, CLONE_THREAD, 1, 0);
        emit(program, RETURN(REFUSE));
        break;
    }
    emit(program, RETURN(SECCOMP_RET_ALLOW));
}

static void build(struct program *program)
{
    *program = (struct program){0};
    emit(program, LOAD(offsetof(struct seccomp_data, arch)));
    emit(program, EQUAL, THIS_ARCHITECTURE, 1, 0);
    emit(program, RETURN(SECCOMP_RET_KILL_PROCESS));
    emit(program, LOAD(offsetof(struct seccomp_data, nr)));
    emit(program, BPF_JMP | BPF_JGE | BPF_K, NUMBERS_END, 0, 1);
    emit(program, RETURN(SECCOMP_RET_KILL_PROCESS));
    /* Its flags lie in memory that we cannot read: the C library takes clone(2) instead. */
    emit(program, EQUAL, SYS_clone3, 0, 1);
    emit(program, RETURN(SECCOMP_RET_ERRNO | ENOSYS));
    for (size_t i = 0; i < ROW_COUNT; i++) {
        struct sock_filter *jump = &program->code[program->length];

        emit(program, EQUAL, (uint32_t)rows[i].call.number, 0, 0);
        emit_condition(program, rows[i].condition);
        jump->jf = (uint8_t)(&program->code[program->length] - jump - 1);
    }
    emit(program, RETURN(REFUSE));
}

static capability_set wanted_capabilities(const struct server_confinement *confinement)
{
    struct capability_state now;
    capability_set wanted = CAPABILITY(CAP_SYS_PTRACE); /* /proc/PID/exe of who asks */

    if (confinement->passthrough) {
        wanted |= CAPABILITY(CAP_SYS_ADMIN);
    }
    if (confinement->act_as_callers || confinement->owner_is_root) {
        wanted |= CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) |
                  CAPABILITY(CAP_DAC_READ_SEARCH) | CAPABILITY(CAP_FOWNER) |
                  CAPABILITY(CAP_FSETID) | CAPABILITY(CAP_MKNOD);
    }
    if (confinement->act_as_callers) {
        wanted |= CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID);
    }
    return capabilities_read(&now) < 0 ? CAPABILITIES_NONE : wanted & now.permitted;
}

int server_confine(const struct server_confinement *confinement)
{
    struct program program;
    struct sock_fprog filter = {.filter = program.code};
    int r = privileges_forbid_new();

    if (r == 0) {
        r = capabilities_keep_only(wanted_capabilities(confinement));
    }
    if (r < 0) {
        return r;
    }
    build(&program);
    filter.len = program.length;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0 ? -errno : 0;
}
