/* failcore audit: the family of verbs that read a log. */
#include <stddef.h>

#include "cli/audit_verbs.h"
#include "cli/verbs.h"
#include "shared/base/verb_table.h"

int verb_audit(int argc, char **argv)
{
    static const struct verb verbs[] = {
#define VERB_ROW(name, function, summary) {name, summary, function},
        AUDIT_VERB_TABLE(VERB_ROW)
#undef VERB_ROW
    };
    static const struct verb_table table = {
        .name = "failcore audit",
        .summary = "verify, prove and export the audit log",
        .verbs = verbs,
        .count = sizeof(verbs) / sizeof(verbs[0]),
    };

    return verb_table_run(&table, argc, argv);
}
