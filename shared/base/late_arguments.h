/*
 * A program that is started before it is known what it is to do: its loader works while its starter
 * makes up its mind.
 *
 *     PROGRAM [WORD...] --arguments-fd N
 *
 * waits on the unix socket N (SOCK_SEQPACKET) for one message, the rest of its arguments. A word
 * that names a descriptor has it in the message (SCM_RIGHTS).
 */
#ifndef FAILCORE_BASE_LATE_ARGUMENTS_H
#define FAILCORE_BASE_LATE_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#define LATE_ARGUMENTS_OPTION "--arguments-fd"

/* An empty word stands for the number that the next descriptor will have there. The descriptors are
 * borrowed. -EPIPE: the program has ended. -E2BIG */
int late_arguments_send(int socket, const char *const *words, size_t word_count, const int *fds,
                        size_t fd_count);

/* The last two arguments are the option and a socket. */
bool late_arguments_expected(int argc, char *const *argv);

/*
 * Waits for the rest when it is expected, and puts it in the place of the two; else changes
 * nothing. The arguments live as long as the process, their descriptors are
 * close-on-exec. -EPIPE: the starter has ended or needs nothing; -EPROTO.
 */
int late_arguments_take(int *argc, char ***argv);

#endif
