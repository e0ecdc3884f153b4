/*
 * Whatever the bytes: a line that the segment reader accepts hashes to what it says, its chain
 * goes on only with its own hash, and the strict record reader's grammar is no looser. What is
 * judged behind another line, with a hash that was made beside another's, is judged as alone.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/audit/producer_book.h"
#include "shared/audit/record_hash.h"
#include "shared/audit/record_line.h"
#include "shared/audit/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void want(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The line before may be any that was accepted: `sight` has it. */
static void judge_again(struct str_view text, struct sha256 *sha, struct segment_sight *sight,
                        const struct segment_line *alone)
{
    const struct str_view pair[2] = {STR_VIEW_LITERAL("{}"), text};
    uint8_t hash[2][SHA256_SIZE];
    struct segment_line line;
    const char *why;

    want(record_hash_two(pair, sha, hash) == 0);
    want((segment_line_judge(text, hash[1], sight, &line, &why) == 0) == (alone != NULL));
    if (alone != NULL) {
        want(line.seq == alone->seq && line.producer == alone->producer &&
             line.pseq == alone->pseq && line.count == alone->count &&
             line.mono_ns == alone->mono_ns && line.kind == alone->kind);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct segment_sight sight = {0};
    struct sha256 *sha = sha256_new();
    struct str_view rest = {.bytes = (const char *)bytes, .length = length};
    struct producer_book book = {0};
    struct segment_chain chain = {0};
    struct str_view text;

    while (segment_take_line(&rest, &text)) {
        struct segment_line line;
        uint8_t hash[SHA256_SIZE];
        const char *why = NULL;
        uint64_t before = chain.next_seq;

        if (segment_line_read(text, sha, &line, &why) < 0) {
            want(why != NULL);
            judge_again(text, sha, &sight, NULL);
            continue;
        }
        judge_again(text, sha, &sight, &line);
        want(record_hash(text, sha, hash) == 0 && memcmp(hash, line.hash, sizeof(hash)) == 0);
        want(line.count >= 1 && text.length < RECORD_LINE_MAX);
        if (segment_chain_add(&chain, &line, &why) == 0) {
            want(chain.next_seq == before + 1 && line.seq == before);
            want(memcmp(chain.previous, line.hash, SHA256_SIZE) == 0);
        }
        if (line.producer < 1024) { /* the array of the book grows to the number */
            (void)producer_book_add(&book, &line, length % 2 == 0, &why);
        }
        (void)segment_line_member(&line, "call", "to");
    }
    want(memchr(rest.bytes, '\n', rest.length) == NULL || rest.length == 0);
    producer_book_clear(&book);
    sha256_free(sha);
    return 0;
}
