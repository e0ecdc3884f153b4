#include "shared/policy/operations.h"

const char *fs_operation_word(enum fs_operation operation)
{
    static const char *const words[FS_OPERATION_COUNT] = {
#define OPERATION_WORD(name, word, meaning) [FS_##name] = word,
        FS_OPERATION_TABLE(OPERATION_WORD)
#undef OPERATION_WORD
            [FS_LOOKUP] = "lookup",
    };

    return words[operation];
}
