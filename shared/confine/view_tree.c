#include "shared/confine/view_tree.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 255

static const char letters[] = {
#define VIEW_KIND_LETTER(name, letter, meaning) [VIEW_##name] = (letter),
    VIEW_KIND_TABLE(VIEW_KIND_LETTER)
#undef VIEW_KIND_LETTER
};

static int grow(struct view_tree *tree)
{
    uint32_t room = tree->room == 0 ? 256 : tree->room * 2;
    struct view_name *names;

    if (tree->count < tree->room) {
        return 0;
    }
    if (tree->count >= VIEW_TREE_MAX) {
        return -E2BIG;
    }
    names = reallocarray(tree->names, room, sizeof(*names));
    if (names == NULL) {
        return -ENOMEM;
    }
    tree->names = names;
    tree->room = room;
    return 0;
}

/* A new name at the end of its directory; the root, when there is nothing yet. */
static int append(struct view_tree *tree, uint32_t parent, struct str_view text,
                  enum view_kind kind, uint32_t *ret_index)
{
    struct view_name name = {
        .kind = kind, .parent = parent, .first = VIEW_NOWHERE, .next = VIEW_NOWHERE};
    int error = grow(tree);
    uint32_t *link;

    if (error < 0) {
        return error;
    }
    name.text = strndup(text.length == 0 ? "" : text.bytes, text.length);
    if (name.text == NULL) {
        return -ENOMEM;
    }
    if (tree->count > 0) {
        link = &tree->names[parent].first;
        while (*link != VIEW_NOWHERE) {
            link = &tree->names[*link].next;
        }
        *link = tree->count;
    }
    *ret_index = tree->count;
    tree->names[tree->count++] = name;
    return 0;
}

int view_tree_init(struct view_tree *tree)
{
    uint32_t root;

    *tree = (struct view_tree){0};
    return append(tree, VIEW_ROOT, (struct str_view){0}, VIEW_DIRECTORY, &root);
}

void view_tree_clear(struct view_tree *tree)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        free(tree->names[i].text);
        free(tree->names[i].target);
    }
    free(tree->names);
    *tree = (struct view_tree){0};
}

uint32_t view_tree_child(const struct view_tree *tree, uint32_t directory, struct str_view name)
{
    uint32_t child = directory < tree->count ? tree->names[directory].first : VIEW_NOWHERE;

    while (child != VIEW_NOWHERE && !str_view_equals_text(name, tree->names[child].text)) {
        child = tree->names[child].next;
    }
    return child;
}

/* The component at the front, which leaves the path. */
static struct str_view next_component(const char **path)
{
    struct str_view component = {.bytes = *path, .length = strcspn(*path, "/")};

    *path += component.length;
    *path += **path == '/' ? 1 : 0;
    return component;
}

uint32_t view_tree_find(const struct view_tree *tree, const char *path)
{
    uint32_t at = VIEW_ROOT;

    while (*path != '\0' && at != VIEW_NOWHERE) {
        at = view_tree_child(tree, at, next_component(&path));
    }
    return at;
}

static bool is_component(struct str_view name)
{
    return name.length > 0 && name.length <= NAME_BYTES_MAX && !str_view_equals_text(name, ".") &&
           !str_view_equals_text(name, "..");
}

/* What is meant as nothing, or as a place of others, gives way to what is mounted there. */
static bool gives_way(enum view_kind kind)
{
    return kind == VIEW_ABSENT || kind == VIEW_ELSEWHERE;
}

static int enter(struct view_tree *tree, uint32_t *at, struct str_view name, enum view_kind kind)
{
    uint32_t child = view_tree_child(tree, *at, name);
    int error = 0;

    if (!is_component(name)) {
        return -EINVAL;
    }
    if (child == VIEW_NOWHERE) {
        error = append(tree, *at, name, kind, &child);
    } else if (gives_way(tree->names[child].kind) && kind > tree->names[child].kind) {
        tree->names[child].kind = kind;
    }
    *at = child;
    return error;
}

/* From the first component on that is not there; below what is no directory nothing is anyway. */
static int add_absent(struct view_tree *tree, const char *path)
{
    uint32_t at = VIEW_ROOT;

    while (*path != '\0' && tree->names[at].kind == VIEW_DIRECTORY) {
        struct str_view name = next_component(&path);
        uint32_t child = view_tree_child(tree, at, name);

        if (child == VIEW_NOWHERE) {
            return enter(tree, &at, name, VIEW_ABSENT);
        }
        at = child;
    }
    return 0;
}

int view_tree_add(struct view_tree *tree, const char *path, enum view_kind kind, const char *target)
{
    uint32_t at = VIEW_ROOT;
    int error = 0;

    if (kind == VIEW_ABSENT) {
        return add_absent(tree, path);
    }
    while (error == 0 && *path != '\0') {
        struct str_view name = next_component(&path);

        if (tree->names[at].kind != VIEW_DIRECTORY) {
            return -ENOTDIR;
        }
        error = enter(tree, &at, name, *path == '\0' ? kind : VIEW_DIRECTORY);
    }
    if (error == 0 && tree->names[at].kind == VIEW_LINK && tree->names[at].target == NULL) {
        tree->names[at].target = strdup(target == NULL ? "" : target);
        error = tree->names[at].target == NULL ? -ENOMEM : 0;
    }
    return error;
}

void view_tree_append_path(const struct view_tree *tree, uint32_t directory, struct str_view name,
                           struct text_buffer *path)
{
    if (directory != VIEW_ROOT) {
        const struct view_name *own = &tree->names[directory];

        view_tree_append_path(tree, own->parent, str_view_from(own->text), path);
    }
    if (directory == VIEW_ROOT || name.length > 0) {
        text_buffer_append_char(path, '/');
        text_buffer_append(path, name);
    }
}

int view_tree_print(const struct view_tree *tree, struct text_buffer *text)
{
    for (uint32_t i = VIEW_ROOT + 1; i < tree->count; i++) {
        const struct view_name *name = &tree->names[i];

        text_buffer_append_char(text, letters[name->kind]);
        view_tree_append_path(tree, name->parent, str_view_from(name->text), text);
        text_buffer_append_char(text, '\0');
        if (name->kind == VIEW_LINK) {
            text_buffer_append_text(text, name->target);
            text_buffer_append_char(text, '\0');
        }
    }
    return text_buffer_error(text);
}

/* A NUL-terminated text at the front, which leaves `rest`; NULL: there is none. */
static const char *next_text(struct str_view *rest)
{
    const char *text = rest->bytes;
    const char *nul = rest->length == 0 ? NULL : memchr(text, '\0', rest->length);

    if (nul == NULL || nul - text >= PATH_MAX) {
        return NULL;
    }
    rest->length -= (size_t)(nul - text) + 1;
    rest->bytes = nul + 1;
    return text;
}

static int parse_one(struct view_tree *tree, struct str_view *rest)
{
    const char *path = next_text(rest);
    const char *letter =
        path == NULL || path[0] == '\0' ? NULL : memchr(letters, path[0], sizeof(letters));
    const char *target = NULL;
    enum view_kind kind;

    if (letter == NULL || path[1] != '/' || path[2] == '\0') {
        return -EBADMSG;
    }
    kind = (enum view_kind)(letter - letters);
    if (kind == VIEW_LINK) {
        target = next_text(rest);
        if (target == NULL || target[0] == '\0') {
            return -EBADMSG;
        }
    }
    return view_tree_add(tree, path + 2, kind, target);
}

int view_tree_parse(struct str_view text, struct view_tree *ret_tree)
{
    struct view_tree tree;
    int error = view_tree_init(&tree);

    while (error == 0 && text.length > 0) {
        error = parse_one(&tree, &text);
    }
    if (error < 0) {
        view_tree_clear(&tree);
        return error == -ENOMEM || error == -E2BIG ? error : -EBADMSG;
    }
    *ret_tree = tree;
    return 0;
}
