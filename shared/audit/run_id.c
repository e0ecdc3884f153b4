#include "shared/audit/run_id.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

int run_id_make(char ret_id[static RUN_ID_SIZE])
{
    static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* 32: no bias */
    unsigned char chance[4];
    time_t now = time(NULL);
    struct tm broken;
    size_t length;

    if (getrandom(chance, sizeof(chance), 0) != sizeof(chance) || gmtime_r(&now, &broken) == NULL) {
        return -EIO;
    }
    length = strftime(ret_id, RUN_ID_SIZE, "%Y%m%d-%H%M%S-", &broken);
    if (length + sizeof(chance) >= RUN_ID_SIZE || length == 0) {
        return -EIO;
    }
    for (size_t i = 0; i < sizeof(chance); i++) {
        ret_id[length++] = letters[chance[i] % 32];
    }
    ret_id[length] = '\0';
    return 0;
}
