/*
 * The one who looks whether the server still runs.
 *
 * A server that is stopped (SIGSTOP, a debugger, the terminal's job control) holds /dev/fuse and
 * answers nothing: whoever asks waits, and cannot even be killed. Under `failcore run` the
 * supervisor ends it, as a service the manager's watchdog does. A mount that stands alone has this
 * process: it ends a server that has been stopped for SERVER_WATCH_SECONDS. The mount then answers
 * ENOTCONN, as it does for every server that is killed.
 *
 * It has no capability, six system calls, and three descriptors: the server's process, its state,
 * and standard error. None of them is /dev/fuse (SR5).
 */
#ifndef FAILCORE_FUSEFS_SERVER_WATCH_H
#define FAILCORE_FUSEFS_SERVER_WATCH_H

#include "shared/base/failure.h"
#include "shared/base/str_view.h"

#define SERVER_WATCH_SECONDS 10

/*
 * Watches over the calling process from here on. It comes back when the watch has closed what it
 * inherited and has confined itself. *ret_watch is its process (process_handle.h): readable when
 * nobody watches any more. `mountpoint` is for what it tells.
 */
int server_watch_start(const char *mountpoint, int *ret_watch, struct failure *reterr);

/* From the text of /proc/PID/stat: stopped by a signal or by who traces it. A text that cannot be
 * read is no sign of life. */
bool server_watch_is_stopped(struct str_view status);

#endif
