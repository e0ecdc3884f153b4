/*
 * What a report says about a run: everything counted and grouped, in one pass over the log. A pure
 * function of the records: no clock, no environment, no file but the log.
 *
 * Ownership: release with report_model_clear().
 */
#ifndef FAILCORE_CLI_REPORT_MODEL_H
#define FAILCORE_CLI_REPORT_MODEL_H

#include "cli/log/event_row.h"
#include "cli/log/ledger.h"
#include "cli/log/log_view.h"
#include "cli/log/outcomes.h"

/* What a refusal says about the program, for people who do not read codes. */
#define REPORT_RISK_TABLE(ROW)                                                                     \
    ROW(SECRETS, "Reached for secrets", "tried to touch files that hold keys or passwords")        \
    ROW(ESCAPE, "Tried to leave its workspace",                                                    \
        "reached for files outside what it was given, or for a way around the rules")              \
    ROW(PRIVATE_NETWORK, "Tried the private network",                                              \
        "tried to connect to private, special-purpose or cloud metadata addresses")                \
    ROW(HOST_TOOLS, "Tried to change what others execute",                                         \
        "tried to write to files that git, shells or editors run or trust")                        \
    ROW(PROGRAMS, "Tried a forbidden program",                                                     \
        "tried to start a program or a system call that is closed")                                \
    ROW(DELETION, "Tried to delete what is protected",                                             \
        "tried to delete or replace protected files")                                              \
    ROW(HOSTS, "Tried a host nobody allowed",                                                      \
        "asked for names, addresses or ports without a rule")                                      \
    ROW(FILES, "Tried files it may not touch",                                                     \
        "tried to read or change files that the policy closes")                                    \
    ROW(LIMITS, "Ran into a limit", "was stopped by a budget, a limit or the circuit breaker")     \
    ROW(INTERNAL, "Was stopped by a failure of ours", "was stopped because failcore itself failed")

enum report_risk {
#define REPORT_RISK_ENUM(name, title, meaning) RISK_##name,
    REPORT_RISK_TABLE(REPORT_RISK_ENUM)
#undef REPORT_RISK_ENUM
        RISK_COUNT
};
/* The first this many are grave: an agent that does honest work has no reason for them. */
#define RISK_GRAVE_COUNT (RISK_HOST_TOOLS + 1)

#define REPORT_BUCKETS 72 /* of the chart of activity */
struct report_bucket {
    uint64_t allowed;
    uint64_t blocked;
    uint64_t failed;
};

/* Numbers of the rows of `hosts`. */
enum report_host { REPORT_HOST_ALLOWED = 0, REPORT_HOST_BLOCKED, REPORT_HOST_IN, REPORT_HOST_OUT };
/* Numbers of the rows of `directories`. */
enum report_directory { DIRECTORY_READS = 0, DIRECTORY_CHANGES, DIRECTORY_BLOCKED, DIRECTORY_ALL };
/* Numbers of the rows of `processes`. */
enum report_process { PROCESS_EVENTS = 0, PROCESS_BLOCKED, PROCESS_COUNT };

/* Equal refusals: same operation, target, code and rule. */
struct refusal {
    struct event_row row;
    enum report_risk risk;
    bool by_rule; /* of the policy: no allow rule beside it helps */
    char code[32];
};

struct report_model {
    const struct run_entry *run;
    uint64_t outcomes[OUTCOME_COUNT]; /* of decisions, with what came of them */
    uint64_t risks[RISK_COUNT];       /* refused events */
    struct report_bucket buckets[REPORT_BUCKETS];
    struct ledger ledger;
    struct tally hosts;           /* by name, else address */
    struct tally directories;     /* first two components of the path */
    struct tally processes;       /* by executable, else by name */
    struct tally process_numbers; /* "pid start executable": each once */
    struct tally rules;           /* rule id; numbers: refused events */
    struct refusal *refusals;     /* in the order of their first event */
    size_t refusal_count;
    size_t refusal_capacity;
    struct tally refusal_keys; /* number 0: place in refusals */
    struct outcomes results;
    struct text_buffer start; /* the START record's line; "" when there is none */
    struct text_buffer end;
    struct text_buffer limits; /* lines of LIMIT and BREAKER records, each with its newline */
    uint64_t limit_count;
    uint64_t lost;
    int64_t exit_code; /* -1: not known */
    uint64_t peak;     /* the largest bucket */
};

/* Reads the run of `view` twice: results first, then everything. */
int report_model_make(struct log_view *view, struct report_model *model, struct failure *reterr);
void report_model_clear(struct report_model *model);

const char *report_risk_title(enum report_risk risk);
const char *report_risk_meaning(enum report_risk risk);
enum report_risk report_risk_of(const struct audit_record *record);

#endif
