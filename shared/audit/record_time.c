/* The one spelling of a moment, to nanoseconds since 1970 (UTC, no leap seconds). */
#include "shared/audit/record_reader.h"

#include <errno.h>

/* Days since 1970-01-01 of a day in the proleptic Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t era_year = month <= 2 ? year - 1 : year;
    int64_t era = era_year / 400;
    int64_t year_of_era = era_year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

int record_time_parse(struct str_view timestamp, int64_t *ret_ns)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddddddddZ";
    static const uint8_t starts[] = {0, 5, 8, 11, 14, 17, 20};
    static const int64_t least[] = {1970, 1, 1, 0, 0, 0, 0};
    static const int64_t most[] = {9999, 12, 31, 23, 59, 60, 999999999};
    int64_t parts[7];
    const char *b = timestamp.bytes;

    if (timestamp.length != sizeof(shape) - 1) {
        return -EINVAL;
    }
    for (size_t i = 0; i < sizeof(shape) - 1; i++) {
        if (shape[i] == 'd' ? b[i] < '0' || b[i] > '9' : b[i] != shape[i]) {
            return -EINVAL;
        }
    }
    for (size_t i = 0; i < 7; i++) {
        parts[i] = 0;
        for (size_t at = starts[i]; shape[at] == 'd'; at++) {
            parts[i] = parts[i] * 10 + (b[at] - '0');
        }
        if (parts[i] < least[i] || parts[i] > most[i]) {
            return -EINVAL;
        }
    }
    if (parts[0] > 2261) { /* nanoseconds in 64 bits end in 2262 */
        return -EINVAL;
    }
    *ret_ns = (((days_of(parts[0], parts[1], parts[2]) * 24 + parts[3]) * 60 + parts[4]) * 60 +
               parts[5]) *
                  1000000000 +
              parts[6];
    return 0;
}
