#include "shared/policy/document.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <yaml.h>

struct open_node {
    struct node *node;
    struct node *last; /* last child */
    struct node *key;  /* a map's key that waits for its value */
};

struct document_parser {
    const struct document_source *source;
    struct arena *arena;
    struct failure *reterr;
    struct node *root;
    struct open_node open[DOCUMENT_DEPTH_MAX];
    size_t depth;
    size_t nodes;
};

const char *node_kind_name(enum node_kind kind)
{
    static const char *const names[] = {
        [NODE_SCALAR] = "a single value",
        [NODE_LIST] = "a list",
        [NODE_MAP] = "a map",
    };

    return names[kind];
}

static int out_of_memory(const struct document_source *source, struct failure *reterr)
{
    return failure_set(reterr, -ENOMEM, "out of memory while reading %s", source->file);
}

static void set_position(const struct document_source *source, struct failure *reterr, size_t line,
                         size_t column)
{
    failure_set_needed(reterr, "%s:%zu:%zu", source->file, line, column);
}

int document_refuse(const struct document_source *source, const struct node *node,
                    struct failure *reterr, const char *mend, const char *what_format, ...)
{
    char what[sizeof(reterr->what)];
    va_list args;

    va_start(args, what_format);
    vsnprintf(what, sizeof(what), what_format, args);
    va_end(args);
    failure_set(reterr, -EINVAL, "%s", what);
    set_position(source, reterr, node->line, node->column);
    failure_set_mend(reterr, "%s", mend);
    return -EINVAL;
}

static int refuse_at(struct document_parser *parser, yaml_mark_t mark, const char *what,
                     const char *mend)
{
    failure_set(parser->reterr, -EINVAL, "%s", what);
    set_position(parser->source, parser->reterr, mark.line + 1, mark.column + 1);
    failure_set_mend(parser->reterr, "%s", mend);
    return -EINVAL;
}

/* Reader errors carry a byte offset and no line. */
static int refuse_bytes(const struct document_source *source, struct str_view text, size_t offset,
                        struct failure *reterr)
{
    size_t line = 1;
    size_t column = 1;

    for (size_t i = 0; i < offset && i < text.length; i++) {
        if (text.bytes[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text.bytes[i] & 0xC0U) != 0x80U) {
            column++;
        }
    }
    failure_set(reterr, -EINVAL,
                "a byte that is not text: policies are UTF-8 without control "
                "characters");
    set_position(source, reterr, line, column);
    failure_set_mend(reterr, "save the file as UTF-8");
    return -EINVAL;
}

/* What the scanner and the parser cannot read. */
static int refuse_syntax(struct document_parser *parser, const yaml_parser_t *yaml)
{
    /* A pattern without quotes: what everybody gets wrong first. */
    if (yaml->context != NULL && strstr(yaml->context, "alias") != NULL) {
        return refuse_at(parser, yaml->context_mark, "an alias (*name)",
                         "put a pattern that begins with * in quotes");
    }
    failure_set(parser->reterr, -EINVAL, "this is not YAML: %s%s%s",
                yaml->problem == NULL ? "unknown problem" : yaml->problem,
                yaml->context == NULL ? "" : ", ", yaml->context == NULL ? "" : yaml->context);
    set_position(parser->source, parser->reterr, yaml->problem_mark.line + 1,
                 yaml->problem_mark.column + 1);
    failure_set_mend(parser->reterr,
                     "look at the indentation, quotes and brackets at and above this line");
    return -EINVAL;
}

static int refuse(struct document_parser *parser, const yaml_parser_t *yaml, struct str_view text)
{
    if (yaml->error == YAML_MEMORY_ERROR) {
        return out_of_memory(parser->source, parser->reterr);
    }
    return yaml->error == YAML_READER_ERROR
               ? refuse_bytes(parser->source, text, yaml->problem_offset, parser->reterr)
               : refuse_syntax(parser, yaml);
}

static int attach(struct document_parser *parser, struct node *node)
{
    struct open_node *parent;

    if (parser->depth == 0) {
        parser->root = node;
        return 0;
    }
    parent = &parser->open[parser->depth - 1];
    if (parent->key != NULL) {
        parent->key->value = node;
        parent->key = NULL;
        return 0;
    }
    if (parent->node->kind == NODE_MAP) {
        if (node->kind != NODE_SCALAR) {
            return document_refuse(parser->source, node, parser->reterr,
                                   "write the key as one word", "a key that is %s",
                                   node_kind_name(node->kind));
        }
        parent->key = node;
    }
    if (parent->last == NULL) {
        parent->node->first = node;
    } else {
        parent->last->next = node;
    }
    parent->last = node;
    parent->node->count++;
    return 0;
}

static int add_node(struct document_parser *parser, const yaml_event_t *event, enum node_kind kind,
                    const yaml_char_t *anchor, const yaml_char_t *tag, struct node **ret_node)
{
    struct node *node;

    if (anchor != NULL) {
        return refuse_at(parser, event->start_mark, "an anchor (&name)",
                         "write the value out: a policy has no anchors and aliases");
    }
    if (tag != NULL) {
        return refuse_at(parser, event->start_mark, "a tag (!name)",
                         "leave the tag out: a policy has plain values only");
    }
    if (++parser->nodes > DOCUMENT_NODES_MAX) {
        return refuse_at(parser, event->start_mark, "more than 2,000,000 values in one policy",
                         "split the policy, or write fewer and wider patterns");
    }
    node = arena_alloc(parser->arena, sizeof(*node));
    if (node == NULL) {
        return out_of_memory(parser->source, parser->reterr);
    }
    node->kind = kind;
    node->line = (uint32_t)event->start_mark.line + 1;
    node->column = (uint32_t)event->start_mark.column + 1;
    *ret_node = node;
    return attach(parser, node);
}

static int open_node(struct document_parser *parser, const yaml_event_t *event, struct node *node)
{
    if (parser->depth == DOCUMENT_DEPTH_MAX) {
        return refuse_at(parser, event->start_mark, "nested more than 16 levels deep",
                         "no key of a policy is that deep; look at the brackets");
    }
    parser->open[parser->depth++] = (struct open_node){.node = node};
    return 0;
}

static int take_event(struct document_parser *parser, const yaml_event_t *event)
{
    struct node *node;
    int error;

    switch (event->type) {
    case YAML_SCALAR_EVENT:
        error = add_node(parser, event, NODE_SCALAR, event->data.scalar.anchor,
                         event->data.scalar.tag, &node);
        if (error < 0) {
            return error;
        }
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        node->text = arena_copy(parser->arena,
                                (struct str_view){.bytes = (const char *)event->data.scalar.value,
                                                  .length = event->data.scalar.length});
        return node->text.bytes == NULL ? -ENOMEM : 0;
    case YAML_SEQUENCE_START_EVENT:
        error = add_node(parser, event, NODE_LIST, event->data.sequence_start.anchor,
                         event->data.sequence_start.tag, &node);
        return error < 0 ? error : open_node(parser, event, node);
    case YAML_MAPPING_START_EVENT:
        error = add_node(parser, event, NODE_MAP, event->data.mapping_start.anchor,
                         event->data.mapping_start.tag, &node);
        return error < 0 ? error : open_node(parser, event, node);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        parser->depth--;
        return 0;
    case YAML_ALIAS_EVENT:
        return refuse_at(parser, event->start_mark, "an alias (*name)",
                         "write the value out, or put a pattern that begins with * in quotes");
    case YAML_DOCUMENT_START_EVENT:
        if (parser->root != NULL) {
            return refuse_at(parser, event->start_mark, "a second document in one file",
                             "one policy a file: remove everything from this --- on");
        }
        return 0;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return 0;
    }
    return -EINVAL;
}

static int take_all(struct document_parser *parser, yaml_parser_t *yaml, struct str_view text)
{
    bool over = false;

    while (!over) {
        yaml_event_t event;
        int error;

        if (yaml_parser_parse(yaml, &event) == 0) {
            return refuse(parser, yaml, text);
        }
        over = event.type == YAML_STREAM_END_EVENT;
        error = take_event(parser, &event);
        yaml_event_delete(&event);
        if (error < 0) {
            return error == -ENOMEM ? out_of_memory(parser->source, parser->reterr) : error;
        }
    }
    return 0;
}

int document_parse(struct str_view text, const struct document_source *source, struct arena *arena,
                   struct node **ret_root, struct failure *reterr)
{
    struct document_parser parser = {.source = source, .arena = arena, .reterr = reterr};
    yaml_parser_t yaml;
    int error;

    if (text.length > DOCUMENT_BYTES_MAX) {
        failure_set(reterr, -EINVAL, "a policy of more than 16 MiB");
        set_position(source, reterr, 1, 1);
        failure_set_mend(reterr, "split the policy, or write fewer and wider patterns");
        return -EINVAL;
    }
    if (yaml_parser_initialize(&yaml) == 0) {
        return out_of_memory(source, reterr);
    }
    yaml_parser_set_encoding(&yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&yaml, (const unsigned char *)(text.length == 0 ? "" : text.bytes),
                                 text.length);
    error = take_all(&parser, &yaml, text);
    yaml_parser_delete(&yaml);
    if (error < 0) {
        return error;
    }
    if (parser.root == NULL) {
        failure_set(reterr, -EINVAL, "the policy is empty");
        set_position(source, reterr, 1, 1);
        failure_set_mend(reterr, "begin with \"version: 1\"; failcore policy show deny_all is the "
                                 "smallest policy");
        return -EINVAL;
    }
    *ret_root = parser.root;
    return 0;
}
