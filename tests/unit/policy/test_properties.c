/*
 * Laws of composition, over random policies: a merge refuses whatever an explicit deny of either
 * part refuses, order never matters, and the canonical form reads back as the same policy.
 * FAILCORE_PROPERTY_PAIRS sets the number of pairs; the seed is fixed, so that a failure repeats.
 */
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/policy/policy_load.h"
#include "shared/policy/policy_merge.h"
#include "shared/policy/policy_reader.h"

#define PAIRS_DEFAULT 2000

static uint64_t random_state = 20261120;

static unsigned int pick(unsigned int bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned int)(random_state >> 33) % bound;
}

static unsigned long equal_pairs; /* that were not the same state */

static const char *one_of(const char *const *words, size_t count)
{
    return words[pick((unsigned int)count)];
}

#define ONE_OF(array) one_of(array, sizeof(array) / sizeof((array)[0]))

static const char *const components[] = {"a",  "b", "c",    "*",     "**",
                                         "a*", "?", "[ab]", "{a,c}", "*b"};
static const char *const names[] = {"a", "b", "c", "ab", "bb"};
static const char *const fs_actions[] = {"allow", "allow", "deny", "hide", "log"};
static const char *const net_actions[] = {"allow", "allow", "deny", "log"};
static const char *const operations[] = {"read", "write", "delete", "list"};
static const char *const hosts[] = {"a.org", "*.a.org", "b.a.org", "*", "c.net", "*.c.net"};
static const char *const asked_hosts[] = {"a.org", "b.a.org", "x.b.a.org",
                                          "c.net", "y.c.net", "d.com"};
static const char *const prefixes[] = {"8.8.8.8", "8.8.0.0/16", "1.0.0.0/8", "2a00::/16"};
static const char *const addresses[] = {"8.8.8.8", "8.8.4.4", "1.1.1.1", "2a00::1", "10.0.0.1"};
static const char *const ports[] = {"443", "80", "1-1024", "any"};

static void append_fs_rule(struct text_buffer *text, unsigned int id)
{
    text_buffer_printf(text, "    - {id: r%u, action: %s", id, ONE_OF(fs_actions));
    if (pick(2) == 0) {
        text_buffer_printf(text, ", operations: [%s]", ONE_OF(operations));
    }
    text_buffer_append_text(text, ", paths: [");
    for (unsigned int i = pick(2) + 1; i > 0; i--) {
        text_buffer_append_text(text, "\"");
        for (unsigned int depth = pick(3) + 1; depth > 0; depth--) {
            text_buffer_printf(text, "%s%s", ONE_OF(components), depth > 1 ? "/" : "");
        }
        text_buffer_printf(text, "\"%s", i > 1 ? ", " : "");
    }
    text_buffer_append_text(text, "]}\n");
}

static void append_net_rule(struct text_buffer *text, unsigned int id)
{
    text_buffer_printf(text, "    - {id: r%u, action: %s, ", id, ONE_OF(net_actions));
    if (pick(2) == 0) {
        text_buffer_printf(text, "hosts: [\"%s\"]", ONE_OF(hosts));
    } else {
        text_buffer_printf(text, "addresses: [\"%s\"]", ONE_OF(prefixes));
    }
    if (pick(2) == 0) {
        text_buffer_printf(text, ", ports: [%s]", ONE_OF(ports));
    }
    text_buffer_append_text(text, pick(3) == 0 ? ", protocols: [udp, tcp]}\n" : "}\n");
}

static void append_policy(struct text_buffer *text)
{
    static const char *const violations[] = {"", "", "", "on_violation: log\n",
                                             "on_violation: block\n"};

    text_buffer_printf(text, "version: 1\nname: %s\n%s", ONE_OF(names), ONE_OF(violations));
    if (pick(8) != 0) {
        text_buffer_append_text(text, "filesystem:\n");
        text_buffer_append_text(text, pick(4) == 0   ? "  default: allow\n"
                                      : pick(2) == 0 ? "  default: deny\n"
                                                     : "");
        text_buffer_append_text(text, "  rules:\n");
        for (unsigned int id = 0, count = pick(4) + 1; id < count; id++) {
            append_fs_rule(text, id);
        }
    }
    if (pick(4) != 0) {
        text_buffer_append_text(text, "network:\n");
        text_buffer_append_text(text, pick(3) == 0 ? "  default: allow_public\n" : "");
        text_buffer_append_text(text, "  rules:\n");
        for (unsigned int id = 0, count = pick(3) + 1; id < count; id++) {
            append_net_rule(text, id);
        }
    }
    if (pick(3) == 0) {
        text_buffer_printf(text, "limits: {memory: %uMiB, processes: %u}\n", pick(9) + 1,
                           pick(99) + 1);
    }
    assert_int_equal(text_buffer_error(text), 0);
}

static struct model *read_model(struct str_view text, struct arena *arena)
{
    static const struct document_source source = {.file = "random.yaml"};
    struct failure failure = {0};
    struct model *own = NULL;
    bool resolved;

    if (policy_read(text, &source, STR_VIEW_LITERAL("random"), arena, &own, &resolved, &failure) <
        0) {
        failure_print(stderr, "random policy", &failure);
        fputs(text.bytes, stderr);
        fail();
    }
    return own;
}

/* The united policies of up to two texts, in that order. */
static struct policy *unite(struct str_view first, struct str_view second)
{
    struct arena arena = {0};
    struct model *whole = arena_alloc(&arena, sizeof(*whole));
    struct failure failure = {0};
    struct policy *policy = NULL;

    assert_non_null(whole);
    assert_int_equal(model_unite(whole, read_model(first, &arena), &arena), 0);
    if (second.bytes != NULL) {
        assert_int_equal(model_unite(whole, read_model(second, &arena), &arena), 0);
    }
    whole->name = STR_VIEW_LITERAL("united");
    model_close_absent(whole);
    model_sort(whole);
    assert_int_equal(policy_compile(whole, &arena, &policy, &failure), 0);
    return policy;
}

static bool refused_by_rule(const struct policy *policy, struct decision decision)
{
    return !decision_permits(decision) && decision.rule.index < policy_model(policy)->rule_count &&
           policy_model(policy)->rules[decision.rule.index].action == VERDICT_DENY;
}

static struct decision ask_fs(const struct policy *policy, const char *path,
                              enum fs_operation operation)
{
    const struct policy_state *state = policy_path_walk(policy, str_view_from(path));
    struct decision decision = policy_decide_fs(policy, state, operation);

    policy_state_unref(state);
    return decision;
}

struct trio {
    const struct policy *a, *b, *both, *turned;
    const char *text_a, *text_b;
};

static void require(bool held, const struct trio *trio, const char *law, const char *subject)
{
    if (!held) {
        fprintf(stderr, "%s: %s\n--- a\n%s--- b\n%s", law, subject, trio->text_a, trio->text_b);
        fail();
    }
}

static void check_decisions(const struct trio *trio, struct decision a, struct decision b,
                            struct decision both, struct decision turned, const char *subject)
{
    /* `on_violation: log` of one part is overruled by nothing: a softened deny is no refusal. */
    bool softened = policy_model(trio->both)->settings[SETTING_ON_VIOLATION].said &&
                    policy_model(trio->both)->settings[SETTING_ON_VIOLATION].value == 1;

    if (!softened && (refused_by_rule(trio->a, a) || refused_by_rule(trio->b, b))) {
        require(!decision_permits(both), trio, "a deny of one part was lost", subject);
    }
    require(both.verdict == turned.verdict && both.code == turned.code &&
                both.rule.index == turned.rule.index,
            trio, "the order matters", subject);
    if (both.rule.index == RULE_BUILTIN.index) {
        require(a.rule.index == RULE_BUILTIN.index || !decision_permits(a), trio,
                "a built-in range depends on the policy", subject);
    }
}

static void check_files(const struct trio *trio)
{
    for (unsigned int i = 0; i < 6; i++) {
        enum fs_operation operation = (enum fs_operation)pick(FS_OPERATION_COUNT);
        char path[64];
        int length = snprintf(path, sizeof(path), "%s", ONE_OF(names));

        for (unsigned int depth = pick(4); depth > 0; depth--) {
            length += snprintf(path + length, sizeof(path) - (size_t)length, "/%s", ONE_OF(names));
        }
        check_decisions(trio, ask_fs(trio->a, path, operation), ask_fs(trio->b, path, operation),
                        ask_fs(trio->both, path, operation), ask_fs(trio->turned, path, operation),
                        path);
    }
}

static void check_network(const struct trio *trio)
{
    for (unsigned int i = 0; i < 4; i++) {
        const char *host = ONE_OF(asked_hosts);
        struct str_view name = str_view_from(host);
        struct net_request request = {
            .names = &name,
            .name_count = pick(2),
            .protocol = (enum net_protocol)pick(3),
            .port = (uint16_t)(pick(2) == 0 ? 443 : 80 + pick(3)),
        };

        if (pick(4) == 0) {
            request.port = NET_PORT_UNKNOWN;
            request.name_count = 1;
        } else {
            assert_int_equal(ip_address_parse(str_view_from(ONE_OF(addresses)), &request.address),
                             0);
        }
        check_decisions(trio, policy_decide_net(trio->a, &request),
                        policy_decide_net(trio->b, &request),
                        policy_decide_net(trio->both, &request),
                        policy_decide_net(trio->turned, &request), host);
    }
}

/* What policy_states_equal_below() promises, along random paths below two random directories. */
static void check_equal_below(const struct trio *trio)
{
    const char *one = ONE_OF(names);
    const char *other = ONE_OF(names);
    char path[64];
    const struct policy_state *a = policy_path_walk(trio->both, str_view_from(one));
    const struct policy_state *b = policy_path_walk(trio->both, str_view_from(other));

    if (policy_states_equal_below(trio->both, a, b)) {
        for (unsigned int i = 0; i < 6; i++) {
            int length = snprintf(path, sizeof(path), "%s", ONE_OF(names));
            const struct policy_state *below_a;
            const struct policy_state *below_b;

            for (unsigned int depth = pick(3); depth > 0; depth--) {
                length +=
                    snprintf(path + length, sizeof(path) - (size_t)length, "/%s", ONE_OF(names));
            }
            below_a = policy_path_step(trio->both, a, str_view_from(path));
            if (strchr(path, '/') != NULL) {
                char joined_a[128];
                char joined_b[128];

                snprintf(joined_a, sizeof(joined_a), "%s/%s", one, path);
                snprintf(joined_b, sizeof(joined_b), "%s/%s", other, path);
                policy_state_unref(below_a);
                below_a = policy_path_walk(trio->both, str_view_from(joined_a));
                below_b = policy_path_walk(trio->both, str_view_from(joined_b));
            } else {
                below_b = policy_path_step(trio->both, b, str_view_from(path));
            }
            require(policy_states_equal_here(below_a, below_b), trio,
                    "equal below, and a verdict differs", path);
            policy_state_unref(below_a);
            policy_state_unref(below_b);
        }
        equal_pairs += a != b ? 1 : 0;
    }
    policy_state_unref(a);
    policy_state_unref(b);
}

/* Of two values the stricter word and the smaller number. */
static void check_settings(const struct trio *trio)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting_value *a = &policy_model(trio->a)->settings[i];
        const struct setting_value *b = &policy_model(trio->b)->settings[i];
        const struct setting_value *both = &policy_model(trio->both)->settings[i];
        uint64_t wanted = !a->said                          ? b->value
                          : !b->said || a->value < b->value ? a->value
                                                            : b->value;

        require(both->said == (a->said || b->said) && (!both->said || both->value == wanted), trio,
                "not the stricter value", setting_row((enum setting)i)->path);
    }
}

static void check_round_trip(const struct trio *trio)
{
    struct text_buffer text = {0};
    struct text_buffer again = {0};
    struct policy *read;

    assert_int_equal(policy_print(trio->both, &text), 0);
    read = unite(text_buffer_view(&text), (struct str_view){0});
    assert_int_equal(policy_print(read, &again), 0);
    require(strcmp(text_buffer_text(&text), text_buffer_text(&again)) == 0 &&
                strcmp(policy_hash(trio->both), policy_hash(read)) == 0,
            trio, "parse(print) is another policy", text_buffer_text(&text));
    policy_unref(read);
    text_buffer_clear(&text);
    text_buffer_clear(&again);
}

static void laws_of_composition(void **state)
{
    const char *wanted = getenv("FAILCORE_PROPERTY_PAIRS");
    unsigned long pairs = wanted == NULL ? PAIRS_DEFAULT : strtoul(wanted, NULL, 10);

    (void)state;
    for (unsigned long pair = 0; pair < pairs; pair++) {
        struct text_buffer text_a = {0};
        struct text_buffer text_b = {0};
        struct policy *a, *b, *both, *turned;
        struct trio trio;

        append_policy(&text_a);
        append_policy(&text_b);
        a = unite(text_buffer_view(&text_a), (struct str_view){0});
        b = unite(text_buffer_view(&text_b), (struct str_view){0});
        both = unite(text_buffer_view(&text_a), text_buffer_view(&text_b));
        turned = unite(text_buffer_view(&text_b), text_buffer_view(&text_a));
        trio =
            (struct trio){a, b, both, turned, text_buffer_text(&text_a), text_buffer_text(&text_b)};
        require(strcmp(policy_hash(both), policy_hash(turned)) == 0, &trio, "the order matters",
                "hash");
        check_files(&trio);
        check_network(&trio);
        check_equal_below(&trio);
        check_settings(&trio);
        if (pair % 8 == 0) {
            check_round_trip(&trio);
        }
        policy_unref(a);
        policy_unref(b);
        policy_unref(both);
        policy_unref(turned);
        text_buffer_clear(&text_a);
        text_buffer_clear(&text_b);
    }
    /* The law was not met by answering no to everything. */
    assert_true(equal_pairs > pairs / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(laws_of_composition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
