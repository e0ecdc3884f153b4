#include "netguard/dns/label_entropy.h"

#include <stddef.h>

#define LABEL_MAX 63U

/* n * log2(n) in 256ths: the entropy of a label is that of its length less that of each letter's
 * count. */
static const uint32_t n_log_n[LABEL_MAX + 1] = {
    0,     0,     512,   1217,  2048,  2972,  3971,  5031,  6144,  7304,  8504,  9742,  11013,
    12315, 13646, 15002, 16384, 17789, 19215, 20662, 22128, 23613, 25116, 26635, 28170, 29721,
    31286, 32866, 34459, 36066, 37685, 39317, 40960, 42615, 44281, 45958, 47646, 49344, 51052,
    52769, 54497, 56233, 57978, 59732, 61495, 63266, 65045, 66833, 68628, 70431, 72241, 74059,
    75884, 77716, 79556, 81402, 83254, 85114, 86979, 88851, 90730, 92614, 94505, 96402,
};

static uint32_t of_label(const char *label, size_t length)
{
    uint8_t counts[256] = {0};
    uint32_t entropy = n_log_n[length], least = (uint32_t)length * LABEL_ENTROPY_BIT;

    for (size_t i = 0; i < length; i++) {
        counts[(uint8_t)label[i]]++;
    }
    for (size_t i = 0; i < sizeof(counts); i++) {
        entropy -= n_log_n[counts[i]];
    }
    return entropy > least ? entropy : least;
}

uint64_t label_entropy(struct str_view text)
{
    uint64_t total = 0;
    size_t start = 0;

    for (size_t i = 0; i <= text.length; i++) {
        if (i == text.length || text.bytes[i] == '.' || i - start == LABEL_MAX) {
            total += of_label(text.bytes + start, i - start);
            start = i < text.length && text.bytes[i] == '.' ? i + 1 : i;
        }
    }
    return total;
}
