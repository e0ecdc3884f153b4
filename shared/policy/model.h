/*
 * What a policy file says, as data: settings, lists and rules. Read by policy_reader, united by
 * policy_merge, written by policy_print and compiled by policy.c.
 *
 * Everything lives in the arena that the model was made with.
 */
#ifndef FAILCORE_POLICY_MODEL_H
#define FAILCORE_POLICY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/policy/arena.h"
#include "shared/policy/breaker_settings.h"
#include "shared/policy/host_name.h"
#include "shared/policy/policy.h"
#include "shared/policy/quantity.h"

/* Where something was written; file NULL: nowhere. */
struct origin {
    const char *file;
    uint32_t line;
    uint32_t column;
};

enum section {
    SECTION_TOP = 0,
    SECTION_FILESYSTEM,
    SECTION_NETWORK,
    SECTION_PROCESS,
    SECTION_SANDBOX,
    SECTION_LIMITS,
    SECTION_AUDIT,
    SECTION_COUNT,
};

/*
 * Single values. Words are in the order of strictness: of two policies the earlier word wins, and
 * so does the smaller number.
 *
 * enumerator, section, path below the section, kind (a word list or a quantity)
 */
#define SETTING_TABLE(WORD, NUMBER)                                                                \
    WORD(ON_VIOLATION, TOP, "on_violation", "block", "log", NULL)                                  \
    WORD(FS_DEFAULT, FILESYSTEM, "default", "deny", "allow", NULL)                                 \
    WORD(FS_DEVICES, FILESYSTEM, "devices", "false", "true", NULL)                                 \
    WORD(FS_SETUID, FILESYSTEM, "setuid", "false", "true", NULL)                                   \
    WORD(FS_OUTSIDE_LINKS, FILESYSTEM, "outside_links", "refuse", "copy_up", "allow")              \
    WORD(NET_DEFAULT, NETWORK, "default", "deny", "allow_public", NULL)                            \
    WORD(NET_TLS_ECH, NETWORK, "tls.ech", "refuse", "outer_name", "allow")                         \
    WORD(NET_TLS_NO_SNI, NETWORK, "tls.no_sni", "refuse", "outer_name", "allow")                   \
    WORD(NET_QUIC, NETWORK, "quic", "refuse", "allow", NULL)                                       \
    NUMBER(DNS_QUERIES, NETWORK, "dns.budget.queries_per_second", COUNT)                           \
    NUMBER(DNS_BURST, NETWORK, "dns.budget.burst", COUNT)                                          \
    NUMBER(DNS_UNIQUE_NAMES, NETWORK, "dns.budget.unique_names_per_hour", COUNT)                   \
    NUMBER(DNS_LABEL_BYTES, NETWORK, "dns.budget.label_bytes_per_hour", SIZE)                      \
    NUMBER(DNS_ENTROPY, NETWORK, "dns.budget.entropy_bits_per_hour", COUNT)                        \
    NUMBER(NET_CONNECTIONS, NETWORK, "budget.connections_per_minute", COUNT)                       \
    NUMBER(NET_BYTES_OUT, NETWORK, "budget.bytes_out", SIZE)                                       \
    NUMBER(NET_BYTES_OUT_PER_HOST, NETWORK, "budget.bytes_out_per_host", SIZE)                     \
    WORD(PROCESS_DEFAULT, PROCESS, "default", "deny", "allow", NULL)                               \
    WORD(PROCESS_IO_URING, PROCESS, "io_uring", "false", "true", NULL)                             \
    WORD(SANDBOX_NESTED, SANDBOX, "nested", "false", "true", NULL)                                 \
    NUMBER(LIMIT_WALL_TIME, LIMITS, "wall_time", DURATION)                                         \
    NUMBER(LIMIT_CPU_TIME, LIMITS, "cpu_time", DURATION)                                           \
    NUMBER(LIMIT_CPU, LIMITS, "cpu", PERCENT)                                                      \
    NUMBER(LIMIT_MEMORY, LIMITS, "memory", SIZE)                                                   \
    NUMBER(LIMIT_PROCESSES, LIMITS, "processes", COUNT)                                            \
    NUMBER(LIMIT_FILE_SIZE, LIMITS, "file_size", SIZE)                                             \
    NUMBER(LIMIT_DISK, LIMITS, "disk", SIZE)                                                       \
    NUMBER(LIMIT_OUTPUT_BYTES, LIMITS, "output_bytes", SIZE)                                       \
    WORD(AUDIT_LEVEL, AUDIT, "level", "full", "normal", NULL)

enum setting {
#define SETTING_WORD(name, ...)   SETTING_##name,
#define SETTING_NUMBER(name, ...) SETTING_##name,
    SETTING_TABLE(SETTING_WORD, SETTING_NUMBER) SETTING_COUNT
#undef SETTING_WORD
#undef SETTING_NUMBER
};

#define SETTING_WORDS_MAX 3
struct setting_row {
    enum section section;
    const char *path;                     /* "dns.budget.burst" */
    const char *words[SETTING_WORDS_MAX]; /* words[0] NULL: a number */
    size_t word_count;
    enum quantity quantity;
};
const struct setting_row *setting_row(enum setting setting);
/* "deny", "10MiB": as it is written in a policy. Returns `text` or a static word. */
const char *setting_format(enum setting setting, uint64_t value,
                           char text[static QUANTITY_TEXT_MAX]);

struct setting_value {
    bool said;
    uint64_t value; /* index of the word, or the number */
    struct origin origin;
};

/* Lists of texts that unite. enumerator, section, path below the section */
#define TEXT_LIST_TABLE(ROW)                                                                       \
    ROW(NATIVE, FILESYSTEM, "native")                                                              \
    ROW(DNS_UPSTREAM, NETWORK, "dns.upstream")                                                     \
    ROW(SANDBOX_READ_ONLY, SANDBOX, "read_only")                                                   \
    ROW(SANDBOX_READ_WRITE, SANDBOX, "read_write")                                                 \
    ROW(SANDBOX_SOCKETS, SANDBOX, "sockets")                                                       \
    ROW(SANDBOX_ENV, SANDBOX, "env")                                                               \
    ROW(AUDIT_SYNC, AUDIT, "sync")

enum text_list {
#define TEXT_LIST_ENUM(name, section, path) LIST_##name,
    TEXT_LIST_TABLE(TEXT_LIST_ENUM) LIST_COUNT
#undef TEXT_LIST_ENUM
};

struct text_list_row {
    enum section section;
    const char *path;
};
const struct text_list_row *text_list_row(enum text_list list);

struct text_item {
    struct str_view text;
    struct origin origin;
};

struct texts {
    struct text_item *items;
    size_t count;
    size_t capacity;
};

struct port_range {
    uint16_t first;
    uint16_t last;
};

#define PROTOCOL_BIT(protocol) (1U << (protocol))

struct rule {
    enum section section; /* filesystem, network or process */
    struct str_view id;
    enum verdict action;
    bool override;
    bool enforced;
    struct str_view message;
    struct origin origin;
    struct str_view origin_text; /* of a resolved form; else made from .origin */

    unsigned int operations;   /* filesystem: bits of enum fs_operation */
    struct str_view *patterns; /* filesystem and process: paths; network: hosts */
    size_t pattern_count;

    struct ip_prefix *prefixes; /* network */
    size_t prefix_count;
    struct port_range *ports; /* ascending, apart from each other */
    size_t port_count;
    unsigned int protocols; /* bits of enum net_protocol */
    bool name_check_said;
    enum name_check name_check;
    bool allow_private;
};

struct breaker_rule {
    enum breaker_event event;
    uint64_t count;
    uint64_t within_ms;
    uint64_t share; /* percent of what was there; 0: not said */
    enum breaker_action action;
    struct str_view *except; /* path patterns */
    size_t except_count;
    struct origin origin;
};

/* A case of `tests:`; run by `failcore policy test`. */
struct policy_test {
    bool expect_allow;
    enum section section; /* which question */
    struct str_view operation;
    struct str_view subject; /* path, or host:port/proto */
    struct str_view rule;    /* absent: any */
    struct origin origin;
};

struct model {
    struct str_view name;
    struct str_view revision;
    struct str_view description;
    bool enforce;
    bool present[SECTION_COUNT];
    struct origin section_origin[SECTION_COUNT];
    struct setting_value settings[SETTING_COUNT];
    struct texts lists[LIST_COUNT];
    struct texts extends;
    struct texts files;          /* that were read for it */
    struct texts dropped_native; /* that the compiled policy could not prove free of rules */
    struct rule *rules;
    size_t rule_count, rule_capacity;
    struct breaker_rule *breakers;
    size_t breaker_count, breaker_capacity;
    struct policy_test *tests;
    size_t test_count, test_capacity;
};

/* Growing parts; NULL when memory is short. */
struct rule *model_add_rule(struct model *model, struct arena *arena);
struct breaker_rule *model_add_breaker(struct model *model, struct arena *arena);
struct policy_test *model_add_test(struct model *model, struct arena *arena);
int texts_add(struct texts *texts, struct arena *arena, struct text_item item);

/* Words of the model's enumerations, in the order of their enumerators. */
extern const char *const verdict_words[4]; /* deny hide log allow */
extern const char *const operation_words[FS_LOOKUP];
extern const char *const protocol_words[2];   /* tcp udp */
extern const char *const name_check_words[3]; /* tls http address-only */
extern const char *const breaker_event_words[BREAKER_EVENT_COUNT];
extern const char *const breaker_action_words[3];
extern const char *const section_words[SECTION_COUNT]; /* "" for the top */

/* Which of two rules comes first in the canonical order: by section, id, then content. 0: they
 * say the same, wherever they were written. */
int rule_compare(const struct rule *a, const struct rule *b);

/* "agent.yaml:12:5"; the absent text when it was written nowhere. */
struct str_view origin_text(struct arena *arena, const struct origin *origin);

#endif
