/*
 * What the writer's loop says to a service manager: that it serves, what it did, and, as often as
 * the manager asks for it, that it still turns. Without a manager nothing is said.
 */
#ifndef FAILCORE_AUDITD_SIGN_OF_LIFE_H
#define FAILCORE_AUDITD_SIGN_OF_LIFE_H

struct server;

/* The first word of a writer. */
void sign_of_life_begin(struct server *server);
/* Once a turn; speaks when it is time to. */
void sign_of_life_give(struct server *server);

#endif
