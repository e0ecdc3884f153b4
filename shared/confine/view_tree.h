/*
 * The names that a run sees outside its workspace: a small tree of directories, of places that
 * something is mounted on, and of links, with no file system behind it. The launcher makes it of
 * its tables, failcore-mount serves it as the run's root (fusefs/view_requests.h).
 *
 * Ownership: view_tree_clear() releases it; texts are copied. Threads: read-only once it is made.
 * Errors: negative errno.
 */
#ifndef FAILCORE_CONFINE_VIEW_TREE_H
#define FAILCORE_CONFINE_VIEW_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/str_view.h"
#include "shared/base/text_buffer.h"

#define VIEW_TREE_MAX 16384 /* names; more: -E2BIG */
#define VIEW_ROOT     0u
#define VIEW_NOWHERE  UINT32_MAX

/* letter in the text form, what it is */
#define VIEW_KIND_TABLE(ROW)                                                                       \
    ROW(ABSENT, 'a', "what programs look for by themselves, and do not find: no refusal")          \
    ROW(ELSEWHERE, 'e', "stands for a place of the machine: neither listed nor anything in it")    \
    ROW(FILE, 'f', "a file, mounted over")                                                         \
    ROW(LINK, 'l', "a symbolic link")                                                              \
    ROW(DIRECTORY, 'd', "a directory, and maybe something mounted over it")

/* A later one takes the place of an earlier one. */
enum view_kind {
#define VIEW_KIND_ENUM(name, letter, meaning) VIEW_##name,
    VIEW_KIND_TABLE(VIEW_KIND_ENUM)
#undef VIEW_KIND_ENUM
};

struct view_name {
    enum view_kind kind;
    uint32_t parent;
    uint32_t first; /* child; VIEW_NOWHERE: none */
    uint32_t next;  /* sibling */
    char *text;     /* one component; "" is the root */
    char *target;   /* of a link; else NULL */
};

struct view_tree {
    struct view_name *names; /* the root is the first */
    uint32_t count;
    uint32_t room;
};

int view_tree_init(struct view_tree *tree);
void view_tree_clear(struct view_tree *tree);

/*
 * `path` without a slash in front; what is above it becomes a directory. What exists already stays,
 * unless it is ABSENT or ELSEWHERE. What is ABSENT is so from its first missing component on.
 * -ENOTDIR: below a file or a link.
 */
int view_tree_add(struct view_tree *tree, const char *path, enum view_kind kind,
                  const char *target);

/* VIEW_NOWHERE: no such name. */
uint32_t view_tree_child(const struct view_tree *tree, uint32_t directory, struct str_view name);
uint32_t view_tree_find(const struct view_tree *tree, const char *path);
/* "/etc/shadow" for the name `name` in the directory; of the directory itself with "". */
void view_tree_append_path(const struct view_tree *tree, uint32_t directory, struct str_view name,
                           struct text_buffer *path);

/* The text form: letter, "/path" and NUL for each name, and for a link its target and NUL. */
int view_tree_print(const struct view_tree *tree, struct text_buffer *text);
/* -EBADMSG: that is none. */
int view_tree_parse(struct str_view text, struct view_tree *ret_tree);

#endif
