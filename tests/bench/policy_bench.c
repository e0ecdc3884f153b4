/*
 * Decisions per path rule count: load, memory, a step with its decision, a whole path of twelve
 * components, and fnmatch(3) over the same patterns. Prints Markdown.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/file_io.h"
#include "shared/policy/path_automaton.h"
#include "shared/policy/policy_load.h"

#define DEPTH     12
#define PATHS     4096
#define SAMPLES   200000
#define FN_PATHS  40
#define NAME_SIZE 24

static char names[PATHS][DEPTH][NAME_SIZE];
static double samples[SAMPLES];
static uint64_t random_state = 7;

static unsigned int pick(unsigned int bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned int)(random_state >> 33) % bound;
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return *left < *right ? -1 : *left > *right;
}

struct quantiles {
    double p50;
    double p99;
};

static struct quantiles quantiles_of(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    return (struct quantiles){values[count / 2], values[count * 99 / 100]};
}

/* A tree like a large repository: some names that rules speak of, most that none does. */
static void make_names(unsigned int rules)
{
    static const char *const ordinary[] = {"src",   "lib",    "include",  "node_modules",
                                           "test",  "main.c", "index.js", "README.md",
                                           "build", "pkg"};

    for (size_t path = 0; path < PATHS; path++) {
        for (size_t depth = 0; depth < DEPTH; depth++) {
            char *name = names[path][depth];

            switch (pick(8)) {
            case 0:
                snprintf(name, NAME_SIZE, "dir%u", pick(rules));
                break;
            case 1:
                snprintf(name, NAME_SIZE, "file.e%u", pick(rules));
                break;
            case 2:
                snprintf(name, NAME_SIZE, "name%u", pick(1000));
                break;
            default:
                snprintf(name, NAME_SIZE, "%s", ordinary[pick(10)]);
            }
        }
    }
}

static void append_pattern(struct text_buffer *text, unsigned int rule)
{
    switch (rule % 5) {
    case 0:
        text_buffer_printf(text, "dir%u/**", rule);
        break;
    case 1:
        text_buffer_printf(text, "**/*.e%u", rule);
        break;
    case 2:
        text_buffer_printf(text, "**/secret%u", rule);
        break;
    case 3:
        text_buffer_printf(text, "src/*/dir%u/*.{c,h}", rule);
        break;
    default:
        text_buffer_printf(text, "**/dir%u/**/key*%u", rule, rule);
    }
}

static void write_policy(const char *path, unsigned int rules)
{
    struct text_buffer text = {0};
    FILE *file = fopen(path, "we");

    text_buffer_append_text(&text, "version: 1\nname: bench\nfilesystem:\n  rules:\n"
                                   "    - {id: tree, action: allow, paths: [\"**\"]}\n");
    for (unsigned int rule = 1; rule < rules; rule++) {
        text_buffer_printf(&text,
                           "    - {id: r%u, action: deny, operations: [write, delete], "
                           "paths: [\"",
                           rule);
        append_pattern(&text, rule);
        text_buffer_append_text(&text, "\"]}\n");
    }
    if (file == NULL || fwrite(text.bytes, 1, text.length, file) != text.length ||
        fclose(file) != 0) {
        perror(path);
        exit(1);
    }
    text_buffer_clear(&text);
}

static struct policy *load(const char *path, double *ret_ms)
{
    struct policy_directories none = {0};
    struct failure failure = {0};
    struct policy *policy = NULL;
    double best = 1e18;

    for (int round = 0; round < 5; round++) {
        double started = now_ns();

        policy_unref(policy);
        if (policy_load_from(&path, 1, &none, &policy, &failure) < 0) {
            failure_print(stderr, "policy_bench", &failure);
            exit(1);
        }
        best = now_ns() - started < best ? now_ns() - started : best;
    }
    *ret_ms = best / 1e6;
    return policy;
}

static const struct policy_state *walk(const struct policy *policy, size_t path, size_t depth)
{
    const struct policy_state *state = policy_path_root(policy);

    for (size_t i = 0; i < depth; i++) {
        const struct policy_state *next =
            policy_path_step(policy, state, str_view_from(names[path][i]));

        policy_state_unref(state);
        state = next;
    }
    return state;
}

static volatile unsigned int sink;

/* One lookup as a file system does it: the parent's state, one name, one operation. */
static struct quantiles measure_steps(const struct policy *policy, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t path = i % PATHS;
        size_t depth = pick(DEPTH);
        const struct policy_state *parent = walk(policy, path, depth);
        struct str_view name = str_view_from(names[path][depth]);
        double started = now_ns();
        const struct policy_state *state = policy_path_step(policy, parent, name);

        sink += policy_decide_fs(policy, state, FS_WRITE).verdict;
        samples[i] = now_ns() - started;
        policy_state_unref(state);
        policy_state_unref(parent);
    }
    return quantiles_of(samples, count);
}

static struct quantiles measure_paths(const struct policy *policy, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double started = now_ns();
        const struct policy_state *state = walk(policy, i % PATHS, DEPTH);

        sink += policy_decide_fs(policy, state, FS_WRITE).verdict;
        samples[i] = now_ns() - started;
        policy_state_unref(state);
    }
    return quantiles_of(samples, count);
}

static double measure_clock(void)
{
    for (size_t i = 0; i < 10000; i++) {
        double started = now_ns();

        samples[i] = now_ns() - started;
    }
    return quantiles_of(samples, 10000).p50;
}

/* What a list of patterns costs: every rule is asked, since any deny beats any allow. */
static double measure_fnmatch(unsigned int rules)
{
    struct text_buffer *patterns = calloc(rules, sizeof(*patterns));
    char path[DEPTH * NAME_SIZE];

    if (patterns == NULL) {
        exit(1);
    }
    for (unsigned int rule = 0; rule < rules; rule++) {
        append_pattern(&patterns[rule], rule);
    }
    for (size_t i = 0; i < FN_PATHS; i++) {
        size_t length = 0;
        double started;

        for (size_t depth = 0; depth < DEPTH; depth++) {
            length += (size_t)snprintf(path + length, sizeof(path) - length, "%s%s",
                                       depth == 0 ? "" : "/", names[i][depth]);
        }
        started = now_ns();
        for (unsigned int rule = 0; rule < rules; rule++) {
            sink += (unsigned int)fnmatch(patterns[rule].bytes, path, 0);
        }
        samples[i] = now_ns() - started;
    }
    for (unsigned int rule = 0; rule < rules; rule++) {
        text_buffer_clear(&patterns[rule]);
    }
    free(patterns);
    return quantiles_of(samples, FN_PATHS).p50;
}

/* Names of four labels against exact hosts and wildcards: what a reversed-label trie would walk is
 * one look into a hash table for each label here. */
static struct quantiles measure_hosts(unsigned int rules, char *file, double *ret_load_ms)
{
    FILE *out = fopen(file, "w");
    struct policy *policy;

    if (out == NULL) {
        exit(1);
    }
    fputs("version: 1\nname: hosts\nnetwork:\n  rules:\n", out);
    for (unsigned int rule = 0; rule < rules; rule++) {
        fprintf(out, "    - {id: h%u, action: %s, hosts: [\"%sb%u.example%u.org\"]}\n", rule,
                rule % 3 == 2 ? "deny" : "allow", rule % 2 == 0 ? "" : "*.", rule, rule % 97);
    }
    fclose(out);
    policy = load(file, ret_load_ms);
    for (size_t i = 0; i < SAMPLES; i++) {
        char text[64];
        unsigned int rule = pick(rules);
        struct str_view name;
        struct net_request request = {.port = 443, .names = &name, .name_count = 1};
        double started;

        snprintf(text, sizeof(text), "%sb%u.example%u.org", i % 2 == 0 ? "a." : "", rule,
                 rule % 97);
        name = str_view_from(text);
        started = now_ns();
        sink += policy_decide_net(policy, &request).verdict;
        samples[i] = now_ns() - started;
    }
    policy_unref(policy);
    return quantiles_of(samples, SAMPLES);
}

static void print_hosts(const unsigned int *counts, size_t count, char *file)
{
    puts("\n| host rules | load ms | decision p50 ns | p99 |");
    puts("|---|---|---|---|");
    for (size_t i = 0; i < count; i++) {
        double ms;
        struct quantiles hosts = measure_hosts(counts[i], file, &ms);

        printf("| %u | %.1f | %.0f | %.0f |\n", counts[i], ms, hosts.p50, hosts.p99);
    }
}

int main(void)
{
    static const unsigned int counts[] = {10, 100, 1000, 10000};
    char file[] = "/tmp/failcore-bench-XXXXXX.yaml";
    int fd = mkstemps(file, 5);
    double first = 0;
    double last = 0;

    if (fd < 0) {
        perror(file);
        return 1;
    }
    close(fd);
    printf("A tree %d components deep, %d paths; the clock's own %.0f ns are in each number.\n\n",
           DEPTH, PATHS, measure_clock());
    puts("| rules | load ms | automaton KiB | states | cold step p50 ns | cold p99 | step+decide "
         "p50 "
         "| p99 | path of 12 p50 | p99 | fnmatch p50 |");
    puts("|---|---|---|---|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct quantiles cold, warm, whole;
        struct path_automaton_size size;
        struct policy *policy;
        double ms;

        make_names(counts[i]);
        write_policy(file, counts[i]);
        policy = load(file, &ms);
        cold = measure_steps(policy, PATHS);
        (void)measure_paths(policy, PATHS);
        warm = measure_steps(policy, SAMPLES);
        whole = measure_paths(policy, SAMPLES);
        size = path_automaton_size(policy_fs_automaton(policy));
        printf("| %u | %.1f | %zu | %zu | %.0f | %.0f | %.0f | %.0f | %.0f | %.0f | %.0f |\n",
               counts[i], ms, size.bytes / 1024, size.states, cold.p50, cold.p99, warm.p50,
               warm.p99, whole.p50, whole.p99, measure_fnmatch(counts[i]));
        first = i == 0 ? warm.p50 : first;
        last = warm.p50;
        policy_unref(policy);
    }
    print_hosts(counts, sizeof(counts) / sizeof(counts[0]), file);
    unlink(file);
    printf("\nratio of 10,000 rules to 10 (step+decide, p50): %.2f\n", last / first);
    return 0;
}
