#include "shared/audit/producer_book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void producer_book_clear(struct producer_book *book)
{
    free(book->next_pseq);
    free(book->is_known);
    free(book->last_mono_ns);
    *book = (struct producer_book){0};
}

static int make_room(struct producer_book *book, size_t wanted)
{
    size_t room = book->room == 0 ? 256 : book->room;
    uint64_t *next;
    bool *known;

    while (room < wanted) {
        room *= 2;
    }
    if (room == book->room) {
        return 0;
    }
    next = realloc(book->next_pseq, room * sizeof(*next));
    if (next == NULL) {
        return -ENOMEM;
    }
    book->next_pseq = next;
    next = realloc(book->last_mono_ns, room * sizeof(*next));
    if (next == NULL) {
        return -ENOMEM;
    }
    book->last_mono_ns = next;
    memset(next + book->room, 0, (room - book->room) * sizeof(*next));
    known = realloc(book->is_known, room * sizeof(*known));
    if (known == NULL) {
        return -ENOMEM;
    }
    book->is_known = known;
    memset(book->is_known + book->room, 0, (room - book->room) * sizeof(*known));
    book->room = room;
    return 0;
}

int producer_book_set(struct producer_book *book, uint64_t producer, uint64_t next_pseq)
{
    if (producer >= PRODUCER_BOOK_MAX) {
        return -EFBIG;
    }
    if (producer >= book->room && make_room(book, (size_t)producer + 1) < 0) {
        return -ENOMEM;
    }
    if (producer >= book->count) {
        book->count = (size_t)producer + 1;
    }
    book->next_pseq[producer] = next_pseq;
    book->is_known[producer] = true;
    return 0;
}

bool producer_book_find(const struct producer_book *book, uint64_t producer, uint64_t *ret_next)
{
    if (producer >= book->count || !book->is_known[producer]) {
        return false;
    }
    *ret_next = book->next_pseq[producer];
    return true;
}

static bool take_number(struct str_view *rest, uint64_t *ret_number)
{
    size_t digits = 0;
    uint64_t number = 0;

    while (digits < rest->length && rest->bytes[digits] >= '0' && rest->bytes[digits] <= '9' &&
           digits < 20) {
        number = number * 10 + (uint64_t)(rest->bytes[digits] - '0');
        digits++;
    }
    rest->bytes += digits;
    rest->length -= digits;
    *ret_number = number;
    return digits > 0;
}

static bool take_char(struct str_view *rest, char wanted)
{
    if (rest->length == 0 || rest->bytes[0] != wanted) {
        return false;
    }
    rest->bytes++;
    rest->length--;
    return true;
}

/* [[producer,next pseq],...] */
static int check_ledger(struct producer_book *book, struct str_view rest, bool learn,
                        const char **why)
{
    if (!take_char(&rest, '[')) {
        *why = "a LEDGER without its producers";
        return -EBADMSG;
    }
    while (!take_char(&rest, ']')) {
        uint64_t producer;
        uint64_t said;
        uint64_t known = 0;

        if (!take_char(&rest, '[') || !take_number(&rest, &producer) || !take_char(&rest, ',') ||
            !take_number(&rest, &said) || !take_char(&rest, ']')) {
            *why = "a LEDGER that cannot be read";
            return -EBADMSG;
        }
        take_char(&rest, ',');
        if (!producer_book_find(book, producer, &known) && learn) {
            known = said;
        }
        if (known != said) {
            *why = "the ledger does not balance: events of a producer are missing";
            return -EBADMSG;
        }
        if (producer_book_set(book, producer, said) < 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

int producer_book_add(struct producer_book *book, const struct segment_line *line, bool learn,
                      const char **reterr_why)
{
    uint64_t next = 0;

    if (!producer_book_find(book, line->producer, &next) && learn) {
        next = line->pseq;
    }
    if (line->pseq != next) {
        *reterr_why = "pseq is not the next one of its producer: events are missing or doubled";
        return -EBADMSG;
    }
    if (__builtin_add_overflow(next, line->count, &next) ||
        producer_book_set(book, line->producer, next) < 0) {
        *reterr_why = "more producers or events than a log can have";
        return -EBADMSG;
    }
    if (line->mono_ns < book->last_mono_ns[line->producer]) {
        *reterr_why = "mono went back within a producer";
        return -EBADMSG;
    }
    book->last_mono_ns[line->producer] = line->mono_ns;
    if (line->kind != AUDIT_KIND_LEDGER) {
        return 0;
    }
    return check_ledger(book, segment_line_member(line, "call", "producers"), learn, reterr_why);
}
