/*
 * The automaton against a slow matcher that shares no code with it. Input: lines. The first lines
 * are patterns, one rule each; after an empty line come paths. Every pattern that the policy
 * accepts must cover exactly what the slow matcher says, with a cache of many states and of none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/policy/path_automaton.h"
#include "shared/policy/path_pattern.h"
#include "tests/support/slow_glob.h"

#define PATTERNS_MAX 16
#define LINE_MAX_    160

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool held, const char *pattern, const char *path)
{
    if (!held) {
        fprintf(stderr, "pattern \"%s\", path \"%s\"\n", pattern, path);
        abort();
    }
}

/* One component after the other; false for what is no path below the root. */
static bool is_plain_path(const char *path)
{
    if (*path == '\0' || *path == '/' || path[strlen(path) - 1] == '/' ||
        strstr(path, "//") != NULL) {
        return false;
    }
    return true;
}

static void check_path(struct path_automaton *automaton, char patterns[][LINE_MAX_], size_t count,
                       const char *path)
{
    const struct policy_state *state = path_automaton_root(automaton);
    uint32_t read_rule = UINT32_MAX;
    uint32_t list_rule = UINT32_MAX;
    const char *at = path;

    while (*at != '\0') {
        const char *end = strchr(at, '/');
        size_t size = end == NULL ? strlen(at) : (size_t)(end - at);
        const struct policy_state *next =
            path_automaton_step(automaton, state, (struct str_view){.bytes = at, .length = size});

        policy_state_unref(state);
        state = next;
        at += size + (end == NULL ? 0 : 1);
    }
    /* Of rules that allow, the first in order wins. */
    for (size_t i = count; i-- > 0;) {
        bool covers = *path != '\0' && slow_glob_covers(patterns[i], path);

        read_rule = covers ? (uint32_t)i : read_rule;
        list_rule = covers || slow_glob_covers_listing(patterns[i], path) ? (uint32_t)i : list_rule;
    }
    require(policy_state_rule(state, FS_READ).index == read_rule, "all", path);
    require(policy_state_rule(state, FS_LIST).index == list_rule, "all, listing", path);
    require((policy_state_verdict(state, FS_READ) == VERDICT_ALLOW) == (read_rule != UINT32_MAX),
            "verdict", path);
    policy_state_unref(state);
}

static size_t take_line(const char **text, const char *end, char line[static LINE_MAX_])
{
    const char *newline = memchr(*text, '\n', (size_t)(end - *text));
    size_t length = (size_t)((newline == NULL ? end : newline) - *text);
    size_t kept = length < LINE_MAX_ - 1 ? length : LINE_MAX_ - 1;

    memcpy(line, *text, kept);
    line[kept] = '\0';
    *text += length + (newline == NULL ? 0 : 1);
    return strlen(line);
}

static void check_all(char patterns[][LINE_MAX_], size_t count, const char *text, const char *end,
                      size_t cap)
{
    struct str_view views[PATTERNS_MAX];
    struct path_rule rules[PATTERNS_MAX];
    struct path_section section = {
        .rules = rules, .rule_count = count, .otherwise = VERDICT_DENY, .state_cap = cap};
    struct path_automaton *automaton;

    for (size_t i = 0; i < count; i++) {
        views[i] = str_view_from(patterns[i]);
        rules[i] = (struct path_rule){.rule = (uint32_t)i,
                                      .action = VERDICT_ALLOW,
                                      .operations = PATH_ALL_OPERATIONS,
                                      .patterns = &views[i],
                                      .pattern_count = 1};
    }
    if (path_automaton_new(&section, &automaton) < 0) {
        abort();
    }
    check_path(automaton, patterns, count, "");
    for (size_t paths = 0; text < end && paths < 64; paths++) {
        char path[LINE_MAX_];

        take_line(&text, end, path);
        if (is_plain_path(path)) {
            check_path(automaton, patterns, count, path);
        }
    }
    path_automaton_free(automaton);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const char *text = (const char *)bytes;
    const char *end = text + length;
    char patterns[PATTERNS_MAX][LINE_MAX_];
    size_t count = 0;

    if (length > 4096) {
        return 0;
    }
    while (text < end && count < PATTERNS_MAX) {
        struct path_pattern_problem problem;

        if (take_line(&text, end, patterns[count]) == 0) {
            break;
        }
        /* Stars in one name are exponential for the slow one, not for us. */
        if (path_pattern_expand(str_view_from(patterns[count]), NULL, NULL, &problem) == 0) {
            size_t stars = 0;

            for (const char *c = patterns[count]; *c != '\0'; c++) {
                stars += *c == '*' ? 1 : 0;
            }
            count += stars <= 6 ? 1 : 0;
        }
    }
    check_all(patterns, count, text, end, 0);
    check_all(patterns, count, text, end, 1);
    return 0;
}
