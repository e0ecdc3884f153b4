/*
 * The root of a run: its names as a text of anybody's making, and requests of any shape.
 *
 * Input: one byte whether it is names (odd) or requests. Names are the text form itself. Requests
 * are records of {opcode, node, length, body}.
 *
 * Properties. Names: what is taken is printed and read again as the same. Requests: a reply is
 * never longer than its room and never says success and failure at once; a name that is none of the
 * tree is recorded before it is answered, and never gets a node.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fusefs/view_requests.h"
#include "shared/base/byte_reader.h"
#include "shared/base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void fail(const char *why)
{
    fprintf(stderr, "property broken: %s\n", why);
    abort();
}

static void check_names(struct str_view text)
{
    AUTO(view_tree_clear) struct view_tree tree = {0};
    AUTO(view_tree_clear) struct view_tree again = {0};
    AUTO(text_buffer_clear) struct text_buffer printed = {0};
    AUTO(text_buffer_clear) struct text_buffer reprinted = {0};

    if (view_tree_parse(text, &tree) < 0) {
        return;
    }
    if (view_tree_print(&tree, &printed) < 0) {
        fail("a tree that was read cannot be printed");
    }
    if (view_tree_parse(text_buffer_view(&printed), &again) < 0 ||
        view_tree_print(&again, &reprinted) < 0 || again.count != tree.count ||
        !str_view_equals(text_buffer_view(&printed), text_buffer_view(&reprinted))) {
        fail("a printed tree is read as another one");
    }
}

static int note(void *context, const struct view_look *look)
{
    unsigned int *looks = context;

    if (look->path.length == 0 || look->path.bytes[0] != '/') {
        fail("a record without an absolute path");
    }
    ++*looks;
    return 0;
}

static void check_reply(const struct view_service *service, const struct fuse_in_header *header,
                        const char *name, unsigned int looks, const struct view_reply *reply)
{
    const struct fuse_entry_out *entry = (const void *)reply->body;
    const size_t body = reply->header.len - sizeof(reply->header);

    if (reply->header.len == 0) {
        return;
    }
    if (reply->header.len < sizeof(reply->header) || body > VIEW_REPLY_MAX ||
        reply->header.unique != header->unique || reply->header.error > 0 ||
        (reply->header.error < 0 && body > 0)) {
        fail("a reply that is none");
    }
    if (header->opcode == FUSE_LOOKUP && reply->header.error == 0 &&
        view_tree_child(service->tree, (uint32_t)(header->nodeid - FUSE_ROOT_ID),
                        str_view_from(name)) == VIEW_NOWHERE &&
        (looks == 0 || entry->nodeid != 0)) {
        fail("a name outside the view was answered without a record, or as one");
    }
}

static void check_requests(struct byte_reader *reader)
{
    static struct view_reply reply;
    AUTO(view_tree_clear) struct view_tree tree = {0};
    unsigned int looks = 0;
    struct view_service service = {
        .tree = &tree, .absent_seconds = 60, .record = note, .context = &looks};

    if (view_tree_init(&tree) < 0 || view_tree_add(&tree, "bin", VIEW_LINK, "usr/bin") < 0 ||
        view_tree_add(&tree, "etc/passwd", VIEW_FILE, NULL) < 0 ||
        view_tree_add(&tree, "etc/ld.so.preload", VIEW_ABSENT, NULL) < 0 ||
        view_tree_add(&tree, "root", VIEW_ELSEWHERE, NULL) < 0) {
        return;
    }
    while (byte_reader_left(reader) >= 3) {
        struct {
            struct fuse_in_header header;
            char body[256];
        } request = {.header = {.opcode = byte_reader_u8(reader),
                                .nodeid = byte_reader_u8(reader),
                                .unique = 7}};
        size_t length = byte_reader_u8(reader);
        const uint8_t *body = byte_reader_take(reader, length);

        if (body == NULL) {
            return;
        }
        memcpy(request.body, body, length);
        request.header.len = (uint32_t)(sizeof(request.header) + length);
        looks = 0;
        if (view_answer(&service, &request, request.header.len, &reply) == 0) {
            check_reply(&service, &request.header, request.body, looks, &reply);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct byte_reader reader = byte_reader_init(bytes, length);

    if (length > 0 && (byte_reader_u8(&reader) & 1) != 0) {
        check_names((struct str_view){(const char *)bytes + 1, length - 1});
    } else {
        check_requests(&reader);
    }
    return 0;
}
