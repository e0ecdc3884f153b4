#include "tests/support/slow_glob.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX 4096

/* One name against one component, both up to their end or a slash. */
static bool name_matches(const char *p, const char *p_end, const char *n, const char *n_end)
{
    bool in_class = false;
    bool negated;
    const char *q;

    if (p == p_end) {
        return n == n_end;
    }
    if (*p == '*') {
        return name_matches(p + 1, p_end, n, n_end) ||
               (n < n_end && name_matches(p, p_end, n + 1, n_end));
    }
    if (n == n_end) {
        return false;
    }
    if (*p == '?') {
        return name_matches(p + 1, p_end, n + 1, n_end);
    }
    if (*p == '\\') {
        return p[1] == *n && name_matches(p + 2, p_end, n + 1, n_end);
    }
    if (*p != '[') {
        return *p == *n && name_matches(p + 1, p_end, n + 1, n_end);
    }
    q = p + 1;
    negated = *q == '!' || *q == '^';
    q += negated ? 1 : 0;
    for (bool first = true; first || *q != ']'; first = false) {
        unsigned char low, high;

        q += *q == '\\' ? 1 : 0;
        low = high = (unsigned char)*q++;
        if (*q == '-' && q[1] != ']') {
            q++;
            q += *q == '\\' ? 1 : 0;
            high = (unsigned char)*q++;
        }
        in_class = in_class || ((unsigned char)*n >= low && (unsigned char)*n <= high);
    }
    return in_class != negated && name_matches(q + 1, p_end, n + 1, n_end);
}

static const char *component_end(const char *text)
{
    const char *slash = strchr(text, '/');

    return slash == NULL ? text + strlen(text) : slash;
}

static const char *after(const char *end)
{
    return *end == '/' ? end + 1 : end;
}

/* `pattern` and `path` stand at the beginning of a component, or at their end. */
static bool path_matches(const char *pattern, const char *path)
{
    const char *p_end = component_end(pattern);
    const char *n_end = component_end(path);

    if (*pattern == '\0') {
        return *path == '\0';
    }
    if (p_end - pattern == 2 && pattern[0] == '*' && pattern[1] == '*') {
        /* At the end it wants one name at least; elsewhere none will do. */
        if (*p_end == '\0') {
            return *path != '\0';
        }
        return path_matches(after(p_end), path) ||
               (*path != '\0' && path_matches(pattern, after(n_end)));
    }
    return *path != '\0' && name_matches(pattern, p_end, path, n_end) &&
           path_matches(after(p_end), after(n_end));
}

/* Skips one class or escape, in which braces and commas mean nothing. */
static const char *skip(const char *p)
{
    if (*p == '\\') {
        return p + 2;
    }
    if (*p != '[') {
        return p + 1;
    }
    p++;
    p += *p == '!' || *p == '^' ? 1 : 0;
    for (bool first = true; first || *p != ']'; first = false) {
        p += *p == '\\' ? 2 : 1;
    }
    return p + 1;
}

typedef bool matcher(const char *pattern, const char *path);

static bool any_alternative(const char *pattern, const char *path, matcher *matches)
{
    char text[TEXT_MAX];
    const char *open = pattern;
    const char *from;
    const char *close;
    int depth = 0;

    while (*open != '\0' && *open != '{') {
        open = skip(open);
    }
    if (*open == '\0') {
        return matches(pattern, path);
    }
    for (close = open; depth > 0 || close == open;
         close = *close == '{' || *close == '}' ? close + 1 : skip(close)) {
        depth += *close == '{' ? 1 : 0;
        depth -= *close == '}' ? 1 : 0;
        if (depth == 0) {
            break;
        }
    }
    from = open + 1;
    for (const char *at = from; at <= close;) {
        if (at == close || (*at == ',' && depth == 0)) {
            snprintf(text, sizeof(text), "%.*s%.*s%s", (int)(open - pattern), pattern,
                     (int)(at - from), from, close + 1);
            if (any_alternative(text, path, matches)) {
                return true;
            }
            from = at + 1;
            at++;
            continue;
        }
        depth += *at == '{' ? 1 : 0;
        depth -= *at == '}' ? 1 : 0;
        at = *at == '{' || *at == '}' ? at + 1 : skip(at);
    }
    return false;
}

static bool listing_matches(const char *pattern, const char *path)
{
    char directory[TEXT_MAX];
    size_t length = strlen(pattern);

    if (strcmp(pattern, "**") == 0) {
        return *path == '\0';
    }
    if (length < 4 || strcmp(pattern + length - 3, "/**") != 0) {
        return false;
    }
    /* a/ ** / ** lists what a/ ** lists, and a. */
    snprintf(directory, sizeof(directory), "%.*s", (int)(length - 3), pattern);
    while ((length = strlen(directory)) >= 3 && strcmp(directory + length - 3, "/**") == 0) {
        directory[length - 3] = '\0';
    }
    return strcmp(directory, "**") == 0 ? *path == '\0' : path_matches(directory, path);
}

static const char *trim(const char *pattern)
{
    return pattern[0] == '/' && pattern[1] != '\0' ? pattern + 1 : pattern;
}

bool slow_glob_covers(const char *pattern, const char *path)
{
    return any_alternative(trim(pattern), path, path_matches);
}

bool slow_glob_covers_listing(const char *pattern, const char *path)
{
    return any_alternative(trim(pattern), path, listing_matches);
}
