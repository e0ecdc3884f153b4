#include "fusefs/server_confinement.h"

#include <stddef.h>
#include <sys/syscall.h>

#include "fusefs/fuse_abi.h"
#include "fusefs/server_syscalls.h"
#include "shared/confine/call_list.h"
#include "shared/confine/capabilities.h"
#include "shared/confine/privileges.h"
#include "shared/confine/sanitizer_syscalls.h"

/* aarch64 has no poll, readlink or faccessat of the old kind: the C library uses the newer ones. */
#ifndef SYS_poll
#define SYS_poll SYS_ppoll
#endif
#ifndef SYS_readlink
#define SYS_readlink SYS_readlinkat
#endif

/* The commands are looked at in the one row of ioctl. */
static const struct call_row calls[] = {
#define CALL_ROW(name, condition, reason)                                                          \
    {SYS_##name, CALL_##condition, {FUSE_ABI_BACKING_OPEN, FUSE_ABI_BACKING_CLOSE}},
    SERVER_SYSCALL_TABLE(CALL_ROW) SANITIZER_SYSCALL_TABLE(CALL_ROW)
#undef CALL_ROW
};
#define ROW_COUNT (sizeof(calls) / sizeof(calls[0]))
_Static_assert(ROW_COUNT <= CALL_ROWS_MAX, "the filter has room for every row");

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
    int r = privileges_forbid_new();

    if (r == 0) {
        r = capabilities_keep_only(wanted_capabilities(confinement));
    }
    return r < 0 ? r : call_list_enter(calls, ROW_COUNT);
}
