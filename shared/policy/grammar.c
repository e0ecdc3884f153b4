#include "shared/policy/grammar.h"

#include "shared/policy/model.h"
#include "shared/policy/nearest_word.h"

#define SHAPE_KEYS(array) .keys = (array), .key_count = sizeof(array) / sizeof((array)[0])
#define WORDS(array)      .words = (array), .word_count = sizeof(array) / sizeof((array)[0])

#define SETTING(name_, setting, help_)                                                             \
    {                                                                                              \
        .name = name_, .kind = VALUE_SETTING, .target = SETTING_##setting, .help = help_           \
    }
#define TEXTS(name_, kind_, list, help_)                                                           \
    {                                                                                              \
        .name = name_, .kind = VALUE_##kind_, .target = LIST_##list, .help = help_                 \
    }
#define PART(name_, kind_, shape_, help_)                                                          \
    {                                                                                              \
        .name = name_, .kind = VALUE_##kind_, .target = KEY_SECTION, .shape = &(shape_),           \
        .help = help_                                                                              \
    }
#define SECTION(name_, section_, shape_, help_)                                                    \
    {                                                                                              \
        .name = name_, .kind = VALUE_MAP, .target = SECTION_##section_, .shape = &(shape_),        \
        .help = help_                                                                              \
    }
#define FIELD(name_, kind_, key_, help_)                                                           \
    {                                                                                              \
        .name = name_, .kind = VALUE_##kind_, .target = KEY_##key_, .help = help_                  \
    }
#define REQUIRED(name_, kind_, key_, help_)                                                        \
    {                                                                                              \
        .name = name_, .kind = VALUE_##kind_, .target = KEY_##key_, .required = true,              \
        .help = help_                                                                              \
    }
#define WORD_FIELD(name_, kind_, key_, required_, words_, help_)                                   \
    {                                                                                              \
        .name = name_, .kind = VALUE_##kind_, .target = KEY_##key_, .required = required_,         \
        WORDS(words_), .help = help_                                                               \
    }

static const char *const fs_actions[] = {"allow", "deny", "hide", "log"};
static const char *const plain_actions[] = {"allow", "deny", "log"};
static const char *const expectations[] = {"allow", "deny"};

#define RULE_KEYS                                                                                  \
    REQUIRED("id", ID, ID, "the rule's name in records, explanations and overrides"),              \
        FIELD("message", TEXT, MESSAGE, "what a refused caller and the log are told"),             \
        FIELD("override", BOOLEAN, OVERRIDE, "true: replaces the rule of a parent with this id"),  \
        FIELD("enforce", BOOLEAN, ENFORCE,                                                         \
              "true: nobody can override or soften this deny or hide rule"),                       \
        FIELD("origin", TEXT, ORIGIN, "file:line:column; in a resolved policy only")

static const struct key fs_rule_keys[] = {
    RULE_KEYS,
    WORD_FIELD("action", WORD, ACTION, true, fs_actions, "deny beats hide beats log beats allow"),
    WORD_FIELD("operations", WORDS, OPERATIONS, false, operation_words, "omitted: all"),
    REQUIRED("paths", PATTERNS, PATHS, "patterns relative to the mount root"),
};
static const struct shape fs_rule = {.name = "a filesystem rule", SHAPE_KEYS(fs_rule_keys)};

static const struct key net_rule_keys[] = {
    RULE_KEYS,
    WORD_FIELD("action", WORD, ACTION, true, plain_actions, "deny beats log beats allow"),
    FIELD("hosts", HOSTS, HOSTS, "names; *.x.org: subdomains only; *: any public name"),
    FIELD("addresses", ADDRESSES, ADDRESSES, "addresses and prefixes; not together with hosts"),
    FIELD("ports", PORTS, PORTS, "N, N-M or any; omitted: 443 for allow and log, any for deny"),
    WORD_FIELD("protocols", WORDS, PROTOCOLS, false, protocol_words,
               "omitted: tcp for allow and log, all for deny"),
    WORD_FIELD("name_check", WORD, NAME_CHECK, false, name_check_words,
               "omitted: http on port 80, tls elsewhere; address-only must be said"),
    FIELD("allow_private", BOOLEAN, ALLOW_PRIVATE,
          "true: these addresses may be special-purpose space"),
};
static const struct shape net_rule = {.name = "a network rule", SHAPE_KEYS(net_rule_keys)};

static const struct key process_rule_keys[] = {
    RULE_KEYS,
    WORD_FIELD("action", WORD, ACTION, true, plain_actions, "deny beats log beats allow"),
    REQUIRED("executables", EXECUTABLES, EXECUTABLES, "patterns of absolute paths"),
};
static const struct shape process_rule = {.name = "a process rule", SHAPE_KEYS(process_rule_keys)};

static const struct key filesystem_keys[] = {
    SETTING("default", FS_DEFAULT, "for paths that no rule names"),
    SETTING("devices", FS_DEVICES, "device nodes through the mount"),
    SETTING("setuid", FS_SETUID, "set-user-id and set-group-id bits through the mount"),
    SETTING("outside_links", FS_OUTSIDE_LINKS,
            "a link that leaves, a file that has names we do not know"),
    PART("rules", RULES, fs_rule, "who may do what to which paths"),
    TEXTS("native", NATIVE, NATIVE, "trees that may be bound past the mount; DIR or DIR/**"),
};
static const struct shape filesystem = {.name = "filesystem", SHAPE_KEYS(filesystem_keys)};

static const struct key tls_keys[] = {
    SETTING("ech", NET_TLS_ECH, "encrypted client hello"),
    SETTING("no_sni", NET_TLS_NO_SNI, "a TLS hello without a server name"),
};
static const struct shape tls = {.name = "network.tls", SHAPE_KEYS(tls_keys)};

static const struct key dns_budget_keys[] = {
    SETTING("queries_per_second", DNS_QUERIES, "sustained questions a second"),
    SETTING("burst", DNS_BURST, "questions at once"),
    SETTING("unique_names_per_hour", DNS_UNIQUE_NAMES, "different names an hour"),
    SETTING("label_bytes_per_hour", DNS_LABEL_BYTES, "bytes of names an hour"),
    SETTING("entropy_bits_per_hour", DNS_ENTROPY,
            "bits of information in the new names of one registered domain an hour"),
};
static const struct shape dns_budget = {.name = "network.dns.budget", SHAPE_KEYS(dns_budget_keys)};

static const struct key dns_keys[] = {
    TEXTS("upstream", UPSTREAM, DNS_UPSTREAM, "system, or addresses of resolvers"),
    PART("budget", MAP, dns_budget, "against exfiltration through names"),
};
static const struct shape dns = {.name = "network.dns", SHAPE_KEYS(dns_keys)};

static const struct key net_budget_keys[] = {
    SETTING("connections_per_minute", NET_CONNECTIONS, "new flows a minute"),
    SETTING("bytes_out", NET_BYTES_OUT, "bytes sent by the run"),
    SETTING("bytes_out_per_host", NET_BYTES_OUT_PER_HOST, "bytes sent to one name"),
};
static const struct shape net_budget = {.name = "network.budget", SHAPE_KEYS(net_budget_keys)};

static const struct key network_keys[] = {
    SETTING("default", NET_DEFAULT,
            "allow_public: tcp 80 and 443 to public addresses whose name the guard resolved"),
    PART("rules", RULES, net_rule, "which names and addresses"),
    PART("tls", MAP, tls, "flows whose name cannot be read"),
    SETTING("quic", NET_QUIC, "HTTP/3 and other QUIC"),
    PART("dns", MAP, dns, "the guard's resolver"),
    PART("budget", MAP, net_budget, "of the run"),
};
static const struct shape network = {.name = "network", SHAPE_KEYS(network_keys)};

static const struct key process_keys[] = {
    SETTING("default", PROCESS_DEFAULT, "deny: only what a rule allows; default allow"),
    PART("rules", RULES, process_rule, "which executables"),
    SETTING("io_uring", PROCESS_IO_URING, "the io_uring system calls"),
};
static const struct shape process = {.name = "process", SHAPE_KEYS(process_keys)};

static const struct key sandbox_keys[] = {
    SETTING("nested", SANDBOX_NESTED, "true for agents that sandbox their own children"),
    TEXTS("read_only", ABSOLUTE, SANDBOX_READ_ONLY, "host paths that the run may read"),
    TEXTS("read_write", ABSOLUTE, SANDBOX_READ_WRITE, "host paths that the run may change"),
    TEXTS("sockets", ABSOLUTE, SANDBOX_SOCKETS, "host sockets by path"),
    TEXTS("env", TEXTS, SANDBOX_ENV, "variables that are passed on"),
};
static const struct shape sandbox = {.name = "sandbox", SHAPE_KEYS(sandbox_keys)};

static const struct key limits_keys[] = {
    SETTING("wall_time", LIMIT_WALL_TIME, "of the run"),
    SETTING("cpu_time", LIMIT_CPU_TIME, "of all processes together"),
    SETTING("cpu", LIMIT_CPU, "of one processor: 200% is two"),
    SETTING("memory", LIMIT_MEMORY, "of the run, swap included"),
    SETTING("processes", LIMIT_PROCESSES, "and threads at once"),
    SETTING("file_size", LIMIT_FILE_SIZE, "of one file"),
    SETTING("disk", LIMIT_DISK, "written into the workspace, names with it"),
    SETTING("output_bytes", LIMIT_OUTPUT_BYTES, "of standard output and error"),
};
static const struct shape limits = {.name = "limits", SHAPE_KEYS(limits_keys)};

static const struct key breaker_keys[] = {
    WORD_FIELD("event", WORD, EVENT, true, breaker_event_words, "what is counted"),
    REQUIRED("count", COUNT, COUNT, "so many are permitted; the next is refused"),
    REQUIRED("within", DURATION, WITHIN, "in any time that long"),
    WORD_FIELD("action", WORD, ACTION, true, breaker_action_words, "what happens then"),
    FIELD("share", PERCENT, SHARE, "and never more than this part of what was there"),
    FIELD("except", PATTERNS, EXCEPT, "paths that do not count: what can be made again"),
};
static const struct shape breaker = {.name = "a breaker", SHAPE_KEYS(breaker_keys)};

static const struct key audit_keys[] = {
    SETTING("level", AUDIT_LEVEL, "normal folds repeated reads; full does not"),
    TEXTS("sync", SYNC, AUDIT_SYNC, "operations that wait until their record is durable"),
};
static const struct shape audit = {.name = "audit", SHAPE_KEYS(audit_keys)};

static const struct key test_keys[] = {
    WORD_FIELD("expect", WORD, EXPECT, true, expectations, "what the answer must be"),
    FIELD("fs", FS_CASE, FS, "[operation, path]"),
    FIELD("net", NET_CASE, NET, "HOST or ADDRESS, with :PORT and /PROTOCOL"),
    FIELD("exec", EXEC_CASE, EXEC, "an executable"),
    FIELD("rule", ID, RULE, "the rule that must decide"),
};
static const struct shape test = {.name = "a test", SHAPE_KEYS(test_keys)};

static const struct key top_keys[] = {
    REQUIRED("version", VERSION, VERSION, "of this grammar: 1"),
    FIELD("resolved", BOOLEAN, RESOLVED, "true in what `failcore policy show` prints"),
    FIELD("name", NAME, NAME, "in records; omitted: the file's name"),
    FIELD("revision", TEXT, REVISION, "yours; recorded as policy.version"),
    FIELD("description", TEXT, DESCRIPTION, "one line for `failcore policy list`"),
    FIELD("enforce", BOOLEAN, ENFORCE,
          "system policies: merged into every policy, and users may only tighten"),
    FIELD("extends", EXTENDS, EXTENDS, "installed names, or paths relative to this file"),
    SETTING("on_violation", ON_VIOLATION, "log: permit and record what rules would refuse"),
    SECTION("filesystem", FILESYSTEM, filesystem, "absent: nothing is reachable through the mount"),
    SECTION("network", NETWORK, network, "absent: no network"),
    SECTION("process", PROCESS, process, "absent: any executable that the view offers"),
    SECTION("sandbox", SANDBOX, sandbox, "what else the run sees"),
    SECTION("limits", LIMITS, limits, "of the run"),
    PART("breaker", BREAKERS, breaker, "stops a run that does too much of something"),
    SECTION("audit", AUDIT, audit, "what is recorded, and how durably"),
    PART("tests", TESTS, test, "run by `failcore policy test`"),
};
static const struct shape top = {.name = "a policy", SHAPE_KEYS(top_keys)};

const struct shape *grammar_top(void)
{
    return &top;
}

const struct key *shape_find(const struct shape *shape, struct str_view name)
{
    for (size_t i = 0; i < shape->key_count; i++) {
        if (str_view_equals_text(name, shape->keys[i].name)) {
            return &shape->keys[i];
        }
    }
    return NULL;
}

const char *shape_nearest(const struct shape *shape, struct str_view name)
{
    const char *names[32];
    size_t count = shape->key_count < 32 ? shape->key_count : 32;

    for (size_t i = 0; i < count; i++) {
        names[i] = shape->keys[i].name;
    }
    return nearest_word(name, names, count);
}
