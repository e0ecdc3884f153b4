/*
 * What vouches for a report: the log's own verification up to the run's last record, and the first
 * signed head that covers it. Later records change neither.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/report/html.h"
#include "cli/report/sections.h"
#include "shared/audit/checkpoint.h"
#include "shared/audit/signed_head.h"
#include "shared/audit/verify.h"
#include "shared/base/cleanup.h"

/* One member of a line of checkpoints.jsonl. */
static bool member_of(struct str_view line, const char *name, struct str_view *ret_value)
{
    struct json_scan scan = json_scan_init(line);

    return json_scan_char(&scan, '{') && json_scan_member(&scan, name, ret_value);
}

/* A signature costs a thousand times what a line does, and a log has a line for each second. */
static bool may_cover(struct str_view line, uint64_t seq)
{
    struct str_view raw;
    struct json_scan scan;
    uint64_t size;

    if (!member_of(line, "size", &raw)) {
        return false;
    }
    scan = json_scan_init(raw);
    return json_scan_count(&scan, &size) && size > seq;
}

static bool open_head(struct str_view line, const struct note_key *key, struct checkpoint *ret_head)
{
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    struct str_view raw;
    struct json_scan scan;
    struct json_text text;

    if (!member_of(line, "note", &raw)) {
        return false;
    }
    scan = json_scan_init(raw);
    if (!json_scan_string(&scan, &text)) {
        return false;
    }
    json_text_append(&note, text);
    return checkpoint_open(text_buffer_view(&note), key, ret_head) == 0;
}

bool report_signed_head(const char *directory, uint64_t last_seq, struct note_key *ret_key,
                        struct checkpoint *ret_head)
{
    AUTO(log_lines_release) struct log_lines *lines = NULL;
    AUTO(text_buffer_clear) struct text_buffer path = {0};
    AUTO_CLOSE int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct sha256 *sha = sha256_new();
    struct failure ignored = {0};
    struct str_view line;
    bool found = false;

    text_buffer_printf(&path, "%s/checkpoints.jsonl", directory);
    if (fd >= 0 && sha != NULL && audit_key_read(fd, NULL, sha, ret_key, &ignored) == 0 &&
        log_lines_open(text_buffer_text(&path), &lines, &ignored) == 0) {
        while (!found && log_lines_next(lines, &line, &ignored) > 0) {
            found = may_cover(line, last_seq) && open_head(line, ret_key, ret_head) &&
                    ret_head->size > last_seq;
        }
    }
    sha256_free(sha);
    return found;
}

static void append_signature(struct text_buffer *html, const struct report_model *model,
                             const char *path)
{
    AUTO(text_buffer_clear) struct text_buffer vkey = {0};
    struct checkpoint head;
    struct note_key key;
    char root[SHA256_HEX_SIZE];

    if (!report_signed_head(path, model->run->last_seq, &key, &head)) {
        text_buffer_append_text(html, "<p>No signed checkpoint covers this run yet.</p>\n");
        return;
    }
    hex_encode(head.root, sizeof(head.root), root);
    note_key_append(&vkey, &key);
    text_buffer_printf(html,
                       "<p><span class=\"tag good\">SIGNED</span> The first checkpoint that covers "
                       "it has %" PRIu64 " records and the root <code>%s</code>, signed by the key "
                       "<code>",
                       head.size, root);
    html_text(html, (struct str_view){vkey.bytes, strcspn(text_buffer_text(&vkey), "\n")},
              HTML_COLUMNS_MOST);
    text_buffer_append_text(html, "</code>. A key says whose log this is only to those who kept it "
                                  "elsewhere: compare it.</p>\n");
}

int section_footer(struct text_buffer *html, const struct report_model *model,
                   const struct log_view *view, struct failure *reterr)
{
    struct audit_verdict verdict;
    const struct audit_verify_options verify = {.path = view->path};
    int error = audit_verify(&verify, &verdict, reterr);

    if (error < 0) {
        return error;
    }
    text_buffer_append_text(html, "<footer><h2>What vouches for this</h2>\n<p>");
    /* Said of the records up to the run's last one only: later ones do not change this report. */
    if (verdict.intact || verdict.bad_seq > model->run->last_seq) {
        text_buffer_printf(
            html,
            "<span class=\"tag good\">INTACT</span> Every record of the log up to this "
            "run's last one, %" PRIu64 ", is there, unchanged and in its order.",
            model->run->last_seq);
    } else {
        text_buffer_printf(html,
                           "<span class=\"tag bad\">TAMPERED</span> <b>Record %" PRIu64
                           " of the log is "
                           "wrong: ",
                           verdict.bad_seq);
        html_text(html, str_view_from(verdict.why), HTML_COLUMNS_MOST);
        text_buffer_append_text(html, ". Nothing from there on is to be relied on.</b>");
    }
    text_buffer_append_text(html, "</p>\n");
    append_signature(html, model, view->path);
    text_buffer_append_text(
        html, "<p>This page is a function of the log alone: <code>failcore audit report "
              "RUN</code> makes it again, byte for byte. To check the log itself: "
              "<code>failcore audit verify</code>.</p>\n</footer>\n");
    return 0;
}
