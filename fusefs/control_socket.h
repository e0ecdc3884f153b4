/*
 * How `failcore-mount --reload MOUNTPOINT` (or --resume) reaches the server of a mount: a socket in
 * the runtime directory, named after the mount's device number. Only its owner and root are
 * listened to.
 *
 * Errors: negative errno.
 */
#ifndef FAILCORE_FUSEFS_CONTROL_SOCKET_H
#define FAILCORE_FUSEFS_CONTROL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

#define CONTROL_TEXT_MAX 2048

/* What may be asked. */
enum control_word { CONTROL_RELOAD = 0, CONTROL_RESUME };

/* What is answered: a code and text for a person. */
struct control_answer {
    int code; /* enum exit_code */
    char text[CONTROL_TEXT_MAX];
};

/* The directory of such sockets and of what else a server leaves outside its mount; made if need
 * be. -ENOENT: this user has no runtime directory. */
int control_directory(char *ret_path, size_t size);
/* The socket's path for the topmost mount at `mountpoint`. -ENOENT: nothing of ours is there. */
int control_socket_path(const char *mountpoint, char *ret_path, size_t size);

/* A listening socket; the caller owns it and unlinks the path at the end. */
int control_socket_listen(const char *path);
/* Takes one connection that asks for something; -EAGAIN when it is nobody we listen to. The caller
 * answers and closes. */
int control_socket_accept(int listening, enum control_word *ret_asked);
int control_socket_answer(int connection, const struct control_answer *answer);

/* The other side: asks and waits for the answer. */
int control_socket_ask(const char *path, enum control_word word, struct control_answer *ret_answer);

#endif
