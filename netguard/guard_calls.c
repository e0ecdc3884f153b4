#include "netguard/guard_calls.h"

#include <errno.h>
#include <sys/syscall.h>

#include "shared/confine/call_list.h"
#include "shared/confine/landlock.h"
#include "shared/confine/sanitizer_syscalls.h"

/* aarch64 has neither of the old kind. */
#ifndef SYS_poll
#define SYS_poll SYS_ppoll
#endif
#ifndef SYS_epoll_wait
#define SYS_epoll_wait SYS_epoll_pwait
#endif

static const struct guard_call calls[] = {
#define GUARD_CALL_ROW(name, processes, condition, reason) {#name, (processes), (reason)},
    GUARD_CALL_TABLE(GUARD_CALL_ROW)
#undef GUARD_CALL_ROW
#define SANITIZER_ROW(name, condition, reason) {#name, GUARD_ALL, (reason)},
        SANITIZER_SYSCALL_TABLE(SANITIZER_ROW)
#undef SANITIZER_ROW
};
#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))

static const struct call_row rows[CALL_COUNT] = {
#define GUARD_CALL_ROW(name, processes, when, reason) {.number = SYS_##name, .condition = (when)},
    GUARD_CALL_TABLE(GUARD_CALL_ROW)
#undef GUARD_CALL_ROW
#define SANITIZER_ROW(name, when, reason) {.number = SYS_##name, .condition = CALL_ANY},
        SANITIZER_SYSCALL_TABLE(SANITIZER_ROW)
#undef SANITIZER_ROW
};

size_t guard_calls(const struct guard_call **ret_rows)
{
    *ret_rows = calls;
    return CALL_COUNT;
}

int guard_calls_enter(enum guard_process process)
{
    struct call_row own[CALL_COUNT];
    size_t count = 0;
    int error = landlock_forbid_files();

    /* Without Landlock no call in the table opens a file either: it is the second lock. */
    if (error < 0 && error != -EOPNOTSUPP) {
        return error;
    }
    for (size_t i = 0; i < CALL_COUNT; i++) {
        if ((calls[i].processes & (unsigned int)process) != 0) {
            own[count++] = rows[i];
        }
    }
    return call_list_enter(own, count);
}
