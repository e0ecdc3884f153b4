#include "fusefs/fs_breaker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "shared/base/cleanup.h"

#define CHANGES                                                                                    \
    (NEEDS(WRITE) | NEEDS(CREATE) | NEEDS(DELETE) | NEEDS(RENAME) | NEEDS(LINK) | NEEDS(METADATA))

static void explain(struct fs_request *request)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct breaker_trip trip = {0};

    (void)breaker_last_trip(&request->tree->breaker, &trip);
    breaker_trip_describe(&trip, &text);
    request->breaker_rule = breaker_rule_word((enum breaker_event)trip.event);
    snprintf(request->breaker_reason, sizeof(request->breaker_reason), "%s",
             text_buffer_text(&text));
}

bool fs_breaker_forbids(struct fs_request *request)
{
    unsigned int needs = 0;

    if (!breaker_tripped(&request->tree->breaker)) {
        return false;
    }
    for (unsigned int i = 0; i < request->side_count; i++) {
        needs |= request->sides[i].needs;
    }
    if ((needs & CHANGES) == 0) {
        return false;
    }
    explain(request);
    return true;
}

void fs_breaker_hold(const struct fs_request *request, struct decision decision)
{
    if (decision.code == DENIAL_BREAKER_TRIPPED) {
        breaker_await_answer(&request->tree->breaker);
    }
}

void fs_breaker_blocked(struct tree *tree)
{
    (void)breaker_count(&tree->breaker, BREAKER_BLOCKED, 1, (struct str_view){0}, breaker_now_ms(),
                        NULL);
}

static int refuse(struct fs_request *request)
{
    explain(request);
    return fs_gate_refuse(request, DENIAL_BREAKER_TRIPPED, request->breaker_reason);
}

/* One more of these, about the object of a side. */
static int charge(struct fs_request *request, enum breaker_event event, unsigned int side)
{
    AUTO(text_buffer_clear) struct text_buffer path = {0};
    struct breaker *breaker = &request->tree->breaker;
    struct breaker_charge *taken = &request->charges[request->charge_count];

    if (!breaker_counts(breaker, event)) {
        return breaker_tripped(breaker) ? refuse(request) : 0;
    }
    fs_request_path(request, side, &path);
    if (!breaker_count(breaker, event, 1, text_buffer_view(&path), breaker_now_ms(), taken)) {
        return refuse(request);
    }
    request->charge_count++;
    return 0;
}

static bool is_made(struct tree *tree, const struct statx *status)
{
    struct node_identity identity = node_identity_from(status);

    return made_set_has(&tree->made, &identity);
}

/* Whether it matters what was made here. */
static bool counts_objects(const struct tree *tree)
{
    return breaker_counts(&tree->breaker, BREAKER_DELETE) ||
           breaker_counts(&tree->breaker, BREAKER_OVERWRITE) ||
           breaker_counts(&tree->breaker, BREAKER_RENAME);
}

int fs_breaker_execute(struct fs_request *request)
{
    const struct tree *tree = request->tree;

    return breaker_counts(&tree->breaker, BREAKER_EXEC) && !tree->options.execs_are_counted
               ? charge(request, BREAKER_EXEC, 0)
               : 0;
}

/* The last name of something of our own goes: it need not be remembered. */
static void forget_if_last(struct fs_request *request, const struct statx *status)
{
    if (status->stx_nlink <= 1 || S_ISDIR(status->stx_mode)) {
        request->unmade = node_identity_from(status);
        request->unmakes = true;
    }
}

int fs_breaker_remove(struct fs_request *request, int directory, const char *name)
{
    struct statx status;

    if (!counts_objects(request->tree) || tree_status_at(directory, name, &status) < 0) {
        return 0; /* nothing there: the effect tells why */
    }
    if (is_made(request->tree, &status)) {
        forget_if_last(request, &status);
        return 0;
    }
    request->removes = !S_ISDIR(status.stx_mode);
    return charge(request, BREAKER_DELETE, 0);
}

/* What was there goes, and nothing new comes in its place: that is no new version of it. */
static bool leaves_nothing(struct tree *tree, const struct statx *from, const struct statx *to)
{
    return !is_made(tree, from) ||
           (S_ISREG(from->stx_mode) && from->stx_size == 0 && to->stx_size > 0);
}

/* The name of a side comes (back) to be. */
static int replace(struct fs_request *request, unsigned int side)
{
    const struct fs_side *at = &request->sides[side];

    if (!breaker_counts(&request->tree->breaker, BREAKER_DELETE) ||
        !removed_names_has(&request->tree->removed, at->directory->id, at->name)) {
        return 0;
    }
    request->replaces = true;
    return charge(request, BREAKER_OVERWRITE, side);
}

int fs_breaker_create(struct fs_request *request)
{
    return replace(request, 0);
}

/* A rename to where what counts would not count any more. */
static bool loses(const struct fs_request *request, const struct statx *status, unsigned int from,
                  unsigned int to)
{
    AUTO(text_buffer_clear) struct text_buffer old_path = {0};
    AUTO(text_buffer_clear) struct text_buffer new_path = {0};
    const bool directory = S_ISDIR(status->stx_mode);

    if (!directory && is_made(request->tree, status)) {
        return false;
    }
    fs_request_path(request, from, &old_path);
    fs_request_path(request, to, &new_path);
    return text_buffer_error(&old_path) < 0 || text_buffer_error(&new_path) < 0 ||
           breaker_loses(&request->tree->breaker, text_buffer_view(&old_path),
                         text_buffer_view(&new_path), directory);
}

int fs_breaker_rename(struct fs_request *request, int old_directory, const char *old_name,
                      int new_directory, const char *new_name, unsigned int flags)
{
    struct tree *tree = request->tree;
    struct statx from;
    struct statx to;
    bool replaces;
    int r = 0;

    if (!counts_objects(tree) || tree_status_at(old_directory, old_name, &from) < 0) {
        return 0;
    }
    replaces = (flags & RENAME_NOREPLACE) == 0 && tree_status_at(new_directory, new_name, &to) == 0;
    if (replaces && from.stx_ino == to.stx_ino && from.stx_dev_major == to.stx_dev_major &&
        from.stx_dev_minor == to.stx_dev_minor) {
        return 0; /* two names of one object: rename(2) does nothing */
    }
    if (loses(request, &from, 0, 1) ||
        (replaces && (flags & RENAME_EXCHANGE) != 0 && loses(request, &to, 1, 0))) {
        return fs_gate_refuse(request, DENIAL_RENAME_ESCAPE,
                              "the breaker would not count it under its new name");
    }
    if (!is_made(tree, &from)) {
        r = charge(request, BREAKER_RENAME, 0);
    }
    if (r == 0 && replaces && !is_made(tree, &to)) {
        r = charge(request, (flags & RENAME_EXCHANGE) != 0 ? BREAKER_RENAME : BREAKER_OVERWRITE, 1);
        if (r == 0 && (flags & RENAME_EXCHANGE) == 0 && leaves_nothing(tree, &from, &to)) {
            r = charge(request, BREAKER_DELETE, 1);
        }
    } else if (r == 0 && replaces && (flags & RENAME_EXCHANGE) == 0) {
        forget_if_last(request, &to);
    } else if (r == 0 && !replaces) {
        r = replace(request, 1);
    }
    return r;
}

int fs_breaker_link(struct fs_request *request, int object)
{
    struct statx status;

    if (!counts_objects(request->tree) || tree_status_of(object, &status) < 0 ||
        !loses(request, &status, 0, 1)) {
        return 0;
    }
    return fs_gate_refuse(request, DENIAL_RENAME_ESCAPE,
                          "the breaker would not count it under its new name");
}

int fs_breaker_truncate(struct fs_request *request, const struct statx *status, off_t size,
                        struct open_file *file)
{
    int r;

    if (!counts_objects(request->tree) || (uint64_t)size >= status->stx_size ||
        is_made(request->tree, status)) {
        return 0;
    }
    r = charge(request, BREAKER_OVERWRITE, 0);
    if (r == 0 && size == 0 && file == NULL) {
        r = charge(request, BREAKER_DELETE, 0);
    } else if (r == 0 && size == 0) {
        atomic_store(&file->emptied, true);
    }
    return r;
}

void fs_breaker_lost(struct fs_request *request)
{
    request->charge_count = 0;
}

void fs_breaker_closed(struct tree *tree, struct open_file *file)
{
    AUTO(text_buffer_clear) struct text_buffer path = {0};
    struct statx status;

    if (!atomic_load(&file->emptied) || tree_status_of(file->descriptor->fd, &status) < 0 ||
        status.stx_size > 0 || status.stx_nlink == 0) {
        return;
    }
    node_table_append_path(&tree->nodes, file->node, (struct str_view){0}, &path);
    (void)breaker_count(&tree->breaker, BREAKER_DELETE, 1, text_buffer_view(&path),
                        breaker_now_ms(), NULL);
}

int fs_breaker_open(struct fs_request *request, const struct statx *status, int flags)
{
    int r = 0;

    if ((flags & O_ACCMODE) == O_RDONLY && (flags & O_TRUNC) == 0) {
        return 0;
    }
    request->existed_bytes = 0;
    request->empties = false;
    if (!counts_objects(request->tree) || !S_ISREG(status->stx_mode) ||
        is_made(request->tree, status)) {
        return 0;
    }
    if ((flags & O_TRUNC) == 0) {
        request->existed_bytes = status->stx_size;
    } else if (status->stx_size > 0) {
        r = charge(request, BREAKER_OVERWRITE, 0);
        request->empties = true;
    }
    return r;
}

/* Through a file that is open: judged once more, and refused for the record. */
static int refuse_use(struct tree *tree, const struct caller *caller, struct open_file *file)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "write");
    int r;

    fs_request_node(&request, file->node, NEEDS(WRITE), SIDE_CHANGES);
    r = fs_gate(&request);
    return r == 0 ? -EACCES : r;
}

static int charge_use(struct tree *tree, const struct caller *caller, struct open_file *file)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "write");
    int r = 0;

    /* Charged before it is marked: another writer goes on only when it is counted. */
    if (atomic_load(&file->existed_bytes) > 0) {
        fs_request_node(&request, file->node, NEEDS(WRITE), SIDE_CHANGES);
        request.policy = node_table_policy(&tree->nodes, &request.epoch);
        request.operation_word = "write";
        r = charge(&request, BREAKER_OVERWRITE, 0);
        if (r == 0 && atomic_exchange(&file->existed_bytes, 0) == 0) {
            fs_breaker_done(&request, -ECANCELED); /* two at once: one of them counts */
        }
    }
    return r;
}

int fs_breaker_write(struct tree *tree, const struct caller *caller, struct open_file *file,
                     off_t offset)
{
    if (breaker_tripped(&tree->breaker)) {
        return refuse_use(tree, caller, file);
    }
    if (offset >= 0 &&
        (uint64_t)offset < atomic_load_explicit(&file->existed_bytes, memory_order_relaxed)) {
        return charge_use(tree, caller, file);
    }
    return 0;
}

void fs_breaker_made(struct tree *tree, const struct statx *status)
{
    if (counts_objects(tree)) {
        struct node_identity identity = node_identity_from(status);

        made_set_add(&tree->made, &identity);
    }
}

void fs_breaker_done(struct fs_request *request, int result)
{
    struct tree *tree = request->tree;
    const struct fs_side *removed = &request->sides[0];
    const struct fs_side *made = &request->sides[request->side_count > 1 ? 1 : 0];
    struct breaker_charge undone;

    if (result == 0 && request->replaces &&
        removed_names_take(&tree->removed, made->directory->id, made->name, &undone)) {
        breaker_take_back(&undone);
    }
    if (result == 0 && request->removes && request->charge_count > 0) {
        removed_names_add(&tree->removed, removed->directory->id, removed->name,
                          &request->charges[0]);
    }
    while (request->charge_count > 0) {
        const struct breaker_charge *taken = &request->charges[--request->charge_count];

        if (result < 0) {
            breaker_take_back(taken);
        }
    }
    request->replaces = false;
    request->removes = false;
    if (request->unmakes && result == 0) {
        made_set_remove(&request->tree->made, &request->unmade);
    }
    request->unmakes = false;
}
