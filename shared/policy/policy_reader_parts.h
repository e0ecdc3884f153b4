/* What the files that read a policy share; private to policy_reader*.c. */
#ifndef FAILCORE_POLICY_POLICY_READER_PARTS_H
#define FAILCORE_POLICY_POLICY_READER_PARTS_H

#include "shared/policy/grammar.h"
#include "shared/policy/policy_reader.h"
#include "shared/policy/rule_reader.h"
#include "shared/policy/scalar_value.h"

struct reader {
    const struct document_source *source;
    struct arena *arena;
    struct failure *reterr;
    struct model *model;
    bool resolved;
    size_t patterns;
    struct rule_ids ids;
};

struct origin reader_origin(const struct reader *reader, const struct node *node);
struct value_context reader_context(const struct reader *reader, const struct key *key);

/* Reads one key's value into the target. */
typedef int store_key(struct reader *reader, void *target, const struct key *key,
                      const struct node *value);

/* Every key known, once, and the required ones there. */
int reader_read_map(struct reader *reader, const struct shape *shape, const struct node *node,
                    store_key *store, void *target);

int reader_check_absolute(const struct value_context *context, const struct node *node,
                          struct str_view path);

/* The lists `breaker` and `tests`. */
int reader_read_breakers(struct reader *reader, const struct key *key, const struct node *value);
int reader_read_tests(struct reader *reader, const struct key *key, const struct node *value);

#endif
