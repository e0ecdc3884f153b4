/* A policy that asks for too much is refused whole, with the place and what to do; never cut short.
 */
#include "tests/support/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/cleanup.h"
#include "shared/base/text_buffer.h"
#include "shared/policy/document.h"
#include "shared/policy/policy_reader.h"
#include "tests/unit/policy/policy_text.h"

#define HEAD "version: 1\nname: large\nfilesystem:\n  rules:\n"

static void refused(const struct text_buffer *text, const char *words)
{
    struct failure failure = {0};
    struct policy *policy = NULL;

    assert_int_equal(text_buffer_error(text), 0);
    assert_true(try_policy_text(text_buffer_text(text), &policy, &failure) < 0);
    assert_null(policy);
    assert_non_null(strstr(failure.what, words));
    assert_true(failure.mend[0] != '\0');
}

static void repeat(struct text_buffer *text, const char *words, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        text_buffer_append_text(text, words);
    }
}

static void too_many_rules(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    text_buffer_append_text(&text, HEAD);
    for (unsigned int i = 0; i <= POLICY_RULES_MAX; i++) {
        text_buffer_printf(&text, "    - {id: r%u, action: allow, paths: [a]}\n", i);
    }
    refused(&text, "more than 20000 rules");
}

static void too_many_patterns(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    text_buffer_append_text(&text, HEAD "    - id: r\n      action: allow\n      paths:\n");
    for (unsigned int i = 0; i <= POLICY_PATTERNS_MAX; i++) {
        text_buffer_printf(&text, "        - a%u\n", i);
    }
    refused(&text, "more than 200000 patterns");
}

static void too_many_values(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    text_buffer_append_text(&text, "version: 1\nname: large\ndescription: [");
    repeat(&text, "a,", DOCUMENT_NODES_MAX);
    text_buffer_append_text(&text, "a]\n");
    refused(&text, "more than 2,000,000 values");
}

static void too_long(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    text_buffer_append_text(&text, "version: 1\nname: large\n");
    repeat(&text, "################################################################\n", 17 << 14);
    refused(&text, "16 MiB");
}

/* The text is not looked at: a caller that did not bound what it read gets the same answer. */
static void too_long_for_the_parser(void **state)
{
    static const struct document_source source = {.file = "large.yaml"};
    struct str_view text = {.bytes = "", .length = DOCUMENT_BYTES_MAX + 1};
    struct failure failure = {0};
    struct arena arena = {0};
    struct node *root = NULL;

    (void)state;
    assert_int_equal(document_parse(text, &source, &arena, &root, &failure), -EINVAL);
    assert_null(root);
    assert_string_equal(failure.needed, "large.yaml:1:1");
}

static void a_list_where_a_word_must_stand(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    text_buffer_append_text(&text, "version: 1\nname: [a]\n");
    refused(&text, "a list");
}

static void ports_that_touch_are_one_range(void **state)
{
    struct policy *policy = policy_of_text("version: 1\nname: ports\nnetwork:\n  rules:\n"
                                           "    - {id: web, action: allow, hosts: [a.test],\n"
                                           "       ports: [100-200, 1-50, 40-99, 150-160, 300]}\n");
    static const struct {
        uint16_t port;
        bool open;
    } asked[] = {{1, true},    {50, true},   {99, true},  {100, true}, {200, true},
                 {201, false}, {299, false}, {300, true}, {301, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        assert_int_equal(
            decision_permits(net_decision(policy, "a.test", "8.8.8.8", NET_TCP, asked[i].port)),
            asked[i].open);
    }
    policy_unref(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_many_rules),
        cmocka_unit_test(too_many_patterns),
        cmocka_unit_test(too_many_values),
        cmocka_unit_test(too_long),
        cmocka_unit_test(too_long_for_the_parser),
        cmocka_unit_test(a_list_where_a_word_must_stand),
        cmocka_unit_test(ports_that_touch_are_one_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
