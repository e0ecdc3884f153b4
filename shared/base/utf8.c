#include "shared/base/utf8.h"

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* Table 3-7 of the Unicode standard: the second byte's range depends on the first. */
size_t utf8_sequence_length(const char *bytes, size_t left)
{
    const unsigned char *b = (const unsigned char *)bytes;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t length;

    if (left == 0) {
        return 0;
    }
    if (b[0] < 0x80) {
        return 1;
    }
    if (b[0] < 0xC2 || b[0] > 0xF4) {
        return 0;
    }
    length = b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : 4;
    if (left < length) {
        return 0;
    }
    if (b[0] == 0xE0) {
        low = 0xA0;
    } else if (b[0] == 0xED) {
        high = 0x9F;
    } else if (b[0] == 0xF0) {
        low = 0x90;
    } else if (b[0] == 0xF4) {
        high = 0x8F;
    }
    if (b[1] < low || b[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if (!is_continuation(b[i])) {
            return 0;
        }
    }
    return length;
}

bool utf8_is_valid(struct str_view text)
{
    size_t offset = 0;

    while (offset < text.length) {
        size_t length = utf8_sequence_length(text.bytes + offset, text.length - offset);

        if (length == 0) {
            return false;
        }
        offset += length;
    }
    return true;
}
