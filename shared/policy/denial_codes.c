#include "shared/policy/denial_codes.h"

struct denial_row {
    const char *word;
    const char *meaning;
    const char *mend;
    int error;
};

static const struct denial_row denial_rows[DENIAL_CODE_COUNT] = {[DENIAL_NONE] = {"", "", "", 0},
#define DENIAL_CODE_ROW(name, error, meaning, mend) [DENIAL_##name] = {#name, meaning, mend, error},
                                                                 DENIAL_CODE_TABLE(DENIAL_CODE_ROW)
#undef DENIAL_CODE_ROW
};

const char *denial_code_word(enum denial_code code)
{
    return denial_rows[code].word;
}

const char *denial_code_meaning(enum denial_code code)
{
    return denial_rows[code].meaning;
}

const char *denial_code_mend(enum denial_code code)
{
    return denial_rows[code].mend;
}

int denial_code_errno(enum denial_code code)
{
    return denial_rows[code].error;
}
