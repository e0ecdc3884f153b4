#include "shared/base/text_buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/utf8.h"

void text_buffer_clear(struct text_buffer *text)
{
    size_t limit = text->limit;

    free(text->bytes);
    *text = (struct text_buffer){.limit = limit};
}

void text_buffer_reset(struct text_buffer *text)
{
    text->length = 0;
    text->error = 0;
    if (text->bytes != NULL) {
        text->bytes[0] = '\0';
    }
}

/* Room for `more` bytes and the NUL; false once the buffer has failed. */
static bool text_buffer_reserve(struct text_buffer *text, size_t more)
{
    size_t wanted;
    size_t capacity = text->capacity == 0 ? 64 : text->capacity;
    char *bytes;

    if (text->error != 0) {
        return false;
    }
    if (__builtin_add_overflow(text->length, more, &wanted) || wanted > SIZE_MAX / 4 ||
        (text->limit != 0 && wanted > text->limit)) {
        text->error = -E2BIG;
        return false;
    }
    wanted += 1;
    if (wanted <= text->capacity) {
        return true;
    }
    while (capacity < wanted) {
        capacity *= 2;
    }
    bytes = realloc(text->bytes, capacity);
    if (bytes == NULL) {
        text->error = -ENOMEM;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void text_buffer_append(struct text_buffer *text, struct str_view more)
{
    if (!text_buffer_reserve(text, more.length)) {
        return;
    }
    if (more.length > 0) {
        memcpy(text->bytes + text->length, more.bytes, more.length);
    }
    text->length += more.length;
    text->bytes[text->length] = '\0';
}

void text_buffer_append_text(struct text_buffer *text, const char *more)
{
    text_buffer_append(text, str_view_from(more));
}

void text_buffer_append_char(struct text_buffer *text, char more)
{
    text_buffer_append(text, (struct str_view){.bytes = &more, .length = 1});
}

__attribute__((format(printf, 2, 0))) static void append_formatted(struct text_buffer *text,
                                                                   const char *format, va_list args)
{
    va_list again;
    int length;

    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, args);
    if (length < 0) {
        text->error = -EINVAL;
    } else if (text_buffer_reserve(text, (size_t)length)) {
        vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void text_buffer_printf(struct text_buffer *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    append_formatted(text, format, args);
    va_end(args);
}

static const char *json_short_escape(unsigned char byte)
{
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

void text_buffer_append_json_string(struct text_buffer *text, struct str_view value)
{
    size_t offset = 0;

    text_buffer_append_char(text, '"');
    while (offset < value.length) {
        unsigned char byte = (unsigned char)value.bytes[offset];
        size_t length = utf8_sequence_length(value.bytes + offset, value.length - offset);
        const char *escape = json_short_escape(byte);

        if (length == 0) {
            text_buffer_append_text(text, "\xEF\xBF\xBD");
            offset += 1;
            continue;
        }
        if (escape != NULL) {
            text_buffer_append_text(text, escape);
        } else if (byte < 0x20 || byte == 0x7f) {
            text_buffer_printf(text, "\\u%04x", byte);
        } else {
            text_buffer_append(text,
                               (struct str_view){.bytes = value.bytes + offset, .length = length});
        }
        offset += length;
    }
    text_buffer_append_char(text, '"');
}

int text_buffer_error(const struct text_buffer *text)
{
    return text->error;
}

const char *text_buffer_text(const struct text_buffer *text)
{
    return text->bytes == NULL ? "" : text->bytes;
}

struct str_view text_buffer_view(const struct text_buffer *text)
{
    return (struct str_view){.bytes = text_buffer_text(text), .length = text->length};
}

char *text_buffer_take(struct text_buffer *text)
{
    char *taken;

    if (!text_buffer_reserve(text, 0)) {
        return NULL;
    }
    text->bytes[text->length] = '\0';
    taken = text->bytes;
    *text = (struct text_buffer){.limit = text->limit};
    return taken;
}
