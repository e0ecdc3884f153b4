#include "shared/base/inert_text.h"

#include <stdint.h>
#include <stdio.h>

#include "shared/base/utf8.h"

struct code_range {
    uint32_t first;
    uint32_t last;
};

/*
 * Shown by number: nothing is seen of them, or they move what stands beside them. Unicode 15:
 * Cc, Cf, Zl, Zp, the fillers and variation selectors of Default_Ignorable_Code_Point, and the
 * spaces that are not U+0020 (a name that ends in one looks like another name).
 */
static const struct code_range unseen[] = {
    {0x80, 0xA0},       {0xAD, 0xAD},       {0x34F, 0x34F},      {0x600, 0x605},
    {0x61C, 0x61C},     {0x6DD, 0x6DD},     {0x70F, 0x70F},      {0x890, 0x891},
    {0x8E2, 0x8E2},     {0x115F, 0x1160},   {0x1680, 0x1680},    {0x17B4, 0x17B5},
    {0x180B, 0x180F},   {0x2000, 0x200F},   {0x2028, 0x202F},    {0x205F, 0x206F},
    {0x3000, 0x3000},   {0x3164, 0x3164},   {0xFDD0, 0xFDEF},    {0xFE00, 0xFE0F},
    {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},    {0xFFFE, 0xFFFF},
    {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1343F},  {0x1BCA0, 0x1BCA3},
    {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}, {0xF0000, 0x10FFFF},
};

static const struct code_range wide[] = {
    {0x1100, 0x115E},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x2614, 0x2615},
    {0x2705, 0x2705},   {0x274C, 0x274C},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},
    {0xA960, 0xA97C},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
    {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x18CFF}, {0x1B000, 0x1B2FF},
    {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
};

static bool is_in(uint32_t code, const struct code_range *ranges, size_t count)
{
    for (size_t i = 0; i < count && code >= ranges[i].first; i++) {
        if (code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

#define IS_IN(code, table) is_in(code, table, sizeof(table) / sizeof((table)[0]))

static uint32_t utf8_code(const char *bytes, size_t length)
{
    static const unsigned char first_mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = (unsigned char)bytes[0] & first_mask[length];

    for (size_t i = 1; i < length; i++) {
        code = code << 6 | ((unsigned char)bytes[i] & 0x3F);
    }
    return code;
}

/* One character as it is shown. */
struct piece {
    char text[16];
    size_t length;
    size_t columns;
    size_t taken; /* bytes of the value */
};

static void piece_escape(struct piece *piece, const char *format, uint32_t number)
{
    /* The formats are the literals below. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    piece->length = (size_t)snprintf(piece->text, sizeof(piece->text), format, number);
#pragma GCC diagnostic pop
    piece->columns = piece->length;
}

static void piece_verbatim(struct piece *piece, const char *bytes, size_t length, size_t columns)
{
    memcpy(piece->text, bytes, length);
    piece->length = length;
    piece->columns = columns;
}

static const char *control_name(unsigned char byte)
{
    switch (byte) {
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    case '\\':
        return "\\\\";
    default:
        return NULL;
    }
}

static const char *markup_reference(unsigned char byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* UTF-16 as JSON has it (RFC 8259 section 7). */
static void piece_json_escape(struct piece *piece, uint32_t code)
{
    if (code < 0x10000) {
        piece_escape(piece, "\\u%04x", code);
    } else {
        uint32_t low = 0xDC00 | ((code - 0x10000) & 0x3FF);

        piece_escape(piece, "\\u%04x", 0xD800 | (code - 0x10000) >> 10);
        snprintf(piece->text + piece->length, sizeof(piece->text) - piece->length, "\\u%04x", low);
        piece->length += 6;
        piece->columns += 6;
    }
}

static struct piece next_piece(struct str_view value, enum inert_medium medium)
{
    struct piece piece = {.taken = 1};
    unsigned char byte = (unsigned char)value.bytes[0];
    size_t length = utf8_sequence_length(value.bytes, value.length);
    const char *name = medium == INERT_JSON ? NULL : control_name(byte);
    const char *reference = medium == INERT_HTML ? markup_reference(byte) : NULL;

    if (name != NULL) {
        piece_verbatim(&piece, name, 2, 2);
    } else if (reference != NULL) {
        piece_verbatim(&piece, reference, strlen(reference), 1);
    } else if (byte < 0x20 || byte == 0x7F || length == 0) {
        piece_escape(&piece, "\\x%02x", byte);
    } else {
        uint32_t code = utf8_code(value.bytes, length);

        piece.taken = length;
        if (code >= 0x80 && IS_IN(code, unseen)) {
            if (medium == INERT_JSON) {
                piece_json_escape(&piece, code);
            } else {
                piece_escape(&piece, "\\u{%x}", code);
            }
        } else {
            piece_verbatim(&piece, value.bytes, length,
                           code >= 0x1100 && IS_IN(code, wide) ? 2 : 1);
        }
    }
    return piece;
}

static struct str_view after(struct str_view value, size_t taken)
{
    return (struct str_view){.bytes = value.bytes + taken, .length = value.length - taken};
}

void inert_text_append(struct text_buffer *text, struct str_view value, enum inert_medium medium)
{
    while (value.length > 0) {
        struct piece piece = next_piece(value, medium);

        text_buffer_append(text, (struct str_view){.bytes = piece.text, .length = piece.length});
        value = after(value, piece.taken);
    }
}

/* Of the whole text as INERT_TERMINAL shows it. */
static size_t columns_of(struct str_view value)
{
    size_t columns = 0;

    while (value.length > 0) {
        struct piece piece = next_piece(value, INERT_TERMINAL);

        columns += piece.columns;
        value = after(value, piece.taken);
    }
    return columns;
}

size_t inert_text_append_cut(struct text_buffer *text, struct str_view value, size_t columns,
                             enum inert_medium medium)
{
    size_t left = columns_of(value);
    size_t head = columns == 0 ? 0 : (columns - 1) / 3;
    size_t used = 0;

    if (left <= columns) {
        inert_text_append(text, value, medium);
        return left;
    }
    if (columns == 0) {
        return 0;
    }
    while (value.length > 0) {
        struct piece piece = next_piece(value, medium);

        if (used + piece.columns > head) {
            break;
        }
        text_buffer_append(text, (struct str_view){.bytes = piece.text, .length = piece.length});
        used += piece.columns;
        left -= piece.columns;
        value = after(value, piece.taken);
    }
    text_buffer_append_text(text, "…");
    used++;
    while (value.length > 0 && left > columns - used) {
        struct piece piece = next_piece(value, medium);

        left -= piece.columns;
        value = after(value, piece.taken);
    }
    inert_text_append(text, value, medium);
    return used + left;
}
