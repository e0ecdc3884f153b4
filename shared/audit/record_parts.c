/* What the parts of a record say that was read: bytes, and the members of a producer's own. */
#include "shared/audit/record_reader.h"

static unsigned int hex_value(char digit)
{
    return digit <= '9' ? (unsigned int)(digit - '0') : (unsigned int)(digit - 'a') + 10;
}

void record_bytes_append(struct text_buffer *text, const struct record_bytes *bytes)
{
    if (bytes->hex.length == 0) {
        json_text_append(text, bytes->text);
        return;
    }
    for (size_t i = 0; i + 1 < bytes->hex.length; i += 2) {
        text_buffer_append_char(
            text, (char)(hex_value(bytes->hex.bytes[i]) << 4 | hex_value(bytes->hex.bytes[i + 1])));
    }
}

bool record_bytes_equals(const struct record_bytes *bytes, struct str_view value)
{
    if (bytes->hex.length == 0) {
        return json_text_equals(bytes->text, value);
    }
    if (bytes->hex.length != value.length * 2) {
        return false;
    }
    for (size_t i = 0; i < value.length; i++) {
        if ((hex_value(bytes->hex.bytes[2 * i]) << 4 | hex_value(bytes->hex.bytes[2 * i + 1])) !=
            (unsigned char)value.bytes[i]) {
            return false;
        }
    }
    return true;
}

bool record_member(const struct audit_record *record, const char *name, struct str_view *ret_raw)
{
    struct json_scan scan = json_scan_init(record->call.members);

    return record->call.members.length > 0 && json_scan_member(&scan, name, ret_raw);
}

bool record_member_text(const struct audit_record *record, const char *name,
                        struct json_text *ret_text)
{
    struct str_view raw;
    struct json_scan scan;

    if (!record_member(record, name, &raw)) {
        return false;
    }
    scan = json_scan_init(raw);
    return json_scan_string(&scan, ret_text);
}

bool record_member_count(const struct audit_record *record, const char *name, uint64_t *ret_count)
{
    struct str_view raw;
    struct json_scan scan;

    if (!record_member(record, name, &raw)) {
        return false;
    }
    scan = json_scan_init(raw);
    return json_scan_count(&scan, ret_count) && scan.at == scan.end;
}
