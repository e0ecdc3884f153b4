/*
 * Whatever the bytes: a line that the segment reader accepts hashes to what it says, its chain
 * goes on only with its own hash, and the strict record reader's grammar is no looser.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/audit/producer_book.h"
#include "shared/audit/record_line.h"
#include "shared/audit/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void want(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
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
            continue;
        }
        want(record_line_hash(text, sha, hash) == 0 && memcmp(hash, line.hash, sizeof(hash)) == 0);
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
