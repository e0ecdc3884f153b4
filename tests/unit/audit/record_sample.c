#include "tests/unit/audit/record_sample.h"

#include <stdio.h>

static uint64_t next_random(uint64_t *seed) /* splitmix64 */
{
    uint64_t z = (*seed += UINT64_C(0x9E3779B97F4A7C15));

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static size_t below(uint64_t *seed, size_t limit)
{
    return (size_t)(next_random(seed) % limit);
}

/* Names as attackers write them, and whole random bytes. */
static struct str_view random_text(char *bytes, uint64_t *seed)
{
    static const char *const pieces[] = {
        "src/main.c",   "..",        "\x1b[31m", "\"",
        "\\",           "</script>", "\xff\xfe", "\xe2\x80\xae",
        "\n",           "\t",        "\xc3\xa9", "\",\"status\":\"OK",
        "\xed\xa0\x80", "\x7f",      "\\u0041",  "\xf0\x9f\x98\x80",
        "a b",          "\x01\x1f",
    };
    size_t length = 0;
    size_t count = below(seed, 6);

    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[below(seed, sizeof(pieces) / sizeof(pieces[0]))];
        size_t piece_length = strlen(piece);

        if (below(seed, 8) == 0) {
            for (size_t j = 0; j < 7; j++) {
                bytes[length++] = (char)next_random(seed);
            }
        }
        memcpy(bytes + length, piece, piece_length);
        length += piece_length;
    }
    return (struct str_view){.bytes = bytes, .length = length};
}

static void random_address(uint8_t address[static EVENT_ADDRESS_SIZE], uint64_t *seed)
{
    static const uint8_t families[] = {0, 4, 6};

    memset(address, 0, EVENT_ADDRESS_SIZE);
    address[0] = families[below(seed, 3)];
    for (size_t i = 1; i <= (address[0] == 4 ? 4U : address[0] == 6 ? 16U : 0U); i++) {
        address[i] = (uint8_t)next_random(seed);
    }
}

/* Small numbers mostly, the largest sometimes. */
static uint64_t random_number(uint64_t *seed)
{
    size_t kind = below(seed, 8);

    return kind == 0 ? UINT64_MAX : kind < 3 ? 0 : next_random(seed) >> (8 + below(seed, 55));
}

void record_sample_random(struct record_sample *sample, uint64_t *seed)
{
    struct event_head *head = &sample->event.head;
    struct str_view *text = sample->event.text;

    memset(sample, 0, sizeof(*sample));
    for (size_t i = 0; i < EVENT_TEXT_COUNT; i++) {
        text[i] = random_text(sample->bytes[i], seed);
    }
    text[EVENT_TEXT_ANSWERS].length = below(seed, 3) * EVENT_ADDRESS_SIZE;
    for (size_t i = 0; i < text[EVENT_TEXT_ANSWERS].length; i += EVENT_ADDRESS_SIZE) {
        uint8_t *answer = (uint8_t *)sample->bytes[EVENT_TEXT_ANSWERS] + i;

        random_address(answer, seed);
        answer[0] = answer[0] == 0 ? 4 : answer[0];
    }
    text[EVENT_TEXT_DIGEST].length = below(seed, 2) * SHA256_SIZE;
    text[EVENT_TEXT_PATH_DIGEST].length = 0;
    text[EVENT_TEXT_PATH2_DIGEST].length = 0;
    text[EVENT_TEXT_BODY] =
        below(seed, 2) == 0
            ? (struct str_view){0}
            : STR_VIEW_LITERAL("\"machine\":\"h\",\"n\":12,\"deep\":{\"a\":[1,null]}");
    head->pseq = random_number(seed);
    head->count = 1 + below(seed, 3);
    head->mono_ns = random_number(seed);
    for (size_t i = 0; i < EVENT_NUMBER_COUNT; i++) {
        head->numbers[i] = random_number(seed);
    }
    head->overhead_ns = random_number(seed) >> 20;
    head->duration_ns = random_number(seed) >> 20;
    head->actor_start = random_number(seed);
    head->pid = (uint32_t)next_random(seed);
    head->uid = (uint32_t)next_random(seed);
    head->error = (uint32_t)below(seed, 134);
    head->port = (uint16_t)next_random(seed);
    head->source_port = (uint16_t)below(seed, 3);
    head->kind = (uint8_t)below(seed, AUDIT_KIND_COUNT);
    head->source = (uint8_t)below(seed, AUDIT_SOURCE_COUNT);
    head->status = (uint8_t)below(seed, AUDIT_STATUS_COUNT);
    head->decision = (uint8_t)below(seed, AUDIT_DECISION_COUNT);
    head->phase = (uint8_t)below(seed, AUDIT_PHASE_COUNT);
    head->flags = (uint8_t)below(seed, 2);
    random_address(head->source_address, seed);
    random_address(head->address, seed);

    sample->context = (struct record_context){
        .seq = random_number(seed),
        .realtime_ns = UINT64_C(1700000000000000000) + next_random(seed) % 100000000000000000U,
        .producer = random_number(seed),
        .run = STR_VIEW_LITERAL("20261120-103000-k3x9"),
        .policy_name = text[EVENT_TEXT_HOST],
        .policy_revision = STR_VIEW_LITERAL("1.0"),
        .policy_hash = STR_VIEW_LITERAL("0123456789abcdef"),
        .of_kind = (int)below(seed, 3) == 0   ? RECORD_OF_NONE
                   : (int)below(seed, 2) == 0 ? RECORD_OF_SEQ
                                              : RECORD_OF_PSEQ,
        .of_seq = random_number(seed),
        .of_producer = random_number(seed),
        .of_pseq = random_number(seed),
        .tree_size = random_number(seed),
    };
    snprintf(sample->context.previous_hash, SHA256_HEX_SIZE, "%064d", 0);
}

size_t record_sample_line(const struct record_sample *sample, char line[static RECORD_LINE_MAX])
{
    struct sha256 *sha = sha256_new();
    uint8_t hash[SHA256_SIZE];
    int length = record_line_write(&sample->event, &sample->context, sha, line, hash);

    sha256_free(sha);
    return length <= 0 ? 0 : (size_t)length - 1;
}
