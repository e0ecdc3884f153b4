/*
 * An audit directory: its place, its mode, and the socket of the writer that owns it.
 *
 * DIR is 0700. The socket is DIR.writer, beside it: so that the directory holds the log alone.
 */
#ifndef FAILCORE_AUDIT_DIRECTORY_H
#define FAILCORE_AUDIT_DIRECTORY_H

#include <limits.h>
#include <sys/un.h>

#include "shared/base/failure.h"

/* Where this user's log lives: /var/log/failcore for root, else the XDG state directory. */
int audit_directory_default(char ret_path[static PATH_MAX], struct failure *reterr);

/*
 * Makes the directory with its parents when it is missing, and holds it to mode 0700 and to an
 * owner that is this user or root. `directory` NULL: the default. *ret_path is absolute and without
 * symbolic links. Returns a descriptor of it.
 */
int audit_directory_make(const char *directory, char ret_path[static PATH_MAX],
                         struct failure *reterr);

/* The same for reading: nothing is made or changed. */
int audit_directory_open(const char *directory, char ret_path[static PATH_MAX],
                         struct failure *reterr);

/*
 * The address of the writer's socket for an absolute path. A path too long for sun_path is
 * reached through /proc/self/fd; *ret_parent then holds it open (else -1) and is the caller's.
 */
int audit_socket_address(const char *path, struct sockaddr_un *ret_address, int *ret_parent);
/* Path of the socket itself, for rename(2) and unlink(2). */
int audit_socket_path(const char *path, char ret_path[static PATH_MAX]);

#endif
