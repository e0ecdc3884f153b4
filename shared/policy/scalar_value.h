/*
 * Single values of a policy file: each checks one scalar node and explains itself when it does
 * not fit. YAML's guesses are pinned down: a text that looks like a number, a boolean or null
 * wants quotes, and a number wants none, so that YAML and JSON mean the same.
 */
#ifndef FAILCORE_POLICY_SCALAR_VALUE_H
#define FAILCORE_POLICY_SCALAR_VALUE_H

#include "shared/policy/document.h"
#include "shared/policy/model.h"

/* What a reading function needs to complain. */
struct value_context {
    const struct document_source *source;
    struct arena *arena;
    struct failure *reterr;
    const char *key; /* whose value it is */
};

int value_expect(const struct value_context *context, const struct node *node, enum node_kind kind);
/* A copy in the arena. Empty texts are refused. */
int value_text(const struct value_context *context, const struct node *node,
               struct str_view *ret_text);
int value_boolean(const struct value_context *context, const struct node *node, bool *ret_value);
int value_word(const struct value_context *context, const struct node *node,
               const char *const *words, size_t count, size_t *ret_index);
int value_quantity(const struct value_context *context, const struct node *node,
                   enum quantity quantity, uint64_t *ret_value);
int value_path_pattern(const struct value_context *context, const struct node *node,
                       struct str_view *ret_pattern);
int value_host(const struct value_context *context, const struct node *node,
               struct str_view *ret_pattern);
int value_prefix(const struct value_context *context, const struct node *node,
                 struct ip_prefix *ret_prefix);
int value_ports(const struct value_context *context, const struct node *node,
                struct port_range *ret_range);

#endif
