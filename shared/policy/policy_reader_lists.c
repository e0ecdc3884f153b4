/* The lists `breaker` and `tests` of a policy file. */
#include <errno.h>

#include "shared/policy/path_pattern.h"
#include "shared/policy/policy_reader_parts.h"

static int read_exceptions(struct reader *reader, const struct value_context *context,
                           struct breaker_rule *breaker, const struct node *value)
{
    int error = value_expect(context, value, NODE_LIST);

    if (error < 0) {
        return error;
    }
    reader->patterns += value->count;
    if (value->count == 0 || reader->patterns > POLICY_PATTERNS_MAX) {
        return document_refuse(reader->source, value, reader->reterr,
                               "leave it out, or name some paths",
                               value->count == 0 ? "except: an empty list"
                                                 : "except: too many patterns in one policy");
    }
    breaker->except = arena_alloc_array(reader->arena, value->count, sizeof(*breaker->except));
    if (breaker->except == NULL) {
        return -ENOMEM;
    }
    for (const struct node *item = value->first; error == 0 && item != NULL; item = item->next) {
        struct str_view *slot = &breaker->except[breaker->except_count];

        error = value_path_pattern(context, item, slot);
        if (error == 0) {
            *slot = path_pattern_trim(*slot);
            breaker->except_count++;
        }
    }
    return error;
}

/* Only what is done to files has a path. */
static int check_exceptions(struct reader *reader, const struct breaker_rule *breaker,
                            const struct node *item)
{
    if (breaker->except_count == 0 || breaker->event == BREAKER_DELETE ||
        breaker->event == BREAKER_OVERWRITE || breaker->event == BREAKER_RENAME) {
        return 0;
    }
    return document_refuse(reader->source, item, reader->reterr,
                           "leave it out: it belongs to delete, overwrite and rename",
                           "except: \"%s\" has no paths", breaker_event_words[breaker->event]);
}

static int read_share(struct reader *reader, const struct value_context *context,
                      struct breaker_rule *breaker, const struct node *value)
{
    int error = value_quantity(context, value, QUANTITY_PERCENT, &breaker->share);

    if (error < 0 || (breaker->share > 0 && breaker->share < 100)) {
        return error;
    }
    return document_refuse(reader->source, value, reader->reterr, "write share: 50%",
                           "share: a part is more than 0%% and less than 100%%");
}

static int check_share(struct reader *reader, const struct breaker_rule *breaker,
                       const struct node *item)
{
    if (breaker->share == 0 || breaker->event == BREAKER_DELETE) {
        return 0;
    }
    return document_refuse(reader->source, item, reader->reterr,
                           "leave it out: it belongs to delete", "share: \"%s\" takes nothing away",
                           breaker_event_words[breaker->event]);
}

static int store_breaker(struct reader *reader, void *target, const struct key *key,
                         const struct node *value)
{
    struct value_context context = reader_context(reader, key);
    struct breaker_rule *breaker = target;
    size_t word = 0;
    int error;

    if (key->target == KEY_EXCEPT) {
        return read_exceptions(reader, &context, breaker, value);
    }
    if (key->target == KEY_SHARE) {
        return read_share(reader, &context, breaker, value);
    }
    if (key->target == KEY_COUNT) {
        return value_quantity(&context, value, QUANTITY_SIZE, &breaker->count);
    }
    if (key->target == KEY_WITHIN) {
        return value_quantity(&context, value, QUANTITY_DURATION, &breaker->within_ms);
    }
    error = value_word(&context, value, key->words, key->word_count, &word);
    if (error == 0 && key->target == KEY_EVENT) {
        breaker->event = (enum breaker_event)word;
    } else if (error == 0) {
        breaker->action = (enum breaker_action)word;
    }
    return error;
}

int reader_read_breakers(struct reader *reader, const struct key *key, const struct node *value)
{
    struct value_context context = reader_context(reader, key);
    int error = value_expect(&context, value, NODE_LIST);

    for (const struct node *item = value->first; error == 0 && item != NULL; item = item->next) {
        struct breaker_rule *breaker = model_add_breaker(reader->model, reader->arena);

        if (breaker == NULL) {
            return -ENOMEM;
        }
        *breaker = (struct breaker_rule){.origin = reader_origin(reader, item)};
        error = reader_read_map(reader, key->shape, item, store_breaker, breaker);
        error = error < 0 ? error : check_exceptions(reader, breaker, item);
        error = error < 0 ? error : check_share(reader, breaker, item);
    }
    return error;
}

static int read_fs_case(struct reader *reader, const struct value_context *context,
                        struct policy_test *test, const struct node *value)
{
    size_t word = 0;
    int error = value_expect(context, value, NODE_LIST);

    if (error < 0) {
        return error;
    }
    if (value->count != 2) {
        return document_refuse(reader->source, value, reader->reterr,
                               "write fs: [read, src/main.c]", "fs: a case has two members");
    }
    error = value_word(context, value->first, operation_words, FS_LOOKUP, &word);
    if (error < 0) {
        return error;
    }
    test->operation = str_view_from(operation_words[word]);
    return value_text(context, value->first->next, &test->subject);
}

static int store_test(struct reader *reader, void *target, const struct key *key,
                      const struct node *value)
{
    struct value_context context = reader_context(reader, key);
    struct policy_test *test = target;
    size_t word = 0;
    int error;

    if (key->target == KEY_EXPECT) {
        error = value_word(&context, value, key->words, key->word_count, &word);
        test->expect_allow = error == 0 && word == 0;
        return error;
    }
    if (key->target == KEY_RULE) {
        return value_text(&context, value, &test->rule);
    }
    if (test->subject.bytes != NULL) {
        return document_refuse(reader->source, value, reader->reterr,
                               "write one test for each question", "a test with two questions");
    }
    test->section = key->target == KEY_FS    ? SECTION_FILESYSTEM
                    : key->target == KEY_NET ? SECTION_NETWORK
                                             : SECTION_PROCESS;
    if (key->target == KEY_FS) {
        return read_fs_case(reader, &context, test, value);
    }
    error = value_text(&context, value, &test->subject);
    return error < 0 || key->target == KEY_NET
               ? error
               : reader_check_absolute(&context, value, test->subject);
}

int reader_read_tests(struct reader *reader, const struct key *key, const struct node *value)
{
    struct value_context context = reader_context(reader, key);
    int error = value_expect(&context, value, NODE_LIST);

    for (const struct node *item = value->first; error == 0 && item != NULL; item = item->next) {
        struct policy_test *test = model_add_test(reader->model, reader->arena);

        if (test == NULL) {
            return -ENOMEM;
        }
        *test = (struct policy_test){.origin = reader_origin(reader, item)};
        error = reader_read_map(reader, key->shape, item, store_test, test);
        if (error == 0 && test->subject.bytes == NULL) {
            return document_refuse(reader->source, item, reader->reterr,
                                   "add fs: [operation, path], net: host:port or exec: path",
                                   "a test without a question");
        }
    }
    return error;
}
