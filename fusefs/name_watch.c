#include "fusefs/name_watch.h"

#include <errno.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "fusefs/fs_request.h"
#include "shared/base/cleanup.h"

/* A new name matters to nobody: that there was none is remembered for a second alone. */
#define CHANGES (IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef F2FS_SUPER_MAGIC
#define F2FS_SUPER_MAGIC 0xF2F52010
#endif

/* File systems that nobody changes but this kernel, by these directories. */
static bool tells_all(int root_fd)
{
    struct statfs status;

    if (fstatfs(root_fd, &status) < 0) {
        return false;
    }
    switch ((uint32_t)status.f_type) {
    case EXT4_SUPER_MAGIC: /* and ext2, ext3 */
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case TMPFS_MAGIC:
        return true;
    default:
        return false;
    }
}

void name_watch_init(struct name_watch *watch, int root_fd)
{
    *watch = (struct name_watch){.events = -1, .wake = -1};
    pthread_mutex_init(&watch->lock, NULL);
    if (!tells_all(root_fd)) {
        return;
    }
    watch->places = calloc(NAME_WATCH_MAX, sizeof(*watch->places));
    watch->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watch->places != NULL && watch->wake >= 0) {
        watch->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    }
}

void name_watch_clear(struct name_watch *watch)
{
    close_fd(&watch->events);
    close_fd(&watch->wake);
    free(watch->places);
    watch->places = NULL;
    pthread_mutex_destroy(&watch->lock);
}

/* ---- which directories ---------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    return (int64_t)(fs_clock_ns() / 1000000);
}

static uint32_t *bucket_of(struct name_watch *watch, int number)
{
    return &watch->buckets[(uint32_t)number % NAME_WATCH_BUCKETS];
}

static struct watched_directory *find(struct name_watch *watch, int number)
{
    uint32_t at = *bucket_of(watch, number);

    while (at != 0 && watch->places[at - 1].number != number) {
        at = watch->places[at - 1].next;
    }
    return at == 0 ? NULL : &watch->places[at - 1];
}

static bool has_room(const struct name_watch *watch)
{
    return watch->free_place != 0 || watch->used < NAME_WATCH_MAX;
}

static void add(struct name_watch *watch, int number, uint64_t node)
{
    struct watched_directory *known = find(watch, number);
    uint32_t *bucket = bucket_of(watch, number);
    uint32_t place = watch->free_place;

    if (known != NULL) {
        known->node = node; /* the same directory, forgotten and looked up again */
        return;
    }
    if (place != 0) {
        watch->free_place = watch->places[place - 1].next;
    } else {
        place = ++watch->used;
    }
    watch->places[place - 1] =
        (struct watched_directory){.number = number, .next = *bucket, .node = node};
    *bucket = place;
}

/* Takes the number's place out of its chain; 0 when it has none. */
static uint64_t drop(struct name_watch *watch, int number)
{
    uint32_t *at = bucket_of(watch, number);
    uint64_t node;
    uint32_t place;

    while (*at != 0 && watch->places[*at - 1].number != number) {
        at = &watch->places[*at - 1].next;
    }
    place = *at;
    if (place == 0) {
        return 0;
    }
    node = watch->places[place - 1].node;
    *at = watch->places[place - 1].next;
    watch->places[place - 1] = (struct watched_directory){.next = watch->free_place};
    watch->free_place = place;
    return node;
}

/* Directories that the kernel has forgotten need no watch; once a second at most, when it is full.
 */
static void sweep(struct tree *tree)
{
    struct name_watch *watch = &tree->watch;
    int64_t now = now_ms();

    if (now - watch->swept_ms < 1000) {
        return;
    }
    watch->swept_ms = now;
    for (uint32_t place = 0; place < watch->used; place++) {
        const struct watched_directory at = watch->places[place];
        struct node *node;

        if (at.number == 0) {
            continue;
        }
        node = node_table_pin(&tree->nodes, at.node);
        if (node == NULL) {
            (void)drop(watch, at.number);
            (void)inotify_rm_watch(watch->events, at.number);
        }
        node_table_unpin(&tree->nodes, node);
    }
}

static void begin(struct tree *tree, struct node *directory, int fd)
{
    struct name_watch *watch = &tree->watch;
    char text[TREE_FD_TEXT_MAX];
    int number;

    pthread_mutex_lock(&watch->lock);
    if (!has_room(watch)) {
        sweep(tree);
    }
    if (has_room(watch)) {
        /* Relative to the threads' working directory: the call knows no other way to a descriptor.
         */
        number = inotify_add_watch(watch->events, tree_fd_text(fd, text), CHANGES);
        if (number > 0) {
            add(watch, number, directory->id);
        }
        atomic_store(&directory->watched, number > 0 ? NODE_WATCHED : NODE_NOT_TO_BE_WATCHED);
    }
    pthread_mutex_unlock(&watch->lock);
}

bool name_watch_covers(struct tree *tree, struct node *directory, int fd)
{
    if (!atomic_load_explicit(&tree->watch.serves, memory_order_relaxed)) {
        return false;
    }
    if (atomic_load(&directory->watched) == NODE_NOT_WATCHED) {
        begin(tree, directory, fd);
    }
    return atomic_load(&directory->watched) == NODE_WATCHED;
}

/* Also for the serving thread's ears alone: something may have changed that it was not told of. */
static void wake(struct name_watch *watch)
{
    const uint64_t one = 1;

    (void)!write(watch->wake, &one, sizeof(one));
}

void name_watch_move(struct tree *tree, struct node *from, struct node *to, int to_fd)
{
    if (from != to && atomic_load(&from->watched) == NODE_WATCHED &&
        !name_watch_covers(tree, to, to_fd)) {
        atomic_store(&tree->watch.missed, true);
        wake(&tree->watch);
    }
}

/* ---- what has changed ----------------------------------------------------------------------- */

/* The kernel was told that the name is one object, and it is not that any more. */
static bool is_stale(struct tree *tree, struct node *directory, struct str_view name)
{
    AUTO(descriptor_release) struct descriptor *above = NULL;
    struct node_identity known;
    struct node_identity found;
    struct statx status;

    if (!node_table_identity(&tree->nodes, directory, name, &known)) {
        return false; /* our own doing, most often */
    }
    if (tree_hold(tree, directory, &above) < 0 ||
        tree_status_at(above->fd, name.bytes, &status) < 0) {
        return true;
    }
    found = node_identity_from(&status);
    return !node_identity_equals(&known, &found);
}

/* False when there are changes that it does not name, or that nobody `looks` at. */
static bool take_event(struct tree *tree, const struct inotify_event *event, bool looks,
                       const struct name_watch_listener *listener)
{
    struct name_watch *watch = &tree->watch;
    const struct watched_directory *place;
    struct node *directory;
    uint64_t id = 0;

    if ((event->mask & (IN_Q_OVERFLOW | IN_UNMOUNT)) != 0 ||
        (!looks && (event->mask & IN_IGNORED) == 0)) {
        return false;
    }
    pthread_mutex_lock(&watch->lock);
    if ((event->mask & IN_IGNORED) != 0) {
        id = drop(watch, event->wd);
    } else {
        place = find(watch, event->wd);
        id = place == NULL ? 0 : place->node;
    }
    pthread_mutex_unlock(&watch->lock);
    directory = id == 0 ? NULL : node_table_pin(&tree->nodes, id);
    if (directory == NULL) {
        return true;
    }
    if ((event->mask & IN_IGNORED) != 0) {
        atomic_store(&directory->watched, NODE_NOT_WATCHED);
    } else if (event->len > 0 && is_stale(tree, directory, str_view_from(event->name))) {
        listener->forget(listener->context, id, str_view_from(event->name));
    }
    node_table_unpin(&tree->nodes, directory);
    return true;
}

/*
 * Changes may come quicker than they are looked at, and go on doing so: what lies behind them, or
 * was lost because of them, is not to wait for their end.
 */
static void take_events(struct tree *tree, const struct name_watch_listener *listener)
{
    struct name_watch *watch = &tree->watch;
    _Alignas(struct inotify_event) char bytes[16384];
    bool all_named = !atomic_exchange(&watch->missed, false);
    const int64_t began = now_ms();
    int64_t took = 0;
    ssize_t length;

    while (!atomic_load(&watch->ends) && took < 2 * NAME_WATCH_LOOKS_MS &&
           (length = read(watch->events, bytes, sizeof(bytes))) > 0) {
        for (ssize_t at = 0; at < length;) {
            const struct inotify_event *event = (const void *)(bytes + at);

            all_named = take_event(tree, event, took < NAME_WATCH_LOOKS_MS, listener) && all_named;
            at += (ssize_t)sizeof(*event) + event->len;
        }
        took = now_ms() - began;
    }
    if (!all_named) {
        listener->forget_all(listener->context);
    }
}

/* Waits for a change; then a moment longer, so that many of them cost one awakening. */
static void await_change(struct name_watch *watch)
{
    struct pollfd ready[] = {{.fd = watch->wake, .events = POLLIN},
                             {.fd = watch->events, .events = POLLIN}};
    uint64_t count;

    (void)poll(ready, 2, -1);
    (void)!read(watch->wake, &count, sizeof(count));
    if (!atomic_load(&watch->ends)) {
        (void)poll(ready, 1, NAME_WATCH_DELAY_MS);
    }
}

void name_watch_serve(struct tree *tree, const struct name_watch_listener *listener)
{
    struct name_watch *watch = &tree->watch;

    if (watch->events < 0) {
        return;
    }
    atomic_store(&watch->serves, true);
    while (!atomic_load(&watch->ends)) {
        await_change(watch);
        take_events(tree, listener);
    }
    atomic_store(&watch->serves, false);
}

void name_watch_end(struct name_watch *watch)
{
    atomic_store(&watch->ends, true);
    wake(watch);
}
