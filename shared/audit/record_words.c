#include "shared/audit/record_words.h"

const char *audit_kind_word(enum audit_kind kind)
{
    static const char *const words[] = {
#define AUDIT_WORD(name) #name,
        AUDIT_KIND_TABLE(AUDIT_WORD)
#undef AUDIT_WORD
    };

    return (unsigned int)kind < AUDIT_KIND_COUNT ? words[kind] : "";
}

const char *audit_status_word(enum audit_status status)
{
    static const char *const words[] = {
#define AUDIT_WORD(name) #name,
        AUDIT_STATUS_TABLE(AUDIT_WORD)
#undef AUDIT_WORD
    };

    return (unsigned int)status < AUDIT_STATUS_COUNT ? words[status] : "";
}

const char *audit_source_word(enum audit_source source)
{
    static const char *const words[] = {
#define AUDIT_WORD(name, word) word,
        AUDIT_SOURCE_TABLE(AUDIT_WORD)
#undef AUDIT_WORD
    };

    return (unsigned int)source < AUDIT_SOURCE_COUNT ? words[source] : "";
}

const char *audit_phase_word(enum audit_phase phase)
{
    static const char *const words[] = {
#define AUDIT_WORD(name, word) word,
        AUDIT_PHASE_TABLE(AUDIT_WORD)
#undef AUDIT_WORD
    };

    return (unsigned int)phase < AUDIT_PHASE_COUNT ? words[phase] : "";
}

const char *audit_decision_word(enum audit_decision decision)
{
    static const char *const words[] = {
#define AUDIT_WORD(name, word) word,
        AUDIT_DECISION_TABLE(AUDIT_WORD)
#undef AUDIT_WORD
    };

    return (unsigned int)decision < AUDIT_DECISION_COUNT ? words[decision] : "";
}
