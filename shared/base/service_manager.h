/*
 * What a program says to the service manager that started it, and gets from it: sd_notify(3),
 * sd_listen_fds(3) and sd_watchdog_enabled(3) as protocols, without a library.
 *
 * Threads: for the main thread. Errors: negative errno. Without a service manager nothing is said,
 * and that is no error.
 */
#ifndef FAILCORE_BASE_SERVICE_MANAGER_H
#define FAILCORE_BASE_SERVICE_MANAGER_H

#include <stdbool.h>

/* True when $NOTIFY_SOCKET names one. */
bool service_manager_listens(void);

/* Lines of NAME=VALUE: "READY=1\nSTATUS=serving". */
int service_manager_tell(const char *state);

/*
 * The same for who will not be able to open a socket any more: a connection, and what is said over
 * it. -ENOTCONN: there is no manager; saying something to nobody (-1) is no error.
 */
int service_manager_connect(void);
int service_manager_say(int manager, const char *state);

/*
 * Keeps a descriptor under a name for the programs of this service that come after this one. It
 * is not polled: /dev/fuse would look hung up to the manager. Waits until the manager has it.
 * -ENOTCONN: there is no manager.
 */
int service_manager_store(const char *name, int fd);

/* Takes a descriptor with this name out of those that this program was started with and out of the
 * store: the caller is its only holder, but for a listening socket of the manager's own. -ENOENT:
 * there is none. */
int service_manager_take(const char *name);

/* How often the manager wants to hear WATCHDOG=1, halved; -1: not at all. */
int service_manager_watchdog_ms(void);

#endif
