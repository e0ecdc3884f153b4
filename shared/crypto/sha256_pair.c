/*
 * A text is cut into its first block (the byte that is not in memory before it), blocks that are
 * read where they lie, and one or two blocks for what is left, the ending, the padding and the
 * length (FIPS 180-4, 5.1.1). As long as both texts have a block, both are compressed together.
 */
#include "shared/crypto/sha256_pair.h"

#include <errno.h>
#include <string.h>

#define BLOCK 64U

static int one_by_one(struct sha256 *sha, const struct sha256_text text[static 2],
                      uint8_t ret_digest[static 2][SHA256_SIZE])
{
    for (unsigned int i = 0; i < 2; i++) {
        if (sha256_begin(sha) < 0 || sha256_add(sha, &text[i].first, 1) < 0 ||
            sha256_add(sha, text[i].bytes, text[i].length) < 0 ||
            sha256_add(sha, text[i].ending, text[i].ending_length) < 0 ||
            sha256_end(sha, ret_digest[i]) < 0) {
            return -EIO;
        }
    }
    return 0;
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))
#define INLINE   __attribute__((always_inline)) inline

/* Each round's constant (FIPS 180-4, 4.2.2). */
static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* The state as the instructions want it: words a b e f, and c d g h (5.3.3). */
struct lane {
    __m128i abef;
    __m128i cdgh;
};

struct blocks {
    uint8_t begin[BLOCK];
    uint8_t end[2 * BLOCK];
    const uint8_t *middle;
    size_t begin_count; /* 0: the text is so short that `end` holds all of it */
    size_t middle_count;
    size_t count;
};

bool sha256_processor_pairs(void)
{
    unsigned int a;
    unsigned int b;
    unsigned int c;
    unsigned int d;

    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSSE3) == 0 || (c & bit_SSE4_1) == 0) {
        return false;
    }
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

static void cut(const struct sha256_text *text, struct blocks *blocks)
{
    const uint8_t *bytes = text->bytes;
    size_t left = text->length;
    uint64_t bits = (uint64_t)(1 + text->length + text->ending_length) * 8;
    size_t at = 0;
    size_t end_size;

    blocks->begin_count = blocks->middle_count = 0;
    if (left >= BLOCK - 1) {
        blocks->begin[0] = text->first;
        memcpy(blocks->begin + 1, bytes, BLOCK - 1);
        blocks->begin_count = 1;
        blocks->middle = bytes + BLOCK - 1;
        left -= BLOCK - 1;
        blocks->middle_count = left / BLOCK;
        bytes = blocks->middle + blocks->middle_count * BLOCK;
        left %= BLOCK;
    } else {
        blocks->end[at++] = text->first;
    }
    memset(blocks->end + at, 0, sizeof(blocks->end) - at);
    if (left > 0) {
        memcpy(blocks->end + at, bytes, left);
    }
    at += left;
    if (text->ending_length > 0) {
        memcpy(blocks->end + at, text->ending, text->ending_length);
    }
    at += text->ending_length;
    blocks->end[at++] = 0x80;
    end_size = at + sizeof(bits) > BLOCK ? 2 * BLOCK : BLOCK;
    for (unsigned int i = 0; i < sizeof(bits); i++) {
        blocks->end[end_size - 1 - i] = (uint8_t)(bits >> (8 * i));
    }
    blocks->count = blocks->begin_count + blocks->middle_count + end_size / BLOCK;
}

static const uint8_t *block_at(const struct blocks *blocks, size_t at)
{
    if (at < blocks->begin_count) {
        return blocks->begin;
    }
    at -= blocks->begin_count;
    return at < blocks->middle_count ? blocks->middle + at * BLOCK
                                     : blocks->end + (at - blocks->middle_count) * BLOCK;
}

/* Four rounds. */
WITH_SHA static INLINE void rounds(struct lane *lane, __m128i words, unsigned int group)
{
    const __m128i *constants = (const __m128i *)(const void *)round_constants;
    __m128i sum = _mm_add_epi32(words, _mm_load_si128(constants + group));

    lane->cdgh = _mm_sha256rnds2_epu32(lane->cdgh, lane->abef, sum);
    lane->abef = _mm_sha256rnds2_epu32(lane->abef, lane->cdgh, _mm_shuffle_epi32(sum, 0x0E));
}

/* The next four words of the message schedule (6.2.2), in the place of those 16 before. */
WITH_SHA static INLINE void extend(__m128i words[static 4], unsigned int group)
{
    __m128i *oldest = &words[group % 4];
    __m128i last = words[(group + 3) % 4];
    __m128i middle = _mm_alignr_epi8(last, words[(group + 2) % 4], 4);

    *oldest = _mm_sha256msg2_epu32(
        _mm_add_epi32(_mm_sha256msg1_epu32(*oldest, words[(group + 1) % 4]), middle), last);
}

WITH_SHA static INLINE void load(__m128i words[static 4], const uint8_t *block)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

    for (unsigned int i = 0; i < 4; i++) {
        words[i] = _mm_shuffle_epi8(
            _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * (size_t)i)), big_endian);
    }
}

WITH_SHA static INLINE void add(struct lane *lane, const struct lane *before)
{
    lane->abef = _mm_add_epi32(lane->abef, before->abef);
    lane->cdgh = _mm_add_epi32(lane->cdgh, before->cdgh);
}

WITH_SHA static void compress_two(struct lane lane[static 2], const uint8_t *first,
                                  const uint8_t *second)
{
    struct lane a = lane[0];
    struct lane b = lane[1];
    __m128i a_words[4];
    __m128i b_words[4];

    load(a_words, first);
    load(b_words, second);
#pragma GCC unroll 16
    for (unsigned int group = 0; group < 16; group++) {
        if (group >= 4) {
            extend(a_words, group);
            extend(b_words, group);
        }
        rounds(&a, a_words[group % 4], group);
        rounds(&b, b_words[group % 4], group);
    }
    add(&lane[0], &a);
    add(&lane[1], &b);
}

WITH_SHA static void compress_one(struct lane *lane, const uint8_t *block)
{
    struct lane a = *lane;
    __m128i words[4];

    load(words, block);
#pragma GCC unroll 16
    for (unsigned int group = 0; group < 16; group++) {
        if (group >= 4) {
            extend(words, group);
        }
        rounds(&a, words[group % 4], group);
    }
    add(lane, &a);
}

WITH_SHA static void store(const struct lane *lane, uint8_t digest[static SHA256_SIZE])
{
    uint32_t fe_ba[4];
    uint32_t hg_dc[4];

    _mm_storeu_si128((__m128i *)(void *)fe_ba, lane->abef);
    _mm_storeu_si128((__m128i *)(void *)hg_dc, lane->cdgh);
    for (unsigned int i = 0; i < 8; i++) {
        const uint32_t *half = i % 4 < 2 ? fe_ba : hg_dc; /* a b | c d | e f | g h */
        uint32_t word = __builtin_bswap32(half[(i < 4 ? 3 : 1) - i % 2]);

        memcpy(digest + sizeof(word) * (size_t)i, &word, sizeof(word));
    }
}

WITH_SHA static void both(const struct sha256_text text[static 2],
                          uint8_t ret_digest[static 2][SHA256_SIZE])
{
    const struct lane start = {
        .abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c),
        .cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19),
    };
    struct lane lane[2] = {start, start};
    struct blocks blocks[2];
    size_t at = 0;

    cut(&text[0], &blocks[0]);
    cut(&text[1], &blocks[1]);
    for (; at < blocks[0].count && at < blocks[1].count; at++) {
        compress_two(lane, block_at(&blocks[0], at), block_at(&blocks[1], at));
    }
    for (unsigned int i = 0; i < 2; i++) {
        for (size_t rest = at; rest < blocks[i].count; rest++) {
            compress_one(&lane[i], block_at(&blocks[i], rest));
        }
        store(&lane[i], ret_digest[i]);
    }
}

int sha256_pair(struct sha256 *sha, const struct sha256_text text[static 2],
                uint8_t ret_digest[static 2][SHA256_SIZE])
{
    if (!sha256_pairs_at_once(sha)) {
        return one_by_one(sha, text, ret_digest);
    }
    both(text, ret_digest);
    return 0;
}

#else

bool sha256_processor_pairs(void)
{
    return false;
}

int sha256_pair(struct sha256 *sha, const struct sha256_text text[static 2],
                uint8_t ret_digest[static 2][SHA256_SIZE])
{
    return one_by_one(sha, text, ret_digest);
}

#endif
