#include "shared/policy/path_pattern.h"

#include <errno.h>
#include <stdbool.h>

#include "shared/policy/glob_token.h"

struct expansion {
    path_pattern_visit *visit;
    void *context;
    struct path_pattern_problem *reterr;
    size_t deep_written; /* "**" components in the pattern as written */
    size_t alternatives;
    size_t depth; /* braces taken apart on the way to here */
};

static int refuse(struct expansion *expansion, const char *what, const char *mend)
{
    *expansion->reterr = (struct path_pattern_problem){.what = what, .mend = mend};
    return -EINVAL;
}

struct str_view path_pattern_trim(struct str_view pattern)
{
    if (pattern.length > 1 && pattern.bytes[0] == '/') {
        pattern.bytes++;
        pattern.length--;
    }
    return pattern;
}

/* Where the token that begins at `at` ends; braces, commas and slashes are bytes here. */
static int token_end(struct expansion *expansion, struct str_view text, size_t at, size_t *ret_end)
{
    struct str_view rest = {.bytes = text.bytes + at, .length = text.length - at};
    struct glob_token token;
    const char *problem = "";

    if (glob_token_next(&rest, &token, &problem) < 0) {
        return refuse(expansion, problem, "close it, or write \\[ or \\\\ for the character");
    }
    if (memchr(text.bytes + at, '/', (size_t)(rest.bytes - text.bytes) - at) != NULL &&
        rest.bytes - text.bytes > (ptrdiff_t)at + 1) {
        return refuse(expansion, "a slash inside [ ] or behind \\",
                      "a class and an escape stay inside one path component");
    }
    *ret_end = (size_t)(rest.bytes - text.bytes);
    return 0;
}

static size_t count_deep(struct str_view text)
{
    size_t found = 0;

    for (size_t from = 0; from <= text.length;) {
        size_t to = from;

        while (to < text.length && text.bytes[to] != '/') {
            to++;
        }
        found += to - from == 2 && memcmp(text.bytes + from, "**", 2) == 0 ? 1 : 0;
        from = to + 1;
    }
    return found;
}

/* Reads one component; a literal's escapes are undone into `literal`. */
static int read_component(struct expansion *expansion, struct str_view text, char *literal,
                          size_t *literal_length, struct path_component *ret_component)
{
    struct str_view rest = text;
    struct glob_token token;
    const char *problem = "";
    size_t length = 0;
    bool star_before = false;
    bool plain = true;
    int more;

    if (text.length == 0) {
        return refuse(expansion, "an empty path component",
                      "write dir/** for what is below a directory, and no // or final /");
    }
    if (str_view_equals_text(text, ".") || str_view_equals_text(text, "..")) {
        return refuse(expansion, "a component . or ..",
                      "write the path from the mount root, without . and ..");
    }
    if (str_view_equals_text(text, "**")) {
        *ret_component = (struct path_component){.kind = PATH_DEEP, .text = text};
        return 0;
    }
    if (str_view_equals_text(text, "*")) {
        *ret_component = (struct path_component){.kind = PATH_ANY, .text = text};
        return 0;
    }
    while ((more = glob_token_next(&rest, &token, &problem)) > 0) {
        if (token.kind == GLOB_STAR && star_before) {
            return refuse(expansion, "** beside other characters",
                          "** stands alone between slashes; * is any text inside a name");
        }
        star_before = token.kind == GLOB_STAR;
        plain = plain && token.kind == GLOB_BYTE;
        literal[length++] = (char)token.byte;
    }
    if (more < 0) {
        return refuse(expansion, problem, "close it, or write \\[ or \\\\ for the character");
    }
    if (!plain) {
        *ret_component = (struct path_component){.kind = PATH_GLOB, .text = text};
        return 0;
    }
    *ret_component =
        (struct path_component){.kind = PATH_LITERAL, .text = {.bytes = literal, .length = length}};
    *literal_length = length;
    return 0;
}

/* One text without braces. */
static int finish(struct expansion *expansion, struct str_view text)
{
    struct path_component components[PATH_PATTERN_COMPONENTS_MAX];
    char literals[PATH_PATTERN_BYTES_MAX];
    size_t used = 0;
    size_t count = 0;

    if (++expansion->alternatives > PATH_PATTERN_ALTERNATIVES_MAX) {
        return refuse(expansion, "braces that expand to more than 256 patterns",
                      "use fewer braces, or several patterns");
    }
    if (count_deep(text) != expansion->deep_written) {
        return refuse(expansion, "braces that make a **", "write ** outside the braces");
    }
    for (size_t from = 0; from <= text.length;) {
        size_t to = from;
        size_t literal_length = 0;
        int error;

        while (to < text.length && text.bytes[to] != '/') {
            to++;
        }
        if (count == PATH_PATTERN_COMPONENTS_MAX) {
            return refuse(expansion, "more than 128 path components", "use ** in the middle");
        }
        error = read_component(expansion,
                               (struct str_view){.bytes = text.bytes + from, .length = to - from},
                               literals + used, &literal_length, &components[count]);
        if (error < 0) {
            return error;
        }
        used += literal_length;
        count++;
        from = to + 1;
    }
    return expansion->visit == NULL ? 0 : expansion->visit(expansion->context, components, count);
}

struct braces {
    size_t open;
    size_t close;
};

/* The first pair of braces; .open is text.length when there is none. */
static int find_braces(struct expansion *expansion, struct str_view text, struct braces *ret_braces)
{
    struct braces braces = {.open = text.length};
    size_t depth = 0;

    for (size_t at = 0; at < text.length;) {
        char byte = text.bytes[at];
        size_t end;
        int error;

        if (byte == '{') {
            braces.open = depth == 0 ? at : braces.open;
            depth++;
        } else if (byte == '}') {
            if (depth == 0) {
                return refuse(expansion, "a } without its {", "write \\} for the character");
            }
            if (--depth == 0) {
                braces.close = at;
                break;
            }
        } else if (byte == '/' && depth > 0) {
            return refuse(expansion, "a slash inside braces",
                          "braces stay inside one path component; write several patterns");
        }
        error = token_end(expansion, text, at, &end);
        if (error < 0) {
            return error;
        }
        at = end;
    }
    if (depth > 0) {
        return refuse(expansion, "a { without its }", "close it, or write \\{ for the character");
    }
    *ret_braces = braces;
    return 0;
}

/* Where the alternative that begins at `at` ends: its comma or the closing brace. */
static int alternative_end(struct expansion *expansion, struct str_view text, size_t at,
                           size_t close, size_t *ret_end)
{
    size_t depth = 0;

    while (at < close && !(depth == 0 && text.bytes[at] == ',')) {
        int error;

        depth += text.bytes[at] == '{' ? 1 : 0;
        depth -= text.bytes[at] == '}' ? 1 : 0;
        error = token_end(expansion, text, at, &at);
        if (error < 0) {
            return error;
        }
    }
    *ret_end = at;
    return 0;
}

static int expand(struct expansion *expansion, struct str_view text);

/* The text with the alternative from..to in place of its braces. */
static int expand_alternative(struct expansion *expansion, struct str_view text,
                              struct braces braces, size_t from, size_t to)
{
    char alternative[PATH_PATTERN_BYTES_MAX];
    size_t length = 0;
    int error;

    /* Nine pairs side by side are over the limit of alternatives already: this bounds the stack. */
    if (expansion->depth == PATH_PATTERN_BRACES_MAX) {
        return refuse(expansion, "more than 16 braces in one pattern",
                      "use fewer braces, or several patterns");
    }
    memcpy(alternative, text.bytes, braces.open);
    length = braces.open;
    memcpy(alternative + length, text.bytes + from, to - from);
    length += to - from;
    memcpy(alternative + length, text.bytes + braces.close + 1, text.length - braces.close - 1);
    length += text.length - braces.close - 1;
    expansion->depth++;
    error = expand(expansion, (struct str_view){.bytes = alternative, .length = length});
    expansion->depth--;
    return error;
}

static int expand(struct expansion *expansion, struct str_view text)
{
    struct braces braces;
    size_t from;
    size_t count = 0;
    int error = find_braces(expansion, text, &braces);

    if (error < 0) {
        return error;
    }
    if (braces.open == text.length) {
        return finish(expansion, text);
    }
    from = braces.open + 1;
    do {
        size_t to;

        error = alternative_end(expansion, text, from, braces.close, &to);
        if (error < 0) {
            return error;
        }
        if (++count == 1 && to == braces.close) {
            return refuse(expansion, "braces with one alternative",
                          "write {a,b}, or \\{ for the character");
        }
        error = expand_alternative(expansion, text, braces, from, to);
        if (error < 0) {
            return error;
        }
        from = to + 1;
    } while (from <= braces.close);
    return 0;
}

int path_pattern_expand(struct str_view pattern, path_pattern_visit *visit, void *context,
                        struct path_pattern_problem *reterr)
{
    struct expansion expansion = {.visit = visit, .context = context, .reterr = reterr};
    struct str_view text = path_pattern_trim(pattern);

    if (pattern.length == 0) {
        return refuse(&expansion, "an empty pattern", "write ** for everything");
    }
    if (pattern.length >= PATH_PATTERN_BYTES_MAX) {
        return refuse(&expansion, "a pattern of more than 4095 bytes", "shorten it");
    }
    if (memchr(pattern.bytes, '\0', pattern.length) != NULL) {
        return refuse(&expansion, "a NUL in a pattern", "no file name holds one");
    }
    expansion.deep_written = count_deep(text);
    return expand(&expansion, text);
}
