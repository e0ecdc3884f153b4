#include "fusefs/view_requests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/base/cleanup.h"
#include "tests/support/unit.h"

struct log {
    unsigned int looks;
    char last[128];
    int result; /* of recording */
};

struct world {
    struct view_tree tree;
    struct log log;
    struct view_service service;
    struct view_reply reply;
};

static int note(void *context, const struct view_look *look)
{
    struct log *log = context;

    log->looks++;
    snprintf(log->last, sizeof(log->last), "%s %.*s %d", look->operation,
             STR_VIEW_PRINTF(look->path), look->error);
    return log->result;
}

static void world_init(struct world *world)
{
    *world = (struct world){0};
    assert_int_equal(view_tree_init(&world->tree), 0);
    assert_int_equal(view_tree_add(&world->tree, "bin", VIEW_LINK, "usr/bin"), 0);
    assert_int_equal(view_tree_add(&world->tree, "etc/passwd", VIEW_FILE, NULL), 0);
    assert_int_equal(view_tree_add(&world->tree, "etc/ld.so.preload", VIEW_ABSENT, NULL), 0);
    assert_int_equal(view_tree_add(&world->tree, "root", VIEW_ELSEWHERE, NULL), 0);
    world->service = (struct view_service){
        .tree = &world->tree, .absent_seconds = 60, .record = note, .context = &world->log};
}

static void world_clear(struct world *world)
{
    view_tree_clear(&world->tree);
}

static int ask(struct world *world, uint32_t opcode, const char *directory, const void *body,
               size_t length)
{
    struct {
        struct fuse_in_header header;
        char body[512];
    } request = {.header = {.len = (uint32_t)(sizeof(request.header) + length),
                            .opcode = opcode,
                            .unique = 7,
                            .nodeid = view_tree_find(&world->tree, directory) + FUSE_ROOT_ID,
                            .pid = 1}};

    if (body != NULL) {
        memcpy(request.body, body, length); /* zeroes otherwise */
    }
    return view_answer(&world->service, &request, request.header.len, &world->reply);
}

static const struct fuse_entry_out *look(struct world *world, const char *directory,
                                         const char *name)
{
    assert_int_equal(ask(world, FUSE_LOOKUP, directory, name, strlen(name) + 1), 0);
    assert_int_equal(world->reply.header.unique, 7);
    return (const void *)world->reply.body;
}

static void a_name_of_the_tree_is_known_for_good(void **state)
{
    AUTO(world_clear) struct world world;
    const struct fuse_entry_out *entry;

    (void)state;
    world_init(&world);
    entry = look(&world, "", "etc");
    assert_int_equal(world.reply.header.error, 0);
    assert_int_equal(entry->nodeid, view_tree_find(&world.tree, "etc") + FUSE_ROOT_ID);
    assert_true(S_ISDIR(entry->attr.mode));
    assert_true(entry->entry_valid > 1000000);
    assert_true(entry->attr_valid > 1000000);
    assert_int_equal(world.log.looks, 0);
}

static void another_name_is_absent_and_recorded_first(void **state)
{
    AUTO(world_clear) struct world world;

    (void)state;
    world_init(&world);
    assert_int_equal(look(&world, "etc", "shadow")->nodeid, 0);
    assert_int_equal(world.reply.header.error, 0);
    assert_int_equal(look(&world, "etc", "shadow")->entry_valid, 60);
    assert_int_equal(world.log.looks, 2);
    assert_string_equal(world.log.last, "lookup /etc/shadow 2");
    assert_int_equal(look(&world, "root", ".ssh")->nodeid, 0);
    assert_string_equal(world.log.last, "lookup /root/.ssh 2");
}

static void what_cannot_be_recorded_is_an_error(void **state)
{
    AUTO(world_clear) struct world world;

    (void)state;
    world_init(&world);
    world.log.result = -EIO;
    (void)look(&world, "etc", "shadow");
    assert_int_equal(world.reply.header.error, -EIO);
    assert_int_equal(world.reply.header.len, sizeof(world.reply.header));
}

static void what_every_program_looks_for_is_no_refusal(void **state)
{
    AUTO(world_clear) struct world world;
    const struct fuse_entry_out *entry;

    (void)state;
    world_init(&world);
    entry = look(&world, "etc", "ld.so.preload");
    assert_int_equal(entry->nodeid, 0);
    assert_true(entry->entry_valid > 1000000);
    assert_int_equal(world.log.looks, 0);
}

static void a_place_of_others_is_not_listed(void **state)
{
    const struct fuse_open_in open = {0};
    AUTO(world_clear) struct world world;

    (void)state;
    world_init(&world);
    assert_int_equal(ask(&world, FUSE_OPENDIR, "root", &open, sizeof(open)), 0);
    assert_int_equal(world.reply.header.error, -EACCES);
    assert_string_equal(world.log.last, "list /root 13");
    assert_int_equal(ask(&world, FUSE_OPENDIR, "etc", &open, sizeof(open)), 0);
    assert_int_equal(world.reply.header.error, 0);
    assert_int_equal(world.log.looks, 1);
}

/* Names of a listing that is read `size` bytes at a time, each with a NUL. */
static size_t list(struct world *world, const char *directory, uint32_t opcode, uint32_t size,
                   char names[static 256])
{
    struct fuse_read_in read = {.size = size};
    size_t head = opcode == FUSE_READDIRPLUS ? sizeof(struct fuse_entry_out) : 0;
    size_t used = 0;

    for (int calls = 0; calls < 16; calls++) {
        size_t at = 0;
        size_t length;

        assert_int_equal(ask(world, opcode, directory, &read, sizeof(read)), 0);
        length = world->reply.header.len - sizeof(world->reply.header);
        assert_true(length <= size);
        if (length == 0) {
            return used;
        }
        while (at < length) {
            const struct fuse_dirent *entry = (const void *)(world->reply.body + at + head);

            memcpy(names + used, entry->name, entry->namelen);
            used += entry->namelen;
            names[used++] = ' ';
            read.offset = entry->off;
            at += head + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry->namelen);
        }
    }
    fail_msg("the listing has no end");
    return 0;
}

static void a_listing_is_exactly_the_tree(void **state)
{
    AUTO(world_clear) struct world world;
    char names[256] = "";

    (void)state;
    world_init(&world);
    names[list(&world, "", FUSE_READDIR, 4096, names)] = '\0';
    assert_string_equal(names, ". .. bin etc root ");
    names[list(&world, "", FUSE_READDIRPLUS, 200, names)] = '\0'; /* one at a time */
    assert_string_equal(names, ". .. bin etc root ");
    names[list(&world, "etc", FUSE_READDIRPLUS, 4096, names)] = '\0';
    assert_string_equal(names, ". .. passwd ");
}

static void a_link_says_where_it_leads(void **state)
{
    AUTO(world_clear) struct world world;

    (void)state;
    world_init(&world);
    assert_int_equal(ask(&world, FUSE_READLINK, "bin", NULL, 0), 0);
    assert_int_equal(world.reply.header.len, sizeof(world.reply.header) + strlen("usr/bin"));
    assert_memory_equal(world.reply.body, "usr/bin", strlen("usr/bin"));
    assert_int_equal(ask(&world, FUSE_READLINK, "etc", NULL, 0), 0);
    assert_int_equal(world.reply.header.error, -EINVAL);
}

static void nothing_is_changed_or_opened(void **state)
{
    static const uint32_t changes[] = {FUSE_MKDIR,  FUSE_MKNOD,  FUSE_SYMLINK, FUSE_UNLINK,
                                       FUSE_RMDIR,  FUSE_RENAME, FUSE_RENAME2, FUSE_LINK,
                                       FUSE_CREATE, FUSE_SETATTR};
    AUTO(world_clear) struct world world;
    char body[64] = "";

    (void)state;
    world_init(&world);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        assert_int_equal(ask(&world, changes[i], "etc", body, sizeof(body)), 0);
        assert_int_equal(world.reply.header.error, -EROFS);
    }
    assert_int_equal(ask(&world, FUSE_OPEN, "etc/passwd", body, sizeof(body)), 0);
    assert_int_equal(world.reply.header.error, -EACCES);
    assert_int_equal(ask(&world, FUSE_GETXATTR, "etc", body, sizeof(body)), 0);
    assert_int_equal(world.reply.header.error, -ENOSYS);
    assert_int_equal(ask(&world, FUSE_IOCTL, "etc", body, sizeof(body)), 0);
    assert_int_equal(world.reply.header.error, -ENOSYS);
}

static void a_node_that_is_none_is_stale(void **state)
{
    AUTO(world_clear) struct world world;

    (void)state;
    world_init(&world);
    assert_int_equal(ask(&world, FUSE_GETATTR, "nowhere", NULL, sizeof(struct fuse_getattr_in)), 0);
    assert_int_equal(world.reply.header.error, -ESTALE);
}

static void bytes_that_are_no_request_end_it(void **state)
{
    struct fuse_in_header header = {.len = sizeof(header), .opcode = FUSE_LOOKUP, .nodeid = 1};
    struct fuse_init_in init = {.major = 7, .minor = 22};
    AUTO(world_clear) struct world world;

    (void)state;
    world_init(&world);
    assert_int_equal(view_answer(&world.service, &header, 10, &world.reply), -EPROTO);
    assert_int_equal(view_answer(&world.service, &header, sizeof(header), &world.reply), -EPROTO);
    assert_int_equal(ask(&world, FUSE_LOOKUP, "", "no end", 6), -EPROTO);
    assert_int_equal(ask(&world, FUSE_READDIR, "", "short", 6), -EPROTO);
    assert_int_equal(ask(&world, FUSE_INIT, "", &init, sizeof(init)), -EPROTO); /* too old */
}

static void forgetting_is_not_answered(void **state)
{
    const struct fuse_forget_in forget = {.nlookup = 1};
    AUTO(world_clear) struct world world;

    (void)state;
    world_init(&world);
    assert_int_equal(ask(&world, FUSE_FORGET, "etc", &forget, sizeof(forget)), 0);
    assert_int_equal(world.reply.header.len, 0);
    assert_int_not_equal(look(&world, "", "etc")->nodeid, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_of_the_tree_is_known_for_good),
        cmocka_unit_test(another_name_is_absent_and_recorded_first),
        cmocka_unit_test(what_cannot_be_recorded_is_an_error),
        cmocka_unit_test(what_every_program_looks_for_is_no_refusal),
        cmocka_unit_test(a_place_of_others_is_not_listed),
        cmocka_unit_test(a_listing_is_exactly_the_tree),
        cmocka_unit_test(a_link_says_where_it_leads),
        cmocka_unit_test(nothing_is_changed_or_opened),
        cmocka_unit_test(a_node_that_is_none_is_stale),
        cmocka_unit_test(bytes_that_are_no_request_end_it),
        cmocka_unit_test(forgetting_is_not_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
