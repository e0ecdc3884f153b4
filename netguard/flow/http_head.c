#include "netguard/flow/http_head.h"

#include <stdbool.h>
#include <string.h>

#include "shared/base/str_view.h"

#define METHOD_MAX 32U

static bool is_token(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') ||
           (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

static struct str_view before(struct str_view text, char separator)
{
    const char *found = text.length == 0 ? NULL : memchr(text.bytes, separator, text.length);

    return found == NULL ? text : (struct str_view){text.bytes, (size_t)(found - text.bytes)};
}

static struct str_view after(struct str_view text, size_t count)
{
    return (struct str_view){text.bytes + count, text.length - count};
}

/* "name" or "name:port": a host name, nothing else. */
static bool read_host(struct str_view value, struct http_head *head)
{
    struct str_view name = before(value, ':'), folded;

    for (size_t i = name.length + 1; i < value.length; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9') {
            return false;
        }
    }
    if (name.length == 0 || name.bytes[name.length - 1] == '.' ||
        !host_name_fold(name, head->host, &folded)) {
        return false;
    }
    head->host_length = folded.length;
    return true;
}

/* METHOD SP target SP HTTP/1.x; *ret_authority is that of an absolute target, absent otherwise. */
static bool read_request_line(struct str_view line, struct str_view *ret_authority)
{
    const struct str_view scheme = STR_VIEW_LITERAL("http://");
    struct str_view method = before(line, ' '), target, version;

    *ret_authority = (struct str_view){0};
    if (method.length == 0 || method.length > METHOD_MAX || method.length == line.length) {
        return false;
    }
    for (size_t i = 0; i < method.length; i++) {
        if (!is_token(method.bytes[i])) {
            return false;
        }
    }
    line = after(line, method.length + 1);
    target = before(line, ' ');
    if (target.length == 0 || target.length == line.length) {
        return false;
    }
    version = after(line, target.length + 1);
    if (!str_view_equals_text(version, "HTTP/1.1") && !str_view_equals_text(version, "HTTP/1.0")) {
        return false;
    }
    /* CONNECT asks for a tunnel to anywhere. */
    if (str_view_equals_text(method, "CONNECT")) {
        return false;
    }
    if (target.bytes[0] == '/' || str_view_equals_text(target, "*")) {
        return true;
    }
    if (target.length <= scheme.length) {
        return false;
    }
    for (size_t i = 0; i < scheme.length; i++) {
        if (lower(target.bytes[i]) != scheme.bytes[i]) {
            return false;
        }
    }
    *ret_authority = before(before(after(target, scheme.length), '/'), '?');
    return ret_authority->length > 0;
}

static bool name_is_host(struct str_view name)
{
    return name.length == 4 && lower(name.bytes[0]) == 'h' && lower(name.bytes[1]) == 'o' &&
           lower(name.bytes[2]) == 's' && lower(name.bytes[3]) == 't';
}

/* One field line. False: malformed, or a second Host. */
static bool read_field(struct str_view line, bool *have_host, struct http_head *head)
{
    struct str_view name = before(line, ':'), value;

    if (name.length == 0 || name.length == line.length) {
        return false;
    }
    for (size_t i = 0; i < name.length; i++) {
        if (!is_token(name.bytes[i])) {
            return false; /* a folded line or a space before the colon, too */
        }
    }
    if (!name_is_host(name)) {
        return true;
    }
    value = after(line, name.length + 1);
    while (value.length > 0 && (value.bytes[0] == ' ' || value.bytes[0] == '\t')) {
        value = after(value, 1);
    }
    while (value.length > 0 &&
           (value.bytes[value.length - 1] == ' ' || value.bytes[value.length - 1] == '\t')) {
        value.length--;
    }
    if (*have_host || !read_host(value, head)) {
        return false;
    }
    *have_host = true;
    return true;
}

/* Bytes that no line may hold: a bare CR or LF, NUL and the other controls but the tab. */
static bool line_is_clean(struct str_view line)
{
    for (size_t i = 0; i < line.length; i++) {
        unsigned char byte = (unsigned char)line.bytes[i];

        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

/* The next line up to CR LF; its length, or -1 when it has not ended yet. */
static bool next_line(struct str_view text, struct str_view *ret_line)
{
    for (size_t i = 0; i + 1 < text.length; i++) {
        if (text.bytes[i] == '\r' && text.bytes[i + 1] == '\n') {
            *ret_line = (struct str_view){text.bytes, i};
            return true;
        }
    }
    return false;
}

/* Whether what has arrived can be the beginning of a request line: a method, then the rest. */
static bool may_be_request(struct str_view text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == ' ') {
            return i > 0;
        }
        if (i >= METHOD_MAX || !is_token(text.bytes[i])) {
            return false;
        }
    }
    return true;
}

/* An absolute target counts for the server, the Host field for a careless one: both must agree. */
static bool authority_agrees(struct str_view authority, const struct http_head *head)
{
    struct http_head named = {.host_length = 0};

    return authority.bytes == NULL ||
           (read_host(authority, &named) && strcmp(named.host, head->host) == 0);
}

enum http_state http_head_read(const uint8_t *bytes, size_t length, struct http_head *ret_head)
{
    struct str_view text = {(const char *)bytes, length}, line, authority = {0};
    struct http_head head = {.host_length = 0};
    bool have_host = false, first = true;

    if (!may_be_request(text)) {
        return HTTP_BAD;
    }
    while (next_line(text, &line)) {
        text = after(text, line.length + 2);
        if (!line_is_clean(line)) {
            return HTTP_BAD;
        }
        if (first) {
            if (!read_request_line(line, &authority)) {
                return HTTP_BAD;
            }
            first = false;
        } else if (line.length == 0) {
            if (!have_host || !authority_agrees(authority, &head)) {
                return HTTP_BAD;
            }
            head.wire_bytes = length - text.length;
            *ret_head = head;
            return HTTP_WHOLE;
        } else if (!read_field(line, &have_host, &head)) {
            return HTTP_BAD;
        }
    }
    /* The rest has no line end yet; a bare line feed never gets one that counts. */
    return text.length > 0 && memchr(text.bytes, '\n', text.length) != NULL ? HTTP_BAD : HTTP_MORE;
}
