/* What the two importers share; private to policy_import*.c. */
#ifndef FAILCORE_POLICY_POLICY_IMPORT_PARTS_H
#define FAILCORE_POLICY_POLICY_IMPORT_PARTS_H

#include "shared/policy/policy_import.h"

struct importer {
    const struct document_source *source;
    const struct import_options *options;
    import_complain *complain;
    void *context;
    struct text_buffer *text;
    int complaints;
    /* Parts of the result, put together at the end. */
    struct text_buffer head, filesystem, network, process, limits;
};

/* Counts a complaint about a key, unless the caller drops it: then it is noted in the head. */
__attribute__((format(printf, 4, 5))) void importer_refuse(struct importer *importer,
                                                           const struct node *node, const char *key,
                                                           const char *why_format, ...);
/* The value of a map's key, or NULL. */
const struct node *node_member(const struct node *map, const char *name);
/* A scalar's text, "" for anything else. */
struct str_view node_text(const struct node *node);
void append_quoted_list(struct text_buffer *text, const struct node *list);

void import_rule_list(struct importer *importer, const struct node *root);
void import_tool_policy(struct importer *importer, const struct node *root,
                        const struct node *tools);

#endif
