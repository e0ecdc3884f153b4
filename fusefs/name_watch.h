/*
 * Whether somebody changes names of files underneath.
 *
 * The kernel may remember names for one second, the bound within which a change from outside is
 * seen; a program that takes longer than that asks for every name again. Where the backing file
 * system tells us of changes (inotify(7) on the directory), the name of a regular file may be
 * remembered for longer: when it goes, or becomes another file's, the kernel is told to forget it.
 * No verdict hangs on that: what is done with such a file finds it by its name and compares the
 * identity, and what makes a name looks it up first, as ever. It is for the rest: a file that is
 * open is found although its name has gone, and of a name that is another kind of object by now the
 * kernel says so by itself. Directories, links, what is not there, and attributes keep their
 * second.
 *
 * Our own removals and renames are told of, too. They are known by the node table, which had them
 * before: who is asked is asked NAME_WATCH_DELAY_MS later, of many changes at once.
 *
 * Changes that are too many to be looked at, or that the kernel has no room to tell of, make all
 * names doubted, at once. Of a file that is mounted upon another nothing is told: the name of one
 * that is open is believed for as long as it is remembered.
 *
 * Without it (another kind of file system, no watch to be had, NAME_WATCH_MAX directories watched
 * already) all is as it was: one second.
 *
 * Threads: any may ask name_watch_covers(); one runs name_watch_serve().
 */
#ifndef FAILCORE_FUSEFS_NAME_WATCH_H
#define FAILCORE_FUSEFS_NAME_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/str_view.h"

#define NAME_WATCH_SECONDS  30 /* how long a watched name is remembered */
#define NAME_WATCH_DELAY_MS 100
#define NAME_WATCH_LOOKS_MS 100 /* at changes of names in one turn; beyond that all are doubted */
#define NAME_WATCH_MAX      8192u
#define NAME_WATCH_BUCKETS  4096u

struct node;
struct tree;

enum node_watched { NODE_NOT_WATCHED = 0, NODE_WATCHED, NODE_NOT_TO_BE_WATCHED };

struct watched_directory {
    int number; /* inotify's */
    uint32_t next;
    uint64_t node;
};

struct name_watch {
    pthread_mutex_t lock;
    int events; /* inotify's descriptor; -1: names are not watched */
    int wake;   /* ends name_watch_serve(), or tells it that something was missed */
    atomic_bool serves;
    atomic_bool ends;
    atomic_bool missed;
    struct watched_directory *places; /* NAME_WATCH_MAX; chains by place + 1 */
    uint32_t buckets[NAME_WATCH_BUCKETS];
    uint32_t free_place; /* likewise */
    uint32_t used;
    int64_t swept_ms;
};

/* Where to say that names are to be forgotten. Called without a lock, by the serving thread. */
struct name_watch_listener {
    void *context;
    void (*forget)(void *context, uint64_t directory, struct str_view name);
    void (*forget_all)(void *context);
};

/* Never fails: what cannot be watched is not. */
void name_watch_init(struct name_watch *watch, int root_fd);
void name_watch_clear(struct name_watch *watch);

/*
 * Whether a change of a name in `directory` (pinned; `fd` is open on it) after this call will be
 * told; the status of what has the name is to be read after it.
 */
bool name_watch_covers(struct tree *tree, struct node *directory, int fd);
/* Before a name moves: it is remembered as where it was looked up. */
void name_watch_move(struct tree *tree, struct node *from, struct node *to, int to_fd);

/* Until name_watch_end(). Afterwards no directory is covered. */
void name_watch_serve(struct tree *tree, const struct name_watch_listener *listener);
void name_watch_end(struct name_watch *watch);

#endif
