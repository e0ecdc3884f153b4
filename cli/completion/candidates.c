/*
 * Theory of operation. The program's tables are asked for, one level of verbs at a time, until a
 * command's table answers. Then the words after it are read as option_table.c would read them, and
 * the last one is either an option, an option's argument, an operand, or part of a foreign
 * command. What an argument or operand may be is read from the words that --help shows for it:
 * lower-case alternatives are themselves ("agent|shared"), NAME, FILE, DIR, RUN are looked up.
 */
#include "cli/completion/candidates.h"

#include <ctype.h>
#include <dirent.h>
#include <stdint.h>
#include <string.h>

#include "cli/completion/help_rows.h"
#include "shared/base/cleanup.h"
#include "shared/policy/policy_source.h"

#define VERB_DEPTH_MAX 4

struct question {
    const char *const *words;
    size_t count;
    size_t first; /* index of the first word that is no verb */
    struct str_view rows;
    struct str_view synopsis;
    struct text_buffer *text;
    struct str_view offered_before; /* "--policy=" of "--policy=x" */
    struct str_view typed;
};

static void offer(struct question *question, struct str_view word, struct str_view description)
{
    if (!str_view_starts_with(word, question->typed)) {
        return;
    }
    text_buffer_append(question->text, question->offered_before);
    text_buffer_append(question->text, word);
    if (description.length > 0) {
        text_buffer_append_char(question->text, '\t');
        text_buffer_append(question->text, description);
    }
    text_buffer_append_char(question->text, '\n');
}

static void offer_policies(struct question *question)
{
    struct policy_directories directories = policy_directories_default();

    for (size_t place = 0; place < PLACE_COUNT; place++) {
        AUTO_CLOSEDIR DIR *directory = opendir(directories.path[place]);
        struct dirent *entry;

        while (directory != NULL && (entry = readdir(directory)) != NULL) {
            struct str_view name = str_view_from(entry->d_name);

            if (str_view_ends_with(name, str_view_from(".yaml")) && name.bytes[0] != '.') {
                name.length -= strlen(".yaml");
                offer(question, name, str_view_from("policy"));
            }
        }
    }
}

/* The first word of each line that a listing verb prints. */
static void offer_listed(struct question *question, const char *const *words, size_t count)
{
    AUTO(text_buffer_clear) struct text_buffer listed = {0};
    struct str_view rest;
    struct help_row row;

    if (program_ask(words, count, false, &listed) < 0) {
        return;
    }
    rest = text_buffer_view(&listed);
    while (help_row_next(&rest, &row)) {
        struct str_view word = row.field[0];
        const char *space = word.length == 0 ? NULL : memchr(word.bytes, ' ', word.length);

        if (space != NULL) {
            word.length = (size_t)(space - word.bytes);
        }
        if (word.length > 0) {
            offer(question, word, (struct str_view){0});
        }
    }
}

static bool is_literal(struct str_view word)
{
    for (size_t i = 0; i < word.length; i++) {
        if (!islower((unsigned char)word.bytes[i]) && !isdigit((unsigned char)word.bytes[i]) &&
            strchr("-_:", word.bytes[i]) == NULL) {
            return false;
        }
    }
    return word.length > 0 && word.bytes[0] != '-';
}

/* One alternative of "NAME|FILE", "auto|always|never". */
static void offer_kind(struct question *question, struct str_view kind, bool beside_file)
{
    static const char *const runs[] = {"failcore", "show", "--runs"};
    static const char *const networks[] = {"failcore-netns", "list"};

    if (is_literal(kind)) {
        offer(question, kind, (struct str_view){0});
    } else if (str_view_equals_text(kind, "NAME") && beside_file) {
        offer_policies(question);
    } else if (str_view_equals_text(kind, "NAME") &&
               strcmp(question->words[0], "failcore-netns") == 0) {
        offer_listed(question, networks, 2);
    } else if (str_view_equals_text(kind, "RUN")) {
        offer_listed(question, runs, 3);
    } else if (str_view_equals_text(kind, "DIR") || str_view_equals_text(kind, "SOURCE") ||
               str_view_equals_text(kind, "MOUNTPOINT")) {
        text_buffer_append_text(question->text, ":directories\n");
    } else if (str_view_equals_text(kind, "FILE") || str_view_equals_text(kind, "PATH") ||
               str_view_equals_text(kind, "PUB") || str_view_equals_text(kind, "CHECKPOINT")) {
        text_buffer_append_text(question->text, ":files\n");
    }
}

static void offer_argument(struct question *question, struct str_view argument)
{
    bool beside_file =
        argument.length > 0 && memmem(argument.bytes, argument.length, "FILE", 4) != NULL;
    size_t start = 0;

    for (size_t i = 0; i <= argument.length; i++) {
        if (i == argument.length || argument.bytes[i] == '|') {
            offer_kind(question, (struct str_view){argument.bytes + start, i - start}, beside_file);
            start = i + 1;
        }
    }
}

static bool find_option(const struct question *question, struct str_view name, char short_name,
                        struct help_row *ret_row)
{
    struct str_view rest = question->rows;

    while (help_row_next(&rest, ret_row)) {
        if (!str_view_equals_text(ret_row->field[0], "option")) {
            continue;
        }
        if ((name.length > 0 && str_view_equals(ret_row->field[2], name)) ||
            (short_name != '\0' && ret_row->field[1].length == 1 &&
             ret_row->field[1].bytes[0] == short_name)) {
            return true;
        }
    }
    return false;
}

static void offer_options(struct question *question)
{
    struct str_view rest = question->rows;
    struct help_row row;

    while (help_row_next(&rest, &row)) {
        char word[64] = "--";

        if (str_view_equals_text(row.field[0], "option") && row.field[2].length < 60) {
            memcpy(word + 2, row.field[2].bytes, row.field[2].length);
            offer(question, str_view_from(word), row.field[4]);
        }
    }
}

/* Takes the next word of a synopsis, without brackets and dots. */
static bool synopsis_word(struct str_view *rest, struct str_view *ret_word)
{
    size_t length = 0;

    while (rest->length > 0 && strchr(" []().", rest->bytes[0]) != NULL) {
        rest->bytes++;
        rest->length--;
    }
    while (length < rest->length && strchr(" []().", rest->bytes[length]) == NULL) {
        length++;
    }
    *ret_word = (struct str_view){rest->bytes, length};
    rest->bytes += length;
    rest->length -= length;
    return length > 0;
}

static bool is_option_word(struct str_view word)
{
    return word.bytes[0] == '-' || str_view_starts_with(word, str_view_from("OPTION")) ||
           str_view_equals_text(word, "K=V");
}

/* How many operands come before CMD; SIZE_MAX when there is none. */
static size_t operands_before_command(const struct question *question)
{
    struct str_view rest = question->synopsis;
    struct str_view word;

    for (size_t count = 0; synopsis_word(&rest, &word);) {
        if (str_view_equals_text(word, "CMD")) {
            return count;
        }
        count += !is_option_word(word);
    }
    return SIZE_MAX;
}

/* The operand at this index; a synopsis that is too short repeats its last one. */
static void offer_operand(struct question *question, size_t index)
{
    struct str_view rest = question->synopsis;
    struct str_view word;
    struct str_view found = {0};

    for (size_t count = 0; synopsis_word(&rest, &word);) {
        if (is_option_word(word)) {
            continue;
        }
        found = word;
        if (count++ == index) {
            break;
        }
    }
    offer_argument(question, found);
}

/* The option before the last word when that word is its argument. */
static bool wants_argument(const struct question *question, const char *word,
                           struct help_row *ret_row)
{
    size_t length = strlen(word);
    bool found;

    if (word[0] != '-' || length < 2) {
        return false;
    }
    if (word[1] == '-') {
        found = strchr(word, '=') == NULL &&
                find_option(question, str_view_from(word + 2), '\0', ret_row);
    } else {
        found = find_option(question, (struct str_view){0}, word[length - 1], ret_row);
    }
    return found && ret_row->field[3].length > 0;
}

static void offer_last_word(struct question *question, size_t operands)
{
    const char *last = question->words[question->count - 1];
    const char *equals = strchr(last, '=');
    struct help_row row;

    question->typed = str_view_from(last);
    if (last[0] == '-' && last[1] == '-' && equals != NULL) {
        struct str_view name = {last + 2, (size_t)(equals - last - 2)};

        question->offered_before = (struct str_view){last, name.length + 3};
        question->typed = str_view_from(equals + 1);
        if (find_option(question, name, '\0', &row)) {
            offer_argument(question, row.field[3]);
        }
    } else if (last[0] == '-') {
        offer_options(question);
    } else {
        offer_operand(question, operands);
    }
}

static void answer_command(struct question *question)
{
    size_t before_command = operands_before_command(question);
    size_t operands = 0;
    struct help_row row;

    for (size_t i = question->first; i + 1 < question->count; i++) {
        const char *word = question->words[i];

        if (strcmp(word, "--") == 0 || (word[0] != '-' && operands == before_command)) {
            text_buffer_printf(question->text, ":command %zu\n", i + (word[0] == '-'));
            return;
        }
        if (wants_argument(question, word, &row)) {
            if (i + 2 == question->count) {
                question->typed = str_view_from(question->words[i + 1]);
                offer_argument(question, row.field[3]);
                return;
            }
            i++;
        } else if (word[0] != '-') {
            operands++;
        }
    }
    if (operands == before_command && question->words[question->count - 1][0] != '-') {
        text_buffer_printf(question->text, ":command %zu\n", question->count - 1);
    } else {
        offer_last_word(question, operands);
    }
}

static void offer_verbs(struct question *question)
{
    struct str_view rest = question->rows;
    struct help_row row;

    question->typed = str_view_from(question->words[question->count - 1]);
    while (help_row_next(&rest, &row)) {
        if (str_view_equals_text(row.field[0], "verb")) {
            offer(question, row.field[1], row.field[2]);
        }
    }
    if (question->typed.length > 0) {
        offer(question, str_view_from("--help"), (struct str_view){0});
    }
}

void candidates_append(struct text_buffer *text, const char *const *words, size_t count)
{
    struct question question = {.words = words, .count = count, .first = 1, .text = text};
    AUTO(text_buffer_clear) struct text_buffer table = {0};
    struct help_row row;

    for (; question.first <= VERB_DEPTH_MAX; question.first++) {
        struct str_view rest;

        text_buffer_reset(&table);
        if (program_ask(words, question.first, true, &table) < 0) {
            return;
        }
        question.rows = rest = text_buffer_view(&table);
        if (!help_row_next(&rest, &row)) {
            return;
        }
        if (!str_view_equals_text(row.field[0], "verbs")) {
            question.synopsis = row.field[2];
            answer_command(&question);
            return;
        }
        if (question.first + 1 == count) {
            offer_verbs(&question);
            return;
        }
        if (words[question.first][0] == '-') {
            return;
        }
    }
}
