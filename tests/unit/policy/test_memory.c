/*
 * Memory that runs out. Each allocation of loading, printing and walking a policy fails in turn:
 * the answer is -ENOMEM with its words or a policy that is whole, never one that permits more. Our
 * own calls are wrapped by the linker (CMakeLists.txt); those of libraries are theirs.
 */
#include "tests/support/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/policy/arena.h"
#include "shared/policy/policy.h"
#include "tests/unit/policy/policy_text.h"

/* Allocations that are still given; then one fails, and those after it are given again. */
static long left_before_failure;
static bool failed;

static bool fails_now(void)
{
    if (left_before_failure-- == 0) {
        failed = true;
        return true;
    }
    return false;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void *__real_arena_alloc(struct arena *arena, size_t size);
void *__real_arena_alloc_array(struct arena *arena, size_t count, size_t size);
struct str_view __real_arena_copy(struct arena *arena, struct str_view text);
void *__real_arena_grow(struct arena *arena, void *members, size_t count, size_t *capacity,
                        size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
void *__wrap_arena_alloc(struct arena *arena, size_t size);
void *__wrap_arena_alloc_array(struct arena *arena, size_t count, size_t size);
struct str_view __wrap_arena_copy(struct arena *arena, struct str_view text);
void *__wrap_arena_grow(struct arena *arena, void *members, size_t count, size_t *capacity,
                        size_t size);

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails_now() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return fails_now() ? NULL : __real_reallocarray(old, count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails_now() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return fails_now() ? NULL : __real_strdup(text);
}

void *__wrap_arena_alloc(struct arena *arena, size_t size)
{
    return fails_now() ? NULL : __real_arena_alloc(arena, size);
}

void *__wrap_arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    return fails_now() ? NULL : __real_arena_alloc_array(arena, count, size);
}

struct str_view __wrap_arena_copy(struct arena *arena, struct str_view text_view)
{
    return fails_now() ? (struct str_view){0} : __real_arena_copy(arena, text_view);
}

void *__wrap_arena_grow(struct arena *arena, void *members, size_t count, size_t *capacity,
                        size_t size)
{
    return fails_now() ? NULL : __real_arena_grow(arena, members, count, capacity, size);
}

static const char denied[] = "**/secret/*.pem";

static const char text[] =
    "version: 1\n"
    "name: everything\n"
    "extends: [fs_safe, net_safe]\n"
    "filesystem:\n"
    "  rules:\n"
    "    - {id: all, action: allow, paths: [\"**\", \"src/**/[a-c]?*.{c,h}\"]}\n"
    "    - {id: keys, action: deny, paths: [\"**/secret/*.pem\"]}\n"
    "network:\n"
    "  rules:\n"
    "    - {id: web, action: allow, hosts: [\"*.example.org\", example.com], ports: [80, 443, "
    "8000-9000]}\n"
    "    - {id: plain, action: allow, hosts: [example.net]}\n"
    "    - {id: lab, action: allow, addresses: [93.184.216.0/24, \"2606:2800::/32\"], ports: "
    "[22]}\n"
    "process:\n"
    "  rules:\n"
    "    - {id: shells, action: deny, executables: [\"**/bash\", /usr/bin/python3]}\n"
    "limits: {processes: 100, wall_time: 1h, memory: 1GiB}\n"
    "breaker:\n"
    "  - {event: delete, count: 50, within: 10s, action: freeze, except: [\"tmp/**\"]}\n";

/* As it stands in the text above; else the test tests another policy than it says. */
static void text_is_valid(void **state)
{
    struct policy *policy = NULL;
    struct failure failure = {0};

    (void)state;
    left_before_failure = -1;
    assert_non_null(strstr(text, denied));
    if (try_policy_text(text, &policy, &failure) < 0) {
        failure_print(stderr, "text_is_valid", &failure);
        fail();
    }
    policy_unref(policy);
}

static void each_allocation_of_loading_fails(void **state)
{
    struct policy *whole = policy_of_text(text);
    long allocations = 0;

    (void)state;
    for (bool more = true; more; allocations++) {
        struct policy *policy = NULL;
        struct failure failure = {0};
        int error;

        left_before_failure = allocations;
        failed = false;
        error = try_policy_text(text, &policy, &failure);
        left_before_failure = -1;
        more = failed;
        if (error < 0) {
            assert_true(failed);
            assert_int_equal(error, -ENOMEM);
            assert_null(policy);
            assert_true(failure.what[0] != '\0');
            continue;
        }
        assert_string_equal(policy_hash(policy), policy_hash(whole));
        assert_int_equal(fs_decision(policy, FS_READ, "x/secret/a.pem").verdict, VERDICT_DENY);
        policy_unref(policy);
    }
    assert_true(allocations > 50);
    policy_unref(whole);
}

static void each_allocation_of_a_walk_fails(void **state)
{
    static const char *const paths[] = {"x/secret/a.pem", "deep/er/and/deeper/secret/b.pem"};
    struct policy *policy = policy_of_text(text);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (long allocation = 0; allocation < 40; allocation++) {
            const struct policy_state *place;

            left_before_failure = allocation;
            place = policy_path_walk(policy, str_view_from(paths[i]));
            left_before_failure = -1;
            assert_non_null(place);
            assert_int_equal(policy_decide_fs(policy, place, FS_READ).verdict, VERDICT_DENY);
            policy_state_unref(place);
        }
    }
    policy_unref(policy);
}

static void each_allocation_of_printing_fails(void **state)
{
    struct policy *policy = policy_of_text(text);
    long allocation = 0;

    (void)state;
    for (bool more = true; more; allocation++) {
        struct text_buffer printed = {0};
        int error;

        left_before_failure = allocation;
        failed = false;
        error = policy_print(policy, &printed);
        left_before_failure = -1;
        more = failed;
        assert_int_equal(error, failed ? -ENOMEM : 0);
        text_buffer_clear(&printed);
    }
    assert_true(allocation > 1);
    policy_unref(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_valid),
        cmocka_unit_test(each_allocation_of_loading_fails),
        cmocka_unit_test(each_allocation_of_a_walk_fails),
        cmocka_unit_test(each_allocation_of_printing_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
