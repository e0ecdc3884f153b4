#include "shared/confine/privileges.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int privileges_forbid_new(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int process_hide(void)
{
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

int process_die_with_parent(pid_t parent, int signal)
{
    if (prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) < 0) {
        return -errno;
    }
    return getppid() == parent ? 0 : -ESRCH;
}

int process_forbid_core(void)
{
    const struct rlimit none = {0};

    return setrlimit(RLIMIT_CORE, &none) < 0 ? -errno : 0;
}
