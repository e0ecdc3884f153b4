#include "shared/policy/scalar_value.h"

#include <errno.h>
#include <stdio.h>

#include "shared/policy/address_ranges.h"
#include "shared/policy/host_registry.h"
#include "shared/policy/nearest_word.h"
#include "shared/policy/path_pattern.h"
#include "shared/policy/special_names.h"

static int refuse(const struct value_context *context, const struct node *node, const char *mend,
                  const char *what)
{
    return document_refuse(context->source, node, context->reterr, mend, "%s: %s", context->key,
                           what);
}

static int out_of_memory(const struct value_context *context)
{
    return failure_set(context->reterr, -ENOMEM, "out of memory while reading %s",
                       context->source->file);
}

int value_expect(const struct value_context *context, const struct node *node, enum node_kind kind)
{
    static const char *const mends[] = {
        [NODE_SCALAR] = "write one value behind the colon",
        [NODE_LIST] = "write a list: [a, b], or lines that begin with -",
        [NODE_MAP] = "write keys below it, or {key: value}",
    };

    if (node->kind == kind) {
        return 0;
    }
    if (node->kind == NODE_SCALAR && !node->quoted && node->text.length == 0) {
        return document_refuse(context->source, node, context->reterr, mends[kind],
                               "%s: nothing where %s is wanted", context->key,
                               node_kind_name(kind));
    }
    return document_refuse(context->source, node, context->reterr, mends[kind],
                           "%s: %s where %s is wanted", context->key, node_kind_name(node->kind),
                           node_kind_name(kind));
}

static bool is_one_of(struct str_view text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_view_equals_text(text, words[i])) {
            return true;
        }
    }
    return false;
}

/* What YAML 1.2's core schema, or JSON, reads as something else than a text. */
static bool looks_like_no_text(struct str_view text)
{
    static const char *const words[] = {"null",  "Null",  "NULL",  "~",     "true", "True",
                                        "TRUE",  "false", "False", "FALSE", ".inf", ".Inf",
                                        ".INF",  "-.inf", "+.inf", ".nan",  ".NaN", ".NAN",
                                        "-.Inf", "-.INF", "+.Inf", "+.INF"};
    size_t i = 0;
    size_t digits = 0;

    if (text.length == 0 || is_one_of(text, words, sizeof(words) / sizeof(words[0]))) {
        return true;
    }
    if (text.length > 2 && text.bytes[0] == '0' && (text.bytes[1] == 'x' || text.bytes[1] == 'o')) {
        const char *allowed = text.bytes[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567";

        for (i = 2; i < text.length && strchr(allowed, text.bytes[i]) != NULL; i++) {
        }
        return i == text.length;
    }
    i = text.bytes[0] == '-' || text.bytes[0] == '+' ? 1 : 0;
    for (; i < text.length && ((text.bytes[i] >= '0' && text.bytes[i] <= '9') ||
                               (text.bytes[i] == '.' && memchr(text.bytes, '.', i) == NULL));
         i++) {
        digits += text.bytes[i] != '.' ? 1 : 0;
    }
    if (digits > 0 && i < text.length && (text.bytes[i] == 'e' || text.bytes[i] == 'E')) {
        i++;
        i += i < text.length && (text.bytes[i] == '-' || text.bytes[i] == '+') ? 1 : 0;
        digits = 0;
        for (; i < text.length && text.bytes[i] >= '0' && text.bytes[i] <= '9'; i++) {
            digits++;
        }
    }
    return digits > 0 && i == text.length;
}

int value_text(const struct value_context *context, const struct node *node,
               struct str_view *ret_text)
{
    int error = value_expect(context, node, NODE_SCALAR);

    if (error < 0) {
        return error;
    }
    if (!node->quoted && looks_like_no_text(node->text)) {
        return refuse(context, node, "put it in quotes",
                      node->text.length == 0 ? "nothing where a text is wanted"
                                             : "a number, boolean or null where a text is wanted");
    }
    if (node->text.length == 0) {
        return refuse(context, node, "write a text, or leave the key out", "an empty text");
    }
    if (memchr(node->text.bytes, '\0', node->text.length) != NULL) {
        return refuse(context, node, "remove it", "a text with a NUL");
    }
    *ret_text = arena_copy(context->arena, node->text);
    return ret_text->bytes == NULL ? out_of_memory(context) : 0;
}

int value_boolean(const struct value_context *context, const struct node *node, bool *ret_value)
{
    int error = value_expect(context, node, NODE_SCALAR);

    if (error < 0) {
        return error;
    }
    if (!node->quoted && str_view_equals_text(node->text, "true")) {
        *ret_value = true;
        return 0;
    }
    if (!node->quoted && str_view_equals_text(node->text, "false")) {
        *ret_value = false;
        return 0;
    }
    return document_refuse(context->source, node, context->reterr, "write true or false, bare",
                           "%s: \"%.*s\" is not true or false", context->key,
                           STR_VIEW_PRINTF(node->text));
}

int value_word(const struct value_context *context, const struct node *node,
               const char *const *words, size_t count, size_t *ret_index)
{
    int error = value_expect(context, node, NODE_SCALAR);
    const char *nearest;
    char mend[256] = "one of:";
    size_t used = strlen(mend);

    if (error < 0) {
        return error;
    }
    for (size_t i = 0; i < count; i++) {
        if (str_view_equals_text(node->text, words[i])) {
            *ret_index = i;
            return 0;
        }
    }
    nearest = nearest_word(node->text, words, count);
    if (nearest != NULL) {
        snprintf(mend, sizeof(mend), "did you mean \"%s\"?", nearest);
    }
    for (size_t i = 0; nearest == NULL && i < count && used < sizeof(mend); i++) {
        used += (size_t)snprintf(mend + used, sizeof(mend) - used, " %s", words[i]);
    }
    return document_refuse(context->source, node, context->reterr, mend,
                           "%s: unknown word \"%.*s\"", context->key, STR_VIEW_PRINTF(node->text));
}

static bool all_digits(struct str_view text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return false;
        }
    }
    return text.length > 0;
}

int value_quantity(const struct value_context *context, const struct node *node,
                   enum quantity quantity, uint64_t *ret_value)
{
    int error = value_expect(context, node, NODE_SCALAR);

    if (error < 0) {
        return error;
    }
    if (node->quoted && all_digits(node->text)) {
        return refuse(context, node, "write the number without quotes", "a number in quotes");
    }
    if (node->text.length > 1 && node->text.bytes[0] == '0' && node->text.bytes[1] >= '0' &&
        node->text.bytes[1] <= '9') {
        return refuse(context, node, "write the number without zeros in front",
                      "a number that begins with 0");
    }
    error = quantity_parse(quantity, node->text, ret_value);
    if (error == 0 && *ret_value == 0) {
        return refuse(context, node, "leave it out for no limit, or deny what must not happen",
                      "a limit of nothing");
    }
    if (error == -ERANGE) {
        return refuse(context, node, "the largest number is 2^53", "a number too large");
    }
    if (error < 0) {
        char mend[128];

        snprintf(mend, sizeof(mend), "write %s", quantity_example(quantity));
        return document_refuse(context->source, node, context->reterr, mend,
                               "%s: \"%.*s\" is not what is wanted here", context->key,
                               STR_VIEW_PRINTF(node->text));
    }
    return 0;
}

int value_path_pattern(const struct value_context *context, const struct node *node,
                       struct str_view *ret_pattern)
{
    struct path_pattern_problem problem;
    int error = value_text(context, node, ret_pattern);

    if (error < 0) {
        return error;
    }
    if (path_pattern_expand(*ret_pattern, NULL, NULL, &problem) < 0) {
        return document_refuse(context->source, node, context->reterr, problem.mend,
                               "%s: %s in \"%.*s\"", context->key, problem.what,
                               node->text.length > 100 ? 100 : (int)node->text.length,
                               node->text.bytes);
    }
    return 0;
}

int value_host(const struct value_context *context, const struct node *node,
               struct str_view *ret_pattern)
{
    char text[HOST_NAME_TEXT_MAX];
    char whole[HOST_NAME_TEXT_MAX + 2];
    char ascii[HOST_NAME_TEXT_MAX + 2];
    struct host_pattern pattern;
    struct str_view written;
    const char *problem;
    int error = value_text(context, node, &written);

    if (error < 0) {
        return error;
    }
    problem = host_name_to_ascii(written, ascii);
    if (problem == NULL) {
        problem = host_pattern_parse(str_view_from(ascii), text, &pattern);
    }
    if (problem != NULL) {
        return document_refuse(
            context->source, node, context->reterr,
            "write a name as api.example.org, *.example.org for its subdomains, or * for any "
            "public name; addresses have a key of their own, and so have ports",
            "%s: bad host \"%.*s\": %s", context->key, STR_VIEW_PRINTF(written), problem);
    }
    if (pattern.kind != HOST_ANY && host_name_is_internal(pattern.name)) {
        return refuse(context, node,
                      "use an address rule with allow_private: true, if it is really wanted",
                      "a name of internal services, which is never resolved");
    }
    snprintf(whole, sizeof(whole), "%s%.*s",
             pattern.kind == HOST_EXACT        ? ""
             : pattern.kind == HOST_SUBDOMAINS ? "*."
                                               : "*",
             STR_VIEW_PRINTF(pattern.name));
    *ret_pattern = arena_copy(context->arena, str_view_from(whole));
    return ret_pattern->bytes == NULL ? out_of_memory(context) : 0;
}

static void clear_host_bits(struct ip_prefix *prefix)
{
    for (unsigned int bit = prefix->length; bit < ip_family_bits(prefix->address.family); bit++) {
        prefix->address.bytes[bit / 8] =
            (uint8_t)(prefix->address.bytes[bit / 8] & ~(0x80U >> (bit % 8)));
    }
}

/* "10.1.2.3/8" should say 10.0.0.0/8: the one mistake worth a mend of its own. */
static int refuse_host_bits(const struct value_context *context, const struct node *node)
{
    const char *slash = memchr(node->text.bytes, '/', node->text.length);
    struct str_view address = {.bytes = node->text.bytes,
                               .length = (size_t)(slash - node->text.bytes)};
    char text[IP_PREFIX_TEXT_MAX];
    char mend[IP_PREFIX_TEXT_MAX + 64];
    struct ip_prefix prefix = {0};
    uint64_t length;

    if (ip_address_parse(address, &prefix.address) < 0 ||
        quantity_parse(QUANTITY_COUNT, str_view_from(slash + 1), &length) < 0) {
        return refuse(context, node, "write 10.0.0.0/8", "bits set behind the prefix");
    }
    prefix.length = (unsigned int)length;
    clear_host_bits(&prefix);
    snprintf(mend, sizeof(mend), "write %s, or the address alone", ip_prefix_format(&prefix, text));
    return refuse(context, node, mend, "bits set behind the prefix length");
}

int value_prefix(const struct value_context *context, const struct node *node,
                 struct ip_prefix *ret_prefix)
{
    int error = value_expect(context, node, NODE_SCALAR);

    if (error < 0) {
        return error;
    }
    error = ip_prefix_parse(node->text, ret_prefix);
    if (error == -EDOM) {
        return refuse_host_bits(context, node);
    }
    if (error < 0) {
        return document_refuse(context->source, node, context->reterr,
                               "write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32; names go to hosts",
                               "%s: bad address \"%.*s\"", context->key,
                               STR_VIEW_PRINTF(node->text));
    }
    return 0;
}

static bool parse_port(struct str_view text, uint16_t *ret_port)
{
    uint64_t number;

    if (!all_digits(text) || (text.length > 1 && text.bytes[0] == '0') ||
        quantity_parse(QUANTITY_COUNT, text, &number) < 0 || number < 1 || number > 65535) {
        return false;
    }
    *ret_port = (uint16_t)number;
    return true;
}

int value_ports(const struct value_context *context, const struct node *node,
                struct port_range *ret_range)
{
    int error = value_expect(context, node, NODE_SCALAR);
    struct str_view first = {0};
    struct str_view last = {0};
    const char *dash;

    if (error < 0) {
        return error;
    }
    if (str_view_equals_text(node->text, "any")) {
        *ret_range = (struct port_range){.first = 1, .last = 65535};
        return 0;
    }
    if (node->quoted && all_digits(node->text)) {
        return refuse(context, node, "write the number without quotes", "a number in quotes");
    }
    dash = node->text.length == 0 ? NULL : memchr(node->text.bytes, '-', node->text.length);
    first = last = node->text;
    if (dash != NULL) {
        first.length = (size_t)(dash - node->text.bytes);
        last = (struct str_view){.bytes = dash + 1, .length = node->text.length - first.length - 1};
    }
    if (!parse_port(first, &ret_range->first) || !parse_port(last, &ret_range->last) ||
        ret_range->first > ret_range->last) {
        return document_refuse(context->source, node, context->reterr,
                               "write a port from 1 to 65535, a range as 8000-8099, or any",
                               "%s: bad port \"%.*s\"", context->key, STR_VIEW_PRINTF(node->text));
    }
    return 0;
}
