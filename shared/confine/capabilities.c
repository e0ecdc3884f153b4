#include "shared/confine/capabilities.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITY_NUMBERS 64 /* the kernel refuses numbers that it does not know with EINVAL */

static int get_sets(struct __user_cap_data_struct data[static _LINUX_CAPABILITY_U32S_3])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

    return syscall(SYS_capget, &header, data) < 0 ? -errno : 0;
}

/* Nothing is inheritable: what we execute gets none of it. */
static int set_sets(capability_set permitted)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
        {
            .effective = (uint32_t)permitted,
            .permitted = (uint32_t)permitted,
        },
        {
            .effective = (uint32_t)(permitted >> 32),
            .permitted = (uint32_t)(permitted >> 32),
        },
    };

    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int capabilities_read(struct capability_state *ret_state)
{
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    struct capability_state state = {0};
    int error = get_sets(data);

    if (error < 0) {
        return error;
    }
    state.effective = (capability_set)data[1].effective << 32 | data[0].effective;
    state.permitted = (capability_set)data[1].permitted << 32 | data[0].permitted;
    state.inheritable = (capability_set)data[1].inheritable << 32 | data[0].inheritable;
    for (unsigned long number = 0; number < CAPABILITY_NUMBERS; number++) {
        int bound = prctl(PR_CAPBSET_READ, number, 0, 0, 0);

        if (bound < 0) {
            break;
        }
        state.bounding |= bound > 0 ? CAPABILITY(number) : 0;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0) > 0) {
            state.ambient |= CAPABILITY(number);
        }
    }
    *ret_state = state;
    return 0;
}

bool capabilities_have(capability_set wanted)
{
    struct capability_state state;

    return capabilities_read(&state) == 0 && (state.effective & wanted) == wanted;
}

static int shrink_bounding_set(const struct capability_state *state, capability_set kept)
{
    for (unsigned long number = 0; number < CAPABILITY_NUMBERS; number++) {
        if ((state->bounding & ~kept & CAPABILITY(number)) == 0) {
            continue;
        }
        if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0) {
            return -errno;
        }
    }
    return 0;
}

/* Where that cannot be done, no_new_privs must hold instead. */
static int bound(const struct capability_state *state, capability_set kept)
{
    int error = 0;

    if ((state->effective & CAPABILITY(CAP_SETPCAP)) == 0 &&
        (state->permitted & CAPABILITY(CAP_SETPCAP)) != 0) {
        error = set_sets(state->permitted);
    }
    if (error == 0) {
        error = shrink_bounding_set(state, kept);
    }
    return error < 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : error;
}

int capabilities_bound(capability_set kept)
{
    struct capability_state state;
    int error = capabilities_read(&state);

    return error < 0 ? error : bound(&state, kept);
}

int capabilities_keep_only(capability_set kept)
{
    struct capability_state state;
    int error = capabilities_read(&state);

    if (error < 0) {
        return error;
    }
    if ((kept & ~state.permitted) != 0) {
        return -EPERM;
    }
    error = bound(&state, kept);
    if (error < 0) {
        return error;
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) {
        return -errno;
    }
    return set_sets(kept);
}
