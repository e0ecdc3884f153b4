#include "cli/learn/policy_text.h"

#include <ctype.h>
#include <inttypes.h>

#include "cli/log/sensitive.h"
#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"
#include "shared/policy/policy_print.h"

#define COMMENTS_MOST 200

static void append_records(struct text_buffer *text, const struct tally_row *row, uint64_t requests)
{
    text_buffer_printf(text, "record%s %" PRIu64, row->last_seq > row->first_seq ? "s" : "",
                       row->first_seq);
    if (row->last_seq > row->first_seq) {
        text_buffer_printf(text, " to %" PRIu64, row->last_seq);
    }
    text_buffer_printf(text, ", %" PRIu64 " request%s", requests, requests == 1 ? "" : "s");
}

static void append_operations(struct text_buffer *text, uint64_t operations)
{
    bool first = true;

    text_buffer_append_text(text, "      operations: [");
    for (int i = 0; i < FS_LOOKUP; i++) {
        if ((operations & 1U << i) != 0) {
            text_buffer_printf(text, "%s\"%s\"", first ? "" : ", ",
                               fs_operation_word((enum fs_operation)i));
            first = false;
        }
    }
    text_buffer_append_text(text, "]\n");
}

/* ---- what stays closed
 * --------------------------------------------------------------------------------- */

static void append_closed(struct text_buffer *text, bool changes_only)
{
    const char *pattern;
    bool only;

    text_buffer_printf(text, "    - id: \"%s\"\n      action: deny\n",
                       changes_only ? "what-others-execute" : "secrets");
    if (changes_only) {
        append_operations(text, 1U << FS_WRITE | 1U << FS_CREATE | 1U << FS_DELETE |
                                    1U << FS_RENAME | 1U << FS_LINK | 1U << FS_METADATA);
    }
    text_buffer_append_text(text, "      paths:\n");
    for (size_t i = 0; sensitive_pattern(i, &pattern, &only); i++) {
        if (only == changes_only) {
            text_buffer_printf(text, "        - \"**/%s\"\n        - \"**/%s/**\"\n", pattern,
                               pattern);
        }
    }
}

/* ---- files
 * ------------------------------------------------------------------------------------------------
 */

static void append_pattern(struct text_buffer *text, const struct tally_row *row)
{
    text_buffer_append_text(text, "        - ");
    text_buffer_append_yaml_string(text, row->key);
    text_buffer_append_text(text, " # ");
    if (row->numbers[PATTERN_NAMES] > 1) {
        text_buffer_printf(text, "%" PRIu64 " names, ", row->numbers[PATTERN_NAMES]);
    }
    append_records(text, row, row->numbers[PATTERN_REQUESTS]);
    text_buffer_append_text(text, row->numbers[PATTERN_TIED] != 0
                                      ? "; a directory was renamed: both names need one rule\n"
                                      : "\n");
}

/* Patterns with the same operations are one rule. */
static void append_files(struct text_buffer *text, struct patterns *patterns)
{
    size_t rule = 0;

    tally_sort_keys(&patterns->rows);
    tally_sort(&patterns->rows, PATTERN_OPERATIONS);
    for (size_t i = 0; i < patterns->rows.count; i++) {
        const struct tally_row *row = patterns->rows.rows[i];
        uint64_t operations = row->numbers[PATTERN_OPERATIONS];

        if (i == 0 || patterns->rows.rows[i - 1]->numbers[PATTERN_OPERATIONS] != operations) {
            text_buffer_printf(text, "    - id: \"files-%zu\"\n      action: allow\n", ++rule);
            append_operations(text, operations);
            text_buffer_append_text(text, "      paths:\n");
        }
        append_pattern(text, row);
    }
}

static void append_filesystem(struct text_buffer *text, struct patterns *patterns)
{
    text_buffer_append_text(
        text,
        "filesystem:\n  default: deny\n  rules:\n"
        "    # Names may be seen and directories listed; what is in a file needs a rule below.\n"
        "    - id: \"look\"\n      action: allow\n      operations: [\"list\"]\n"
        "      paths:\n        - \"**\"\n"
        "    # Whatever the run did: these stay closed. A deny beats every allow.\n");
    append_closed(text, false);
    append_closed(text, true);
    append_files(text, patterns);
}

/* ---- hosts
 * ------------------------------------------------------------------------------------------------
 */

/* "host:port"; port 0 stands for a name that was asked for and not connected to. */
static struct str_view host_of(const struct tally_row *row)
{
    const char *colon = memrchr(row->key.bytes, ':', row->key.length);

    return (struct str_view){row->key.bytes, (size_t)(colon - row->key.bytes)};
}

static const char *port_of(const struct tally_row *row)
{
    return host_of(row).bytes + host_of(row).length + 1;
}

static size_t host_end(const struct tally *hosts, size_t first)
{
    size_t end = first + 1;

    while (end < hosts->count &&
           str_view_equals(host_of(hosts->rows[end]), host_of(hosts->rows[first]))) {
        end++;
    }
    return end;
}

static void append_ports(struct text_buffer *text, const struct tally *hosts, size_t first,
                         size_t end)
{
    bool any = false;

    text_buffer_append_text(text, "      ports: [");
    for (size_t i = first; i < end; i++) {
        const char *port = port_of(hosts->rows[i]);

        if (strcmp(port, "0") != 0) {
            text_buffer_printf(text, "%s%s", any ? ", " : "", port);
            any = true;
        }
    }
    text_buffer_append_text(text, any ? "]\n" : "443] # its name was asked for, nothing more\n");
}

static void append_network(struct text_buffer *text, struct tally *hosts)
{
    size_t rule = 0;

    text_buffer_append_text(text, "network:\n  default: deny\n  rules:\n");
    tally_sort_keys(hosts);
    for (size_t i = 0; i < hosts->count;) {
        size_t end = host_end(hosts, i);
        struct tally_row whole = *hosts->rows[i];

        for (size_t j = i + 1; j < end; j++) {
            const struct tally_row *row = hosts->rows[j];

            whole.numbers[LEARNED_REQUESTS] += row->numbers[LEARNED_REQUESTS];
            whole.first_seq = whole.first_seq < row->first_seq ? whole.first_seq : row->first_seq;
            whole.last_seq = whole.last_seq > row->last_seq ? whole.last_seq : row->last_seq;
        }
        text_buffer_printf(
            text, "    - id: \"host-%zu\"\n      action: allow\n      hosts:\n        - ", ++rule);
        text_buffer_append_yaml_string(text, host_of(&whole));
        text_buffer_append_text(text, " # ");
        append_records(text, &whole, whole.numbers[LEARNED_REQUESTS]);
        text_buffer_append_char(text, '\n');
        append_ports(text, hosts, i, end);
        i = end;
    }
}

/* ---- comments
 * --------------------------------------------------------------------------------------------- */

static void append_comments(struct text_buffer *text, const char *title, const struct tally *tally)
{
    if (tally->count == 0) {
        return;
    }
    text_buffer_printf(text, "# %s\n", title);
    for (size_t i = 0; i < tally->count && i < COMMENTS_MOST; i++) {
        const struct tally_row *row = tally->rows[i];

        text_buffer_append_text(text, "#   ");
        text_buffer_append(text, row->key); /* inert: it cannot leave the comment */
        text_buffer_printf(text, ", record %" PRIu64, row->first_seq);
        if (row->numbers[0] > 1) {
            text_buffer_printf(text, " and %" PRIu64 " more", row->numbers[0] - 1);
        }
        text_buffer_append_char(text, '\n');
    }
    if (tally->count > COMMENTS_MOST) {
        text_buffer_printf(text, "#   and %zu more kinds\n", tally->count - COMMENTS_MOST);
    }
}

/* A name that policies may have: lower case, digits, '-' and '_'. */
static void append_name(struct text_buffer *text, const char *run)
{
    text_buffer_append_text(text, "name: \"learned-");
    for (; *run != '\0'; run++) {
        unsigned char byte = (unsigned char)*run;

        text_buffer_append_char(text, isalnum(byte) ? (char)tolower(byte) : '-');
    }
    text_buffer_append_text(text, "\"\n");
}

void policy_text_append(struct text_buffer *text, const struct run_entry *run,
                        struct observations *observations, struct patterns *patterns)
{
    text_buffer_append_text(text, "# Learned from run ");
    inert_text_append(text, str_view_from(run->id), INERT_TERMINAL);
    text_buffer_printf(text, ", records %" PRIu64 " to %" PRIu64 ", under policy ", run->first_seq,
                       run->last_seq);
    inert_text_append(text, str_view_from(run->policy_name), INERT_TERMINAL);
    text_buffer_append_text(text,
                            ".\n# Read it before you use it: what a run did is not always what "
                            "it should do.\n");
    append_comments(text, "Refused in the run, and refused here:", &observations->refused);
    append_comments(
        text, "Permitted in the run, left closed here all the same:", &observations->suspicious);
    append_comments(text, "Permitted in the run; a policy cannot name it:", &observations->foreign);
    text_buffer_append_text(text, "version: 1\n");
    append_name(text, run->id);
    text_buffer_append_text(text, "revision: \"1\"\n");
    if (observations->has_files) {
        append_filesystem(text, patterns);
    }
    if (observations->hosts.count > 0) {
        append_network(text, &observations->hosts);
    }
}
