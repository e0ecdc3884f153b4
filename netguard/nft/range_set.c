#include "netguard/nft/range_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/cleanup.h"
#include "shared/policy/address_ranges.h"

static int compare_v4(const void *a, const void *b)
{
    const struct address_span *left = a, *right = b;

    return memcmp(left->first, right->first, 4);
}

static int compare_v6(const void *a, const void *b)
{
    const struct address_span *left = a, *right = b;

    return memcmp(left->first, right->first, 16);
}

/* The address after this one; false after the last. */
static bool step(uint8_t *address, size_t length)
{
    for (size_t i = length; i-- > 0;) {
        address[i]++;
        if (address[i] != 0) {
            return true;
        }
    }
    return false;
}

size_t address_spans_unite(struct address_span *spans, size_t count, size_t length)
{
    size_t kept = 0;

    qsort(spans, count, sizeof(*spans), length == 4 ? compare_v4 : compare_v6);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0) {
            struct address_span *before = &spans[kept - 1];
            uint8_t next[16];
            bool at_end;

            memcpy(next, before->last, sizeof(next));
            at_end = !step(next, length);
            if (at_end || memcmp(spans[i].first, next, length) <= 0) {
                if (memcmp(spans[i].last, before->last, length) > 0) {
                    memcpy(before->last, spans[i].last, sizeof(before->last));
                }
                continue;
            }
        }
        spans[kept++] = spans[i];
    }
    return kept;
}

static struct address_span span_of(const struct ip_prefix *prefix)
{
    struct address_span span = {0};
    unsigned int bits = ip_family_bits(prefix->address.family);

    memcpy(span.first, prefix->address.bytes, sizeof(span.first));
    memcpy(span.last, prefix->address.bytes, sizeof(span.last));
    for (unsigned int bit = prefix->length; bit < bits; bit++) {
        span.last[bit / 8] |= (uint8_t)(0x80U >> (bit % 8));
    }
    return span;
}

static void put_spans(struct nft_batch *batch, const char *set, struct address_span *spans,
                      size_t count, size_t length)
{
    size_t united = address_spans_unite(spans, count, length);

    for (size_t i = 0; i < united; i++) {
        uint8_t end[16];
        bool bounded;

        memcpy(end, spans[i].last, sizeof(end));
        bounded = step(end, length);
        nft_set_put_interval(batch, set, spans[i].first, bounded ? end : NULL, length);
    }
}

static void put_family(struct nft_batch *batch, const char *set, enum ip_family family,
                       const struct ip_prefix *prefixes, size_t count)
{
    AUTO_FREE struct address_span *spans = calloc(count + 1, sizeof(*spans));
    size_t used = 0;

    if (spans == NULL) {
        batch->error = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (prefixes[i].address.family == family) {
            spans[used++] = span_of(&prefixes[i]);
        }
    }
    put_spans(batch, set, spans, used, family == IP_V4 ? 4 : 16);
}

void range_set_put_prefixes(struct nft_batch *batch, const char *set4, const char *set6,
                            const struct ip_prefix *prefixes, size_t count)
{
    put_family(batch, set4, IP_V4, prefixes, count);
    put_family(batch, set6, IP_V6, prefixes, count);
}

void range_set_put_denied(struct nft_batch *batch, const char *set4, const char *set6)
{
    /* Global unicast is 2000::/3 (RFC 4291 section 2.4); nobody serves the public elsewhere. */
    static const struct ip_prefix not_global[] = {
        {.address = {.family = IP_V6, .bytes = {0x00}}, .length = 3},
        {.address = {.family = IP_V6, .bytes = {0x40}}, .length = 2},
        {.address = {.family = IP_V6, .bytes = {0x80}}, .length = 1},
    };
    size_t count, extra = sizeof(not_global) / sizeof(not_global[0]);
    const struct address_range *ranges = address_ranges(&count);
    AUTO_FREE struct ip_prefix *prefixes = calloc(count + extra, sizeof(*prefixes));

    if (prefixes == NULL) {
        batch->error = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        prefixes[i] = ranges[i].prefix;
    }
    memcpy(prefixes + count, not_global, sizeof(not_global));
    range_set_put_prefixes(batch, set4, set6, prefixes, count + extra);
}
