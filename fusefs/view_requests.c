#include "fusefs/view_requests.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/base/cleanup.h"

#define FOR_EVER_SECONDS 1000000000u /* names and attributes: the tree never changes */
#define LEAST_WRITE      4096u       /* the kernel wants some; nothing is ever written */

#define DIRECTORY_MODE (S_IFDIR | 0755)
#define LINK_MODE      (S_IFLNK | 0777)
#define FILE_MODE      (S_IFREG | 0444)

static uint64_t node_of(uint32_t index)
{
    return (uint64_t)index + FUSE_ROOT_ID;
}

/* NULL: the kernel was never told of such a node. */
static const struct view_name *name_of(const struct view_tree *tree, uint64_t node)
{
    return node < FUSE_ROOT_ID || node - FUSE_ROOT_ID >= tree->count
               ? NULL
               : &tree->names[node - FUSE_ROOT_ID];
}

static uint32_t index_of(uint64_t node)
{
    return (uint32_t)(node - FUSE_ROOT_ID);
}

static bool is_directory(const struct view_name *name)
{
    return name->kind == VIEW_DIRECTORY || name->kind == VIEW_ELSEWHERE;
}

static mode_t mode_of(enum view_kind kind)
{
    switch (kind) {
    case VIEW_DIRECTORY:
    case VIEW_ELSEWHERE: /* whoever lists it asks us: that is to be recorded */
        return DIRECTORY_MODE;
    case VIEW_LINK:
        return LINK_MODE;
    case VIEW_FILE:
    case VIEW_ABSENT:
        break;
    }
    return FILE_MODE;
}

/* Owned by root, as the system's files are: seen as nobody's where the run has no root. */
static struct fuse_attr attributes_of(const struct view_tree *tree, uint32_t index)
{
    const struct view_name *name = &tree->names[index];

    return (struct fuse_attr){
        .ino = node_of(index),
        .size = name->target == NULL ? 0 : strlen(name->target),
        .mode = mode_of(name->kind),
        .nlink = is_directory(name) ? 2 : 1,
        .blksize = 4096,
    };
}

static struct fuse_entry_out entry_of(const struct view_tree *tree, uint32_t index)
{
    return (struct fuse_entry_out){
        .nodeid = node_of(index),
        .entry_valid = FOR_EVER_SECONDS,
        .attr_valid = FOR_EVER_SECONDS,
        .attr = attributes_of(tree, index),
    };
}

static void set_body(struct view_reply *reply, const void *body, size_t length)
{
    memcpy(reply->body, body, length);
    reply->header.len += (uint32_t)length;
}

static int refuse(const struct view_service *service, const struct fuse_in_header *header,
                  const char *operation, struct str_view name, int error)
{
    AUTO(text_buffer_clear) struct text_buffer path = {0};
    struct view_look look = {.from = header, .operation = operation, .error = error};

    view_tree_append_path(service->tree, index_of(header->nodeid), name, &path);
    look.path = text_buffer_view(&path);
    /* A record without its path is none. */
    return text_buffer_error(&path) < 0 || service->record(service->context, &look) < 0 ? -EIO : 0;
}

static int on_lookup(const struct view_service *service, const struct fuse_in_header *header,
                     const char *name, struct view_reply *reply)
{
    struct fuse_entry_out absent = {.entry_valid = FOR_EVER_SECONDS};
    struct fuse_entry_out entry;
    uint32_t child = view_tree_child(service->tree, index_of(header->nodeid), str_view_from(name));

    if (child != VIEW_NOWHERE && service->tree->names[child].kind != VIEW_ABSENT) {
        entry = entry_of(service->tree, child);
        set_body(reply, &entry, sizeof(entry));
        return 0;
    }
    if (child == VIEW_NOWHERE) {
        int error = refuse(service, header, "lookup", str_view_from(name), ENOENT);

        if (error < 0) {
            return error;
        }
        absent.entry_valid = service->absent_seconds;
    }
    set_body(reply, &absent, sizeof(absent)); /* no node: absent, for so long */
    return 0;
}

static int on_getattr(const struct view_service *service, const struct fuse_in_header *header,
                      struct view_reply *reply)
{
    const struct fuse_attr_out attributes = {
        .attr_valid = FOR_EVER_SECONDS,
        .attr = attributes_of(service->tree, index_of(header->nodeid)),
    };

    set_body(reply, &attributes, sizeof(attributes));
    return 0;
}

static int on_readlink(const struct view_name *name, struct view_reply *reply)
{
    if (name->kind != VIEW_LINK) {
        return -EINVAL;
    }
    set_body(reply, name->target, strlen(name->target));
    return 0;
}

static int on_opendir(const struct view_service *service, const struct fuse_in_header *header,
                      const struct view_name *name, struct view_reply *reply)
{
    const struct fuse_open_out opened = {.open_flags = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR};

    if (name->kind == VIEW_ELSEWHERE) {
        int error = refuse(service, header, "list", (struct str_view){0}, EACCES);

        return error < 0 ? error : -EACCES;
    }
    set_body(reply, &opened, sizeof(opened));
    return 0;
}

/* Appends one name of a listing. False: no room. */
static bool add_name(const struct view_tree *tree, uint32_t index, const char *text,
                     uint64_t position, bool plus, uint32_t room, struct view_reply *reply)
{
    const size_t length = strlen(text);
    const size_t head = plus ? sizeof(struct fuse_entry_out) : 0;
    const size_t size = head + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + length);
    const size_t used = reply->header.len - sizeof(reply->header);
    const struct fuse_dirent entry = {
        .ino = node_of(index),
        .off = position,
        .namelen = (uint32_t)length,
        .type = (uint32_t)mode_of(tree->names[index].kind) >> 12,
    };

    if (used + size > room) {
        return false;
    }
    memset(reply->body + used, 0, size);
    if (plus && position > 2) { /* the kernel knows the directory and its parent */
        const struct fuse_entry_out known = entry_of(tree, index);

        memcpy(reply->body + used, &known, sizeof(known));
    }
    memcpy(reply->body + used + head, &entry, FUSE_NAME_OFFSET);
    memcpy(reply->body + used + head + FUSE_NAME_OFFSET, text, length);
    reply->header.len += (uint32_t)size;
    return true;
}

/* Positions: 0 and 1 are the directory and its parent, then its names in their order. */
static int on_listing(const struct view_service *service, const struct fuse_in_header *header,
                      const struct fuse_read_in *read, bool plus, struct view_reply *reply)
{
    const struct view_tree *tree = service->tree;
    const uint32_t room = read->size < VIEW_REPLY_MAX ? read->size : VIEW_REPLY_MAX;
    const uint32_t own = index_of(header->nodeid);
    uint64_t position = 0;

    for (; position < 2; position++) {
        if (position >= read->offset &&
            !add_name(tree, own, position == 0 ? "." : "..", position + 1, plus, room, reply)) {
            return 0;
        }
    }
    for (uint32_t child = tree->names[own].first; child != VIEW_NOWHERE;
         child = tree->names[child].next) {
        const struct view_name *name = &tree->names[child];

        if (name->kind == VIEW_ABSENT) {
            continue;
        }
        if (position++ >= read->offset &&
            !add_name(tree, child, name->text, position, plus, room, reply)) {
            break;
        }
    }
    return 0;
}

static int on_init(const struct fuse_init_in *offered, struct view_reply *reply)
{
    const uint32_t wanted = FUSE_DO_READDIRPLUS | FUSE_CACHE_SYMLINKS | FUSE_PARALLEL_DIROPS;
    const struct fuse_init_out answer = {
        .major = FUSE_KERNEL_VERSION,
        .minor =
            offered->minor < FUSE_KERNEL_MINOR_VERSION ? offered->minor : FUSE_KERNEL_MINOR_VERSION,
        .max_readahead = offered->max_readahead,
        .flags = offered->flags & wanted,
        .max_write = LEAST_WRITE,
        .time_gran = 1,
    };

    if (offered->major != FUSE_KERNEL_VERSION || offered->minor < 23) {
        return -EPROTO; /* Linux before 3.15 */
    }
    set_body(reply, &answer, sizeof(answer));
    return 0;
}

static int on_statfs(const struct view_tree *tree, struct view_reply *reply)
{
    const struct fuse_statfs_out status = {
        .st = {.files = tree->count, .bsize = 4096, .frsize = 4096, .namelen = 255}};

    set_body(reply, &status, sizeof(status));
    return 0;
}

static int on_change(void)
{
    return -EROFS;
}

/* The fixed part of those requests that are read further; SIZE_MAX: what it is does not matter. */
static size_t least_body(uint32_t opcode)
{
    switch (opcode) {
    case FUSE_INIT:
        return 16; /* older kernels send no second word of flags */
    case FUSE_LOOKUP:
        return 1;
    case FUSE_READDIR:
    case FUSE_READDIRPLUS:
        return sizeof(struct fuse_read_in);
    default:
        return 0;
    }
}

/* Negative errno for the caller; -EPROTO never reaches one. */
static int answer(const struct view_service *service, const struct fuse_in_header *header,
                  const void *body, struct view_reply *reply)
{
    const struct view_name *name = name_of(service->tree, header->nodeid);

    switch (header->opcode) {
    case FUSE_INIT:
        return on_init(body, reply);
    case FUSE_STATFS:
        return on_statfs(service->tree, reply);
    default:
        break;
    }
    if (name == NULL) {
        return -ESTALE;
    }
    switch (header->opcode) {
    case FUSE_LOOKUP:
        return is_directory(name) ? on_lookup(service, header, body, reply) : -ENOTDIR;
    case FUSE_GETATTR:
        return on_getattr(service, header, reply);
    case FUSE_READLINK:
        return on_readlink(name, reply);
    case FUSE_OPENDIR:
        return is_directory(name) ? on_opendir(service, header, name, reply) : -ENOTDIR;
    case FUSE_READDIR:
        return on_listing(service, header, body, false, reply);
    case FUSE_READDIRPLUS:
        return on_listing(service, header, body, true, reply);
    case FUSE_RELEASEDIR:
        return 0;
    case FUSE_OPEN: /* what lies below a mount: nobody comes here */
        return -EACCES;
    case FUSE_SETATTR:
    case FUSE_SYMLINK:
    case FUSE_MKNOD:
    case FUSE_MKDIR:
    case FUSE_UNLINK:
    case FUSE_RMDIR:
    case FUSE_RENAME:
    case FUSE_RENAME2:
    case FUSE_LINK:
    case FUSE_CREATE:
        return on_change();
    default:
        return -ENOSYS; /* the kernel does without, mostly for good */
    }
}

int view_answer(const struct view_service *service, const void *request, size_t length,
                struct view_reply *ret_reply)
{
    const struct fuse_in_header *header = request;
    const char *body = (const char *)(header + 1);
    int error;

    if (length < sizeof(*header) || header->len != length ||
        length - sizeof(*header) < least_body(header->opcode) ||
        (header->opcode == FUSE_LOOKUP && ((const char *)request)[length - 1] != '\0')) {
        return -EPROTO;
    }
    ret_reply->header =
        (struct fuse_out_header){.len = sizeof(ret_reply->header), .unique = header->unique};
    if (header->opcode == FUSE_FORGET || header->opcode == FUSE_BATCH_FORGET) {
        ret_reply->header.len = 0; /* nodes are there for as long as the tree is */
        return 0;
    }
    error = answer(service, header, body, ret_reply);
    if (error == -EPROTO) {
        return error;
    }
    if (error < 0) {
        ret_reply->header.len = sizeof(ret_reply->header);
        ret_reply->header.error = error;
    }
    return 0;
}
