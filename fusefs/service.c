#include "fusefs/service.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/monotonic.h"
#include "shared/base/text_buffer.h"

#define SESSION_NAME "fuse"

int service_enter_host(struct failure *reterr)
{
    AUTO_CLOSE int host = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);

    if (host < 0 || setns(host, CLONE_NEWNS) < 0) {
        failure_set(reterr, -errno, "cannot enter the mounts of process 1: %s", strerror(errno));
        failure_set_mend(reterr, "run as root, as failcore-mount@.service does");
        return -errno;
    }
    return 0;
}

int service_keep_session(int device, struct failure *reterr)
{
    int error = service_manager_store(SESSION_NAME, device);

    if (error < 0) {
        failure_set(reterr, error, "the service manager does not keep the mount: %s",
                    strerror(-error));
        failure_set_mend(reterr,
                         "start it by failcore-mount@.service, which has a descriptor store");
    }
    return error;
}

int service_take_session(struct failure *reterr)
{
    int fd = service_manager_take(SESSION_NAME);

    if (fd < 0) {
        failure_set(reterr, fd, "the service manager has no mount for us: %s", strerror(-fd));
        failure_set_mend(reterr, "start it by failcore-mount@.service");
    }
    return fd;
}

static void tell_with_counts(const struct server *server, const char *state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(text_buffer_clear) struct text_buffer counts = {0};

    server_print_counts(server, &counts);
    text_buffer_printf(&text, "%s\nSTATUS=serving; requests over %s, data %s; %s", state,
                       server_transport(server), server_data_path(server),
                       text_buffer_text(&counts));
    (void)service_manager_tell(text_buffer_text(&text));
}

void service_ready(const struct server *server)
{
    if (service_manager_listens()) {
        tell_with_counts(server, "READY=1");
    }
}

static int64_t clock_ms(void)
{
    return (int64_t)monotonic_ms();
}

struct service_heartbeat service_heartbeat_init(const char *watched)
{
    struct service_heartbeat heartbeat = {.watched = watched,
                                          .period_ms = service_manager_watchdog_ms()};

    heartbeat.next_ms = clock_ms() + heartbeat.period_ms;
    return heartbeat;
}

int service_patience(const struct service_heartbeat *heartbeat, int most_ms)
{
    int64_t left = heartbeat->next_ms - clock_ms();

    if (heartbeat->period_ms < 0 || left > most_ms) {
        return most_ms;
    }
    return left < 0 ? 0 : (int)left;
}

void service_heartbeat(struct service_heartbeat *heartbeat, const struct server *server)
{
    struct statfs status;

    if (heartbeat->period_ms < 0 || clock_ms() < heartbeat->next_ms) {
        return;
    }
    heartbeat->next_ms = clock_ms() + heartbeat->period_ms;
    if (heartbeat->watched == NULL || statfs(heartbeat->watched, &status) == 0) {
        tell_with_counts(server, "WATCHDOG=1");
    }
}
