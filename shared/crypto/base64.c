#include "shared/crypto/base64.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_append(struct text_buffer *text, const void *bytes, size_t length)
{
    const uint8_t *next = bytes;

    for (; length >= 3; length -= 3, next += 3) {
        const char four[4] = {alphabet[next[0] >> 2], alphabet[(next[0] & 3) << 4 | next[1] >> 4],
                              alphabet[(next[1] & 15) << 2 | next[2] >> 6], alphabet[next[2] & 63]};

        text_buffer_append(text, (struct str_view){.bytes = four, .length = 4});
    }
    if (length > 0) {
        unsigned int second = length == 2 ? next[1] : 0;
        const char four[4] = {alphabet[next[0] >> 2], alphabet[(next[0] & 3U) << 4 | second >> 4],
                              length == 2 ? alphabet[(second & 15) << 2] : '=', '='};

        text_buffer_append(text, (struct str_view){.bytes = four, .length = 4});
    }
}

static int digit_value(char digit)
{
    const char *found = digit == '\0' ? NULL : strchr(alphabet, digit);

    return found == NULL ? -1 : (int)(found - alphabet);
}

int base64_decode(struct str_view text, void *bytes, size_t room)
{
    uint8_t *next = bytes;
    size_t padding = 0;

    if (text.length % 4 != 0 || text.length > INT_MAX) {
        return -EBADMSG;
    }
    while (padding < 2 && padding < text.length && text.bytes[text.length - 1 - padding] == '=') {
        padding++;
    }
    if (text.length / 4 * 3 - padding > room) {
        return -E2BIG;
    }
    for (size_t i = 0; i < text.length; i += 4) {
        size_t wanted = i + 4 == text.length ? 3 - padding : 3;
        uint32_t group = 0;

        for (size_t k = 0; k < 4; k++) {
            bool is_pad = k > wanted;
            int value = is_pad ? 0 : digit_value(text.bytes[i + k]);

            if (value < 0) {
                return -EBADMSG;
            }
            group = group << 6 | (uint32_t)value;
        }
        if ((group & ((1U << (8 * (3 - wanted))) - 1)) != 0) {
            return -EBADMSG; /* bits that no encoder of the canonical form sets */
        }
        for (size_t k = 0; k < wanted; k++) {
            *next++ = (uint8_t)(group >> (16 - 8 * k));
        }
    }
    return (int)(next - (uint8_t *)bytes);
}
