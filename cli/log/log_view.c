#include "cli/log/log_view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/audit/directory.h"
#include "shared/audit/run_index_store.h"
#include "shared/base/cleanup.h"

static bool names_file(const char *word)
{
    struct str_view view = str_view_from(word);

    return word != NULL &&
           (strchr(word, '/') != NULL || str_view_ends_with(view, STR_VIEW_LITERAL(".jsonl")) ||
            str_view_ends_with(view, STR_VIEW_LITERAL(".jsonl.zst")));
}

static int choose_run(struct log_view *view, const char *run, struct failure *reterr)
{
    view->run = run_index_find(&view->index, run);
    if (view->run != NULL || (run == NULL && view->index.count == 0)) {
        return 0;
    }
    failure_set(reterr, -ENOENT, "no run, or more than one, is called %s", run);
    failure_set_needed(reterr, "%s", view->path);
    failure_set_mend(reterr, "failcore show --runs");
    return -ENOENT;
}

#define STORE_AFTER 4096U /* records that are read again in no time */

static int read_index(struct log_view *view, bool keep, struct failure *reterr)
{
    uint64_t stored = 0;
    uint64_t first = 0;
    int error = run_index_load(&view->index, view->path, view->lines, &stored, reterr);

    if (error == 0 && keep && view->index.next_seq > 0) {
        first = view->index.count == 0 ? 0 : view->index.runs[0].first_seq;
        if (view->index.next_seq - first > stored + STORE_AFTER) {
            (void)run_index_store(&view->index, view->path, view->lines);
        }
    }
    return error;
}

static int open_view(struct log_view *view, const char *audit, const char *run, bool keep,
                     struct failure *reterr)
{
    int error;

    *view = (struct log_view){0};
    if (names_file(run)) {
        audit = run;
        run = NULL;
    }
    if (audit == NULL) {
        error = audit_directory_default(view->path, reterr);
        if (error < 0) {
            return error;
        }
    } else {
        snprintf(view->path, sizeof(view->path), "%s", audit);
    }
    error = log_lines_open(view->path, &view->lines, reterr);
    if (error == 0) {
        error = read_index(view, keep, reterr);
    }
    return error < 0 ? error : choose_run(view, run, reterr);
}

int log_view_open(struct log_view *view, const char *audit, const char *run, struct failure *reterr)
{
    return open_view(view, audit, run, false, reterr);
}

int log_view_open_keeping(struct log_view *view, const char *audit, const char *run,
                          struct failure *reterr)
{
    return open_view(view, audit, run, true, reterr);
}

void log_view_close(struct log_view *view)
{
    log_lines_release(&view->lines);
    view->lines = NULL;
    run_index_clear(&view->index);
}

int log_view_rewind(struct log_view *view, struct failure *reterr)
{
    return log_lines_seek(view->lines, view->run == NULL ? 0 : view->run->first_seq, reterr);
}

int log_view_next(struct log_view *view, struct audit_record *ret_record, struct failure *reterr)
{
    struct str_view line;
    int got = 0;

    while (view->run != NULL && (got = log_lines_next(view->lines, &line, reterr)) > 0) {
        uint64_t seq = 0;

        if (log_line_seq(line, &seq) && seq < view->run->first_seq) {
            continue;
        }
        if (audit_record_read(line, ret_record, NULL) < 0) {
            continue; /* counted in the index */
        }
        if (ret_record->seq > view->run->last_seq) {
            return 0;
        }
        if (ret_record->seq >= view->run->first_seq &&
            json_text_equals(ret_record->run, str_view_from(view->run->id))) {
            return 1;
        }
    }
    return got;
}

int log_view_find(struct log_view *view, uint64_t seq, struct audit_record *ret_record,
                  struct failure *reterr)
{
    struct str_view line;
    int got = log_lines_find(view->lines, seq, &line, reterr);

    if (got > 0 && audit_record_read(line, ret_record, NULL) == 0) {
        return 0;
    }
    if (got < 0) {
        return got;
    }
    failure_set(reterr, -ENOENT, "the log has no record %" PRIu64, seq);
    failure_set_needed(reterr, "%s", view->path);
    failure_set_mend(reterr, "failcore show");
    return -ENOENT;
}
