/*
 * How `failcore-mount --reload MOUNTPOINT` reaches the server of a mount: a socket in the runtime
 * directory, named after the mount's device number. Only its owner and root are listened to.
 *
 * Errors: negative errno.
 */
#ifndef FAILCORE_FUSEFS_CONTROL_SOCKET_H
#define FAILCORE_FUSEFS_CONTROL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

#define CONTROL_TEXT_MAX 2048

/* What was asked is "reload"; what is answered is a code and text for a person. */
struct control_answer {
    int code; /* enum exit_code */
    char text[CONTROL_TEXT_MAX];
};

/* The socket's path for the topmost mount at `mountpoint`. -ENOENT: nothing of ours is there. */
int control_socket_path(const char *mountpoint, char *ret_path, size_t size);

/* A listening socket; the caller owns it and unlinks the path at the end. */
int control_socket_listen(const char *path);
/* Takes one connection that asks for a reload; -EAGAIN when it is nobody we listen to. The caller
 * answers and closes. */
int control_socket_accept(int listening);
int control_socket_answer(int connection, const struct control_answer *answer);

/* The other side: asks and waits for the answer. */
int control_socket_ask(const char *path, struct control_answer *ret_answer);

#endif
