/*
 * Two older dialects in this grammar's words.
 *
 * The rule list: JSON, {"policy": "enforce", "rules": [{"id", "type", "action", "pattern"}]},
 * comments accepted. The tool policy: YAML, rules: {allowed_tools, denied_tools, pii_redaction,
 * resource_limits, network: {allowed_domains, deny_all_other}, post_call}.
 *
 * What cannot be expressed is complained about, key by key, with its line; nothing is left out
 * silently. A key that the caller drops is named in a comment of the result.
 */
#ifndef FAILCORE_POLICY_POLICY_IMPORT_H
#define FAILCORE_POLICY_POLICY_IMPORT_H

#include "shared/base/text_buffer.h"
#include "shared/policy/document.h"

struct import_options {
    const char *const *drops; /* keys to leave out */
    size_t drop_count;
    const char *root;      /* absolute path that the mount root stands for; NULL: / */
    struct str_view tools; /* text of a YAML map from tool name to executable; may be absent */
    const char *tools_file;
};

/* Called once for each key that has no meaning here. */
typedef void import_complain(void *context, const struct failure *complaint);

/*
 * The policy's text is appended to *text. Returns the number of complaints (the text is then of no
 * use), -EINVAL with *reterr for what is neither dialect, or -ENOMEM.
 */
int policy_import(struct str_view input, const struct document_source *source,
                  const struct import_options *options, import_complain *complain, void *context,
                  struct text_buffer *text, struct failure *reterr);

#endif
