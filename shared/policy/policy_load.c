#include "shared/policy/policy_load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/policy/document.h"
#include "shared/policy/policy_merge.h"
#include "shared/policy/policy_reader.h"

struct policy_file {
    dev_t device;
    ino_t inode;
    const char *path;
    bool loading; /* its parents are being read: a cycle comes back here */
    struct model *own;
    struct model *whole; /* with its parents */
};

struct loader {
    const struct policy_directories *directories;
    struct arena *arena;
    struct failure *reterr;
    struct policy_file files[POLICY_FILES_MAX];
    size_t file_count;
};

/* "agent" of "/etc/failcore/agent.yaml": the name of a policy that gives none. */
static struct str_view stem_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    char stem[65];
    size_t length = 0;

    if (strcmp(path, "<stdin>") == 0) {
        return STR_VIEW_LITERAL("stdin");
    }
    for (; name[length] != '\0' && name[length] != '.' && length < sizeof(stem) - 1; length++) {
        char c = name[length];

        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        stem[length] =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ? c : '-';
    }
    if (length == 0) {
        return STR_VIEW_LITERAL("unnamed");
    }
    return arena_copy(arena, (struct str_view){.bytes = stem, .length = length});
}

static const char *directory_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct str_view directory = {.bytes = path, .length = 0};

    if (slash == NULL) {
        return "";
    }
    directory.length = slash == path ? 1 : (size_t)(slash - path);
    return arena_copy(arena, directory).bytes;
}

/* Says which file wanted it, and where. */
static int blame(struct loader *loader, const struct text_item *asked, int error)
{
    if (asked != NULL && asked->origin.file != NULL) {
        failure_set_needed(loader->reterr, "%s:%u:%u", asked->origin.file, asked->origin.line,
                           asked->origin.column);
    }
    return error;
}

static int load_file(struct loader *loader, const char *word, const char *base,
                     const struct text_item *asked, size_t depth, struct policy_file **ret_file);

static int load_parents(struct loader *loader, struct policy_file *file, size_t depth)
{
    const char *base = directory_of(loader->arena, file->path);
    const struct texts *extends = &file->own->extends;

    if (base == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < extends->count; i++) {
        struct policy_file *parent;
        int error = load_file(loader, extends->items[i].text.bytes, base, &extends->items[i],
                              depth + 1, &parent);

        if (error == 0) {
            error = model_unite(file->whole, parent->whole, loader->arena);
        }
        if (error < 0) {
            return error;
        }
    }
    return 0;
}

static int read_file(struct loader *loader, struct policy_file *file, struct str_view text,
                     size_t depth)
{
    struct document_source source = {.file = file->path};
    bool resolved;
    int error;

    file->whole = arena_alloc(loader->arena, sizeof(*file->whole));
    if (file->whole == NULL) {
        return -ENOMEM;
    }
    error = policy_read(text, &source, stem_of(loader->arena, file->path), loader->arena,
                        &file->own, &resolved, loader->reterr);
    if (error == 0) {
        error = load_parents(loader, file, depth);
    }
    if (error == 0) {
        /* A diamond brings the same rule twice: one of them is enough to override. */
        model_sort(file->whole);
        error = model_adopt(file->whole, file->own, resolved, loader->arena, loader->reterr);
    }
    if (error == 0) {
        model_sort(file->whole);
        file->whole->tests = file->own->tests;
        file->whole->test_count = file->own->test_count;
    }
    return error;
}

static struct policy_file *find_file(struct loader *loader, const struct policy_bytes *bytes)
{
    for (size_t i = 0; i < loader->file_count; i++) {
        struct policy_file *file = &loader->files[i];

        if (bytes->inode != 0 && file->inode == bytes->inode && file->device == bytes->device) {
            return file;
        }
    }
    return NULL;
}

static int load_file(struct loader *loader, const char *word, const char *base,
                     const struct text_item *asked, size_t depth, struct policy_file **ret_file)
{
    AUTO(policy_bytes_clear) struct policy_bytes bytes = {0};
    struct policy_file *file;
    int error;

    if (depth > POLICY_EXTENDS_DEPTH_MAX) {
        failure_set(loader->reterr, -EINVAL, "extends goes more than %d files deep",
                    POLICY_EXTENDS_DEPTH_MAX);
        failure_set_mend(loader->reterr, "extend fewer files, side by side");
        return blame(loader, asked, -EINVAL);
    }
    error = policy_source_read(word, base, loader->directories, &bytes, loader->reterr);
    if (error < 0) {
        /* A missing parent makes its child invalid. */
        return blame(loader, asked, asked == NULL || error == -ENOMEM ? error : -EINVAL);
    }
    file = find_file(loader, &bytes);
    if (file != NULL && file->loading) {
        failure_set(loader->reterr, -EINVAL, "%s extends itself", bytes.path);
        failure_set_mend(loader->reterr, "take it out of extends");
        return blame(loader, asked, -EINVAL);
    }
    if (file == NULL) {
        if (loader->file_count == POLICY_FILES_MAX) {
            failure_set(loader->reterr, -EINVAL, "more than %d policy files", POLICY_FILES_MAX);
            return blame(loader, asked, -EINVAL);
        }
        file = &loader->files[loader->file_count++];
        file->device = bytes.device;
        file->inode = bytes.inode;
        file->path = arena_copy(loader->arena, str_view_from(bytes.path)).bytes;
        if (file->path == NULL) {
            return -ENOMEM;
        }
        file->loading = true;
        error = read_file(loader, file, text_buffer_view(&bytes.text), depth);
        file->loading = false;
        if (error < 0) {
            return error;
        }
    }
    *ret_file = file;
    return 0;
}

/* ---- system policies that everybody obeys -------------------------------------------------- */

static int add_enforced(struct loader *loader, const char *name, struct model *into)
{
    char path[PATH_MAX];
    struct policy_file *file;
    int length =
        snprintf(path, sizeof(path), "%s/%s", loader->directories->path[PLACE_SYSTEM], name);
    int error;

    if (length < 0 || (size_t)length >= sizeof(path)) {
        return failure_set(loader->reterr, -ENAMETOOLONG, "the path of a policy is too long");
    }
    /* A file that cannot be read might be one that must be obeyed: that is an error, not a skip. */
    error = load_file(loader, path, "", NULL, 0, &file);
    if (error < 0 || !file->own->enforce) {
        return error;
    }
    return model_unite(into, file->whole, loader->arena);
}

static int add_all_enforced(struct loader *loader, struct model *into)
{
    const char *directory = loader->directories->path[PLACE_SYSTEM];
    AUTO_CLOSEDIR DIR *open = directory[0] == '\0' ? NULL : opendir(directory);
    struct dirent *entry;

    if (open == NULL) {
        if (directory[0] == '\0' || errno == ENOENT) {
            return 0;
        }
        failure_set(loader->reterr, -errno, "cannot read the system policies in %s: %s", directory,
                    strerror(errno));
        return -EACCES;
    }
    while (errno = 0, (entry = readdir(open)) != NULL) {
        struct str_view name = str_view_from(entry->d_name);
        int error;

        if (name.bytes[0] == '.' || !str_view_ends_with(name, STR_VIEW_LITERAL(".yaml"))) {
            continue;
        }
        error = add_enforced(loader, entry->d_name, into);
        if (error < 0) {
            return error;
        }
    }
    return errno == 0 ? 0 : -errno;
}

/* ---- several words ------------------------------------------------------------------------- */

static int compare_models(const void *a, const void *b)
{
    const struct model *const *left = a;
    const struct model *const *right = b;

    return strcmp((*left)->name.bytes, (*right)->name.bytes);
}

/* Names joined with +, in alphabetical order: the order of the words must not matter. */
static int join_names(struct loader *loader, struct model *united, struct model **models,
                      size_t count)
{
    AUTO(text_buffer_clear) struct text_buffer name = {0};
    AUTO(text_buffer_clear) struct text_buffer revision = {0};

    qsort(models, count, sizeof(struct model *), compare_models);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && str_view_equals(models[i]->name, models[i - 1]->name)) {
            continue;
        }
        text_buffer_append_text(&name, i == 0 ? "" : "+");
        text_buffer_append(&name, models[i]->name);
        if (models[i]->revision.bytes != NULL) {
            text_buffer_append_text(&revision, revision.length == 0 ? "" : "+");
            text_buffer_append(&revision, models[i]->revision);
        }
    }
    if (text_buffer_error(&name) < 0 || text_buffer_error(&revision) < 0) {
        return -ENOMEM;
    }
    united->name = arena_copy(loader->arena, text_buffer_view(&name));
    united->revision = revision.length == 0
                           ? (struct str_view){0}
                           : arena_copy(loader->arena, text_buffer_view(&revision));
    return united->name.bytes == NULL ? -ENOMEM : 0;
}

static int unite_words(struct loader *loader, const char *const *words, size_t count,
                       struct model *united)
{
    struct model **models = arena_alloc_array(loader->arena, count, sizeof(*models));

    if (models == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        struct policy_file *file;
        int error = load_file(loader, words[i], "", NULL, 0, &file);

        if (error == 0) {
            models[i] = file->whole;
            error = model_unite(united, file->whole, loader->arena);
        }
        for (size_t t = 0; error == 0 && t < file->own->test_count; t++) {
            struct policy_test *test = model_add_test(united, loader->arena);

            error = test == NULL ? -ENOMEM : 0;
            if (error == 0) {
                *test = file->own->tests[t];
            }
        }
        if (error < 0) {
            return error;
        }
    }
    if (count == 1) {
        united->name = models[0]->name;
        united->revision = models[0]->revision;
        united->description = models[0]->description;
        /* Named by itself, an enforced policy stands for itself. */
        for (size_t section = 0; section < SECTION_COUNT; section++) {
            united->present[section] = models[0]->present[section];
        }
        return 0;
    }
    return join_names(loader, united, models, count);
}

static int list_files(const struct loader *loader, struct model *model)
{
    int error = 0;

    for (size_t i = 0; i < loader->file_count && error == 0; i++) {
        if (loader->files[i].inode != 0) {
            error = texts_add(&model->files, loader->arena,
                              (struct text_item){.text = str_view_from(loader->files[i].path)});
        }
    }
    return error;
}

int policy_load_model(const char *const *words, size_t count,
                      const struct policy_directories *directories, struct arena *arena,
                      struct model **ret_model, struct failure *reterr)
{
    struct loader *loader = calloc(1, sizeof(*loader));
    struct model *united = arena_alloc(arena, sizeof(*united));
    int error = loader == NULL || united == NULL ? -ENOMEM : 0;

    if (error == 0) {
        loader->directories = directories;
        loader->arena = arena;
        loader->reterr = reterr;
        united->name = STR_VIEW_LITERAL("deny_all");
        error = count == 0 ? 0 : unite_words(loader, words, count, united);
    }
    if (error == 0) {
        error = add_all_enforced(loader, united);
    }
    if (error == 0) {
        error = list_files(loader, united);
    }
    if (error == -ENOMEM) {
        failure_set(reterr, error, "out of memory while loading a policy");
    }
    free(loader);
    if (error < 0) {
        return error;
    }
    model_close_absent(united);
    model_sort(united);
    *ret_model = united;
    return 0;
}
