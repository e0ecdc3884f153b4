/*
 * Finding the log writer that owns a directory, or starting one (failcore-auditd).
 *
 * The writer belongs to nobody: it leaves the starter's session, closes what it inherited, and
 * ends by itself some seconds after its last producer has gone. Two that start at once are held
 * apart by a lock on the directory; the later one leaves and its starter finds the earlier.
 */
#ifndef FAILCORE_AUDIT_WRITER_START_H
#define FAILCORE_AUDIT_WRITER_START_H

#include "shared/base/failure.h"

/*
 * A connected socket to the writer of `directory` (absolute). The peer is checked: it must be of
 * this user, of root, or of the directory's owner. Errors as connect(2) and as starting it.
 */
int writer_connect(const char *directory, struct failure *reterr);

#endif
