/* The words of an audit record (docs/audit-format.md), one table each. */
#ifndef FAILCORE_AUDIT_RECORD_WORDS_H
#define FAILCORE_AUDIT_RECORD_WORDS_H

#define AUDIT_KIND_TABLE(ROW)                                                                      \
    ROW(START)                                                                                     \
    ROW(DECISION)                                                                                  \
    ROW(RESULT)                                                                                    \
    ROW(REPEAT)                                                                                    \
    ROW(LEDGER)                                                                                    \
    ROW(LOSS)                                                                                      \
    ROW(POLICY)                                                                                    \
    ROW(LIMIT)                                                                                     \
    ROW(BREAKER)                                                                                   \
    ROW(ROTATE)                                                                                    \
    ROW(PRUNE)                                                                                     \
    ROW(RECOVERED)                                                                                 \
    ROW(CLOCK_STEP)                                                                                \
    ROW(END)

#define AUDIT_STATUS_TABLE(ROW)                                                                    \
    ROW(BLOCKED)                                                                                   \
    ROW(ALLOWED)                                                                                   \
    ROW(OK)                                                                                        \
    ROW(FAIL)                                                                                      \
    ROW(TIMEOUT)                                                                                   \
    ROW(LIMIT)                                                                                     \
    ROW(REDACTED)

/* enumerator, word */
#define AUDIT_SOURCE_TABLE(ROW)                                                                    \
    ROW(FS, "fs")                                                                                  \
    ROW(NET, "net")                                                                                \
    ROW(DNS, "dns")                                                                                \
    ROW(EXEC, "exec")                                                                              \
    ROW(RUN, "run")                                                                                \
    ROW(AUDIT, "audit")

#define AUDIT_PHASE_TABLE(ROW)                                                                     \
    ROW(POLICY, "policy")                                                                          \
    ROW(VALIDATE, "validate")                                                                      \
    ROW(EXECUTE, "execute")                                                                        \
    ROW(COMMIT, "commit")

#define AUDIT_DECISION_TABLE(ROW)                                                                  \
    ROW(BLOCKED, "blocked")                                                                        \
    ROW(ALLOWED, "allowed")                                                                        \
    ROW(LOGGED, "logged")                                                                          \
    ROW(REDACTED, "redacted")

enum audit_kind {
#define AUDIT_ENUM(name) AUDIT_KIND_##name,
    AUDIT_KIND_TABLE(AUDIT_ENUM)
#undef AUDIT_ENUM
        AUDIT_KIND_COUNT
};

enum audit_status {
#define AUDIT_ENUM(name) AUDIT_STATUS_##name,
    AUDIT_STATUS_TABLE(AUDIT_ENUM)
#undef AUDIT_ENUM
        AUDIT_STATUS_COUNT
};

enum audit_source {
#define AUDIT_ENUM(name, word) AUDIT_SOURCE_##name,
    AUDIT_SOURCE_TABLE(AUDIT_ENUM)
#undef AUDIT_ENUM
        AUDIT_SOURCE_COUNT
};

enum audit_phase {
#define AUDIT_ENUM(name, word) AUDIT_PHASE_##name,
    AUDIT_PHASE_TABLE(AUDIT_ENUM)
#undef AUDIT_ENUM
        AUDIT_PHASE_COUNT
};

enum audit_decision {
#define AUDIT_ENUM(name, word) AUDIT_DECISION_##name,
    AUDIT_DECISION_TABLE(AUDIT_ENUM)
#undef AUDIT_ENUM
        AUDIT_DECISION_COUNT
};

/* The word in a record; "" for a value outside its enum. */
const char *audit_kind_word(enum audit_kind kind);
const char *audit_status_word(enum audit_status status);
const char *audit_source_word(enum audit_source source);
const char *audit_phase_word(enum audit_phase phase);
const char *audit_decision_word(enum audit_decision decision);

#endif
