/*
 * Whose the log is. Started as root, a writer gives up root before it reads the first byte of a
 * producer: it becomes the owner of the audit directory. A directory that root made is given to the
 * system user failcore-audit, or, where there is none, to a number that nobody has.
 *
 * The keeper stays root: it reads no record. While a log is opened the writer works as the owner
 * already and is root only for the key's directory (identity_raise()). Where the ids cannot be
 * changed (a user namespace that maps one user), everything stays with that one user.
 */
#ifndef FAILCORE_AUDITD_IDENTITY_H
#define FAILCORE_AUDITD_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#define IDENTITY_USER "failcore-audit"
/* The top of systemd's range for containers, in which it would be their 65535: nobody's. Below what
 * runs get (cli/run/identity.c). */
#define IDENTITY_UNUSED 0x6FFFFFFFU

struct identity {
    uid_t uid;
    gid_t gid;
    bool is_separate; /* false: nothing is changed */
};

/* Gives a directory that is root's to the writer's user. Negative errno. */
int identity_choose(int directory, struct identity *ret_identity);
/* From here on files are made and opened as that user. */
int identity_assume(const struct identity *identity);
/* For good. */
int identity_settle(const struct identity *identity);

/* Root again, if the writer is still allowed to be; identity_lower() with what it returned. */
struct identity identity_raise(void);
void identity_lower(const struct identity *before);

#endif
