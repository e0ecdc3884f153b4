#include "netguard/nft/drop_reasons.h"

#include <string.h>

static const struct drop_reason_row rows[DROP_REASON_COUNT] = {
#define DROP_REASON_ROW(name, word, answer, code, text)                                            \
    [DROP_##name] = {word, DROP_##answer, DENIAL_##code, text},
    DROP_REASON_TABLE(DROP_REASON_ROW)
#undef DROP_REASON_ROW
};

const struct drop_reason_row *drop_reason_row(enum drop_reason reason)
{
    return &rows[reason];
}

const struct drop_reason_row *drop_reason_find(const char *word)
{
    for (size_t i = 0; i < DROP_REASON_COUNT; i++) {
        if (strcmp(rows[i].word, word) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}
