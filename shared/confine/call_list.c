#include "shared/confine/call_list.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#define NUMBERS_END       0x40000000u /* x32 begins there: other calls under the same names */
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#define NUMBERS_END       UINT32_MAX
#else
#error "no audit architecture known for this processor"
#endif

#define INSTRUCTIONS_PER_ROW 7U
#define INSTRUCTIONS_AROUND  10U

struct program {
    struct sock_filter code[CALL_ROWS_MAX * INSTRUCTIONS_PER_ROW + INSTRUCTIONS_AROUND];
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

/* The verdict on one call; always ends with a return. */
static void emit_verdict(struct program *program, const struct call_row *row)
{
    switch (row->condition) {
    case CALL_ANY:
        break;
    case CALL_NO_EXECUTION:
        emit(program, LOAD(ARGUMENT(2)));
        emit(program, ANY_BIT, PROT_EXEC, 0, 1);
        emit(program, RETURN(REFUSE));
        break;
    case CALL_INTERNET:
        emit(program, LOAD(ARGUMENT(0)));
        emit(program, EQUAL, AF_INET, 2, 0);
        emit(program, EQUAL, AF_INET6, 1, 0);
        emit(program, RETURN(REFUSE));
        break;
    case CALL_COMMANDS:
        emit(program, LOAD(ARGUMENT(1)));
        emit(program, EQUAL, row->commands[0], 2, 0);
        emit(program, EQUAL, row->commands[1], 1, 0);
        emit(program, RETURN(REFUSE));
        break;
    case CALL_FS_ALONE:
        emit(program, LOAD(ARGUMENT(0)));
        emit(program, EQUAL, CLONE_FS, 1, 0);
        emit(program, RETURN(REFUSE));
        break;
    case CALL_THREADS:
        emit(program, LOAD(ARGUMENT(0)));
        emit(program, ANY_BIT, CLONE_THREAD, 1, 0);
        emit(program, RETURN(REFUSE));
        break;
    }
    emit(program, RETURN(SECCOMP_RET_ALLOW));
}

int call_list_enter(const struct call_row *rows, size_t count)
{
    struct program program = {.length = 0};
    struct sock_fprog filter = {.filter = program.code};

    if (count > CALL_ROWS_MAX) {
        return -E2BIG;
    }
    emit(&program, LOAD(offsetof(struct seccomp_data, arch)));
    emit(&program, EQUAL, THIS_ARCHITECTURE, 1, 0);
    emit(&program, RETURN(SECCOMP_RET_KILL_PROCESS));
    emit(&program, LOAD(offsetof(struct seccomp_data, nr)));
    emit(&program, BPF_JMP | BPF_JGE | BPF_K, NUMBERS_END, 0, 1);
    emit(&program, RETURN(SECCOMP_RET_KILL_PROCESS));
    /* Its flags lie in memory that we cannot read: the C library takes clone(2) instead. */
    emit(&program, EQUAL, SYS_clone3, 0, 1);
    emit(&program, RETURN(SECCOMP_RET_ERRNO | ENOSYS));
    for (size_t i = 0; i < count; i++) {
        struct sock_filter *jump = &program.code[program.length];

        emit(&program, EQUAL, (uint32_t)rows[i].number, 0, 0);
        emit_verdict(&program, &rows[i]);
        jump->jf = (uint8_t)(&program.code[program.length] - jump - 1);
    }
    emit(&program, RETURN(REFUSE));
    filter.len = program.length;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0 ? -errno : 0;
}
