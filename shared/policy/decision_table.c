#include "shared/policy/decision_table.h"

#include <errno.h>

#include "shared/policy/model.h"

#define ROW_WORDS_MAX 8

struct row_words {
    struct str_view words[ROW_WORDS_MAX];
    size_t count;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Words between blanks; "…" keeps blanks. False when a row has too many or a quote stays open. */
static bool split(struct str_view line, struct row_words *ret_row)
{
    size_t at = 0;

    ret_row->count = 0;
    while (at < line.length) {
        size_t from;

        if (is_blank(line.bytes[at])) {
            at++;
            continue;
        }
        if (line.bytes[at] == '#') {
            return true;
        }
        if (ret_row->count == ROW_WORDS_MAX) {
            return false;
        }
        if (line.bytes[at] == '"') {
            const char *end = memchr(line.bytes + at + 1, '"', line.length - at - 1);

            if (end == NULL) {
                return false;
            }
            from = at + 1;
            at = (size_t)(end - line.bytes);
            ret_row->words[ret_row->count++] =
                (struct str_view){.bytes = line.bytes + from, .length = at - from};
            at++;
            continue;
        }
        from = at;
        while (at < line.length && !is_blank(line.bytes[at])) {
            at++;
        }
        ret_row->words[ret_row->count++] =
            (struct str_view){.bytes = line.bytes + from, .length = at - from};
    }
    return true;
}

static int refuse(const struct document_source *source, size_t line, struct failure *reterr,
                  const char *what)
{
    failure_set(reterr, -EINVAL, "%s", what);
    failure_set_needed(reterr, "%s:%zu:1", source->file, line);
    failure_set_mend(reterr, "write: fs OP PATH -> allow|deny|hide|log [RULE [CODE]]");
    return -EINVAL;
}

static int parse_row(const struct row_words *row, struct expectation *expectation,
                     const struct document_source *source, size_t line, struct failure *reterr)
{
    bool fs = str_view_equals_text(row->words[0], "fs");
    size_t arrow = fs ? 3 : 2;
    size_t verdict;
    int error;

    if (row->count < arrow + 2 || row->count > arrow + 4 ||
        !str_view_equals_text(row->words[arrow], "->")) {
        return refuse(source, line, reterr, "this is no row of a decision table");
    }
    error = question_parse(row->words[0], fs ? row->words[1] : (struct str_view){0},
                           row->words[arrow - 1], &expectation->question, reterr);
    if (error < 0) {
        failure_set_needed(reterr, "%s:%zu:1", source->file, line);
        return error;
    }
    for (verdict = 0; verdict < 4; verdict++) {
        if (str_view_equals_text(row->words[arrow + 1], verdict_words[verdict])) {
            break;
        }
    }
    if (verdict == 4) {
        return refuse(source, line, reterr, "the answer is neither allow, deny, hide nor log");
    }
    expectation->verdict = (enum verdict)verdict;
    expectation->line = line;
    expectation->rule = row->count > arrow + 2 ? row->words[arrow + 2] : (struct str_view){0};
    expectation->code = row->count > arrow + 3 ? row->words[arrow + 3] : (struct str_view){0};
    return 0;
}

int decision_table_parse(struct str_view text, const struct document_source *source,
                         struct arena *arena, struct expectation **ret_rows, size_t *ret_count,
                         struct failure *reterr)
{
    struct expectation *rows = NULL;
    size_t count = 0;
    size_t capacity = 0;
    size_t line = 0;

    for (size_t from = 0; from < text.length;) {
        const char *end = memchr(text.bytes + from, '\n', text.length - from);
        size_t to = end == NULL ? text.length : (size_t)(end - text.bytes);
        struct row_words row;
        struct expectation *grown;
        int error;

        line++;
        if (!split((struct str_view){.bytes = text.bytes + from, .length = to - from}, &row)) {
            return refuse(source, line, reterr, "too many words, or a quote that stays open");
        }
        from = to + 1;
        if (row.count == 0) {
            continue;
        }
        grown = arena_grow(arena, rows, count, &capacity, sizeof(*rows));
        if (grown == NULL) {
            return -ENOMEM;
        }
        rows = grown;
        rows[count] = (struct expectation){0};
        error = parse_row(&row, &rows[count], source, line, reterr);
        if (error < 0) {
            return error;
        }
        count++;
    }
    *ret_rows = rows;
    *ret_count = count;
    return 0;
}

bool expectation_holds(const struct policy *policy, const struct expectation *expectation,
                       struct answer *ret_answer)
{
    struct decision decision;
    bool verdict_holds;

    *ret_answer = policy_answer(policy, &expectation->question);
    decision = ret_answer->decision;
    verdict_holds = expectation->any_refusal
                        ? decision_permits(decision) == (expectation->verdict == VERDICT_ALLOW)
                        : decision.verdict == expectation->verdict;
    return verdict_holds &&
           (expectation->rule.bytes == NULL ||
            str_view_equals(expectation->rule, policy_rule_id(policy, decision.rule))) &&
           (expectation->code.bytes == NULL ||
            str_view_equals_text(expectation->code, denial_code_word(decision.code)));
}
