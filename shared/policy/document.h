/*
 * A YAML or JSON text as a tree whose every node knows its line and column. The only file that
 * speaks to libyaml.
 *
 * The text comes from a person or from a stranger: bytes, depth and nodes are bounded, and what
 * makes YAML surprising is refused: anchors and aliases (they explode), tags, a second document,
 * merge keys. There is no expansion of any kind.
 */
#ifndef FAILCORE_POLICY_DOCUMENT_H
#define FAILCORE_POLICY_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/failure.h"
#include "shared/base/str_view.h"
#include "shared/policy/arena.h"

#define DOCUMENT_BYTES_MAX ((size_t)16 << 20)
#define DOCUMENT_DEPTH_MAX 16
#define DOCUMENT_NODES_MAX 2000000

enum node_kind { NODE_SCALAR = 0, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    bool quoted;          /* a scalar in quotes: always a text, never a word or number */
    uint32_t line;        /* from 1 */
    uint32_t column;      /* from 1, in characters */
    struct str_view text; /* of a scalar; NUL-terminated */
    struct node *first;   /* of a list: its members; of a map: its keys */
    struct node *next;    /* the next member or key */
    struct node *value;   /* of a key */
    size_t count;         /* members or keys */
};

/* Where a text came from, for messages. */
struct document_source {
    const char *file; /* as a person would type it */
};

/* Nodes live in the arena. -EINVAL with *reterr filled, or -ENOMEM. */
int document_parse(struct str_view text, const struct document_source *source, struct arena *arena,
                   struct node **ret_root, struct failure *reterr);

/* "a list", "a map", "true": for messages. */
const char *node_kind_name(enum node_kind kind);

/* Fills a failure with file:line:column of the node. Returns -EINVAL. */
__attribute__((format(printf, 5, 6))) int document_refuse(const struct document_source *source,
                                                          const struct node *node,
                                                          struct failure *reterr, const char *mend,
                                                          const char *what_format, ...);

#endif
