/*
 * Release at the end of a scope, and the one way to hand a thing over.
 *
 *     AUTO_CLOSE int fd = open(...);      closed when fd leaves its scope
 *     AUTO_FREE char *text = strdup(...); freed when text leaves its scope
 *     return take_fd(&fd);                the caller owns it from here
 *
 * Errors: releasing never changes errno.
 */
#ifndef FAILCORE_BASE_CLEANUP_H
#define FAILCORE_BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void close_fd(int *fd)
{
    if (*fd >= 0) {
        int saved = errno;

        close(*fd);
        errno = saved;
        *fd = -1;
    }
}

static inline int take_fd(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

static inline void free_pointer(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;
    int saved = errno;

    free(*pointer);
    errno = saved;
    *pointer = NULL;
}

static inline void *take_any_pointer(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;
    void *taken = *pointer;

    *pointer = NULL;
    return taken;
}

static inline void close_file(FILE **file)
{
    if (*file != NULL) {
        fclose(*file);
    }
}

static inline void close_directory(DIR **directory)
{
    if (*directory != NULL) {
        closedir(*directory);
    }
}

#define AUTO_CLOSE    __attribute__((cleanup(close_fd)))
#define AUTO_FREE     __attribute__((cleanup(free_pointer)))
#define AUTO_FCLOSE   __attribute__((cleanup(close_file)))
#define AUTO_CLOSEDIR __attribute__((cleanup(close_directory)))
#define AUTO(release) __attribute__((cleanup(release)))

#define take_pointer(pointer) ((__typeof__(*(pointer)))take_any_pointer(pointer))

#endif
