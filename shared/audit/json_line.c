#include "shared/audit/json_line.h"

#include "shared/base/utf8.h"

static const char hex_digits[] = "0123456789abcdef";

void json_line_u64(struct json_line *line, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    json_line_raw(line, digits + at, sizeof(digits) - at);
}

void json_line_padded(struct json_line *line, uint64_t value, unsigned int digits)
{
    char text[20];

    for (unsigned int i = digits; i > 0; i--) {
        text[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    json_line_raw(line, text, digits);
}

void json_line_hex(struct json_line *line, const void *bytes, size_t length)
{
    const uint8_t *byte = bytes;

    for (size_t i = 0; i < length; i++) {
        const char pair[2] = {hex_digits[byte[i] >> 4], hex_digits[byte[i] & 0xF]};

        json_line_raw(line, pair, sizeof(pair));
    }
}

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void escape(struct json_line *line, unsigned char byte)
{
    static const char shorts[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = byte == 0 ? NULL : strchr(shorts, byte);

    if (found != NULL) {
        const char pair[2] = {'\\', letters[found - shorts]};

        json_line_raw(line, pair, sizeof(pair));
    } else {
        const char unicode[6] = {
            '\\', 'u', '0', '0', hex_digits[byte >> 4], hex_digits[byte & 0xF]};

        json_line_raw(line, unicode, sizeof(unicode));
    }
}

bool json_line_string(struct json_line *line, struct str_view text)
{
    bool is_text = true;
    size_t offset = 0;

    json_line_literal(line, "\"");
    while (offset < text.length) {
        size_t run = offset;
        size_t length;

        while (run < text.length && is_plain((unsigned char)text.bytes[run])) {
            run++;
        }
        if (run > offset) {
            json_line_raw(line, text.bytes + offset, run - offset);
            offset = run;
            continue;
        }
        length = utf8_sequence_length(text.bytes + offset, text.length - offset);
        if (length == 0) {
            json_line_literal(line, "\xEF\xBF\xBD");
            is_text = false;
            length = 1;
        } else if (length == 1) {
            escape(line, (unsigned char)text.bytes[offset]);
        } else {
            json_line_raw(line, text.bytes + offset, length);
        }
        offset += length;
    }
    json_line_literal(line, "\"");
    return is_text;
}
