#include "shared/audit/fold.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "shared/audit/slot.h"

#define SECOND_NS 1000000000U
#define MINUTE_NS (60ULL * SECOND_NS)

int fold_table_init(struct fold_table *table)
{
    return getrandom(&table->seed, sizeof(table->seed), 0) == (ssize_t)sizeof(table->seed) ? 0
                                                                                           : -EIO;
}

static bool is_look(const char *operation)
{
    static const char *const words[] = {"read", "list", "lookup", "getattr", "access", "readlink"};

    for (size_t i = 0; operation != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
        if (operation[0] == words[i][0] && strcmp(operation, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

enum fold_class fold_class_of(const struct audit_event *event, bool full)
{
    if (event->kind != AUDIT_KIND_DECISION || event->sync || !event->actor.present) {
        bool is_denied_packet = event->kind == AUDIT_KIND_DECISION && !event->sync &&
                                event->decision == AUDIT_DECISION_BLOCKED;

        return is_denied_packet ? FOLD_CLASS_DENIAL : FOLD_CLASS_NONE;
    }
    switch (event->decision) {
    case AUDIT_DECISION_BLOCKED:
        return FOLD_CLASS_DENIAL;
    case AUDIT_DECISION_ALLOWED:
        return !full && event->source == AUDIT_SOURCE_FS && is_look(event->call.fs.operation)
                   ? FOLD_CLASS_LOOK
                   : FOLD_CLASS_NONE;
    case AUDIT_DECISION_LOGGED:
    case AUDIT_DECISION_REDACTED:
    case AUDIT_DECISION_COUNT:
        break;
    }
    return FOLD_CLASS_NONE;
}

/* Keyed with a secret of this process: nobody can choose names that fall together. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
    __uint128_t product = (__uint128_t)(hash ^ value) * 0x9E3779B97F4A7C15ULL;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t mix_text(uint64_t hash, struct str_view text)
{
    size_t offset = 0;

    hash = mix(hash, text.length);
    for (; text.length - offset >= 8; offset += 8) {
        uint64_t piece;

        memcpy(&piece, text.bytes + offset, sizeof(piece));
        hash = mix(hash, piece);
    }
    if (offset < text.length) {
        uint64_t piece = 0;

        memcpy(&piece, text.bytes + offset, text.length - offset);
        hash = mix(hash, piece);
    }
    return hash;
}

/* Process (or the flow's end), rule and code. */
static uint64_t key_of_rule(const struct slot *slot, const struct prepared_event *prepared)
{
    const struct event_head *head = &prepared->head;
    uint64_t hash = mix(slot->folds.seed, head->pid);

    hash = mix(hash, head->actor_start);
    hash = mix_text(hash, (struct str_view){.bytes = (const char *)head->source_address,
                                            .length = sizeof(head->source_address)});
    hash = mix(hash, (uint64_t)head->source << 32 | atomic_load(&slot->owner->policy));
    hash = mix_text(hash, prepared->text[EVENT_TEXT_RULE]);
    hash = mix_text(hash, prepared->text[EVENT_TEXT_CODE]);
    return hash | 1;
}

static uint64_t key_of_target(const struct slot *slot, const struct prepared_event *prepared)
{
    static const enum event_text texts[] = {EVENT_TEXT_OPERATION, EVENT_TEXT_PATH, EVENT_TEXT_PATH2,
                                            EVENT_TEXT_HOST,      EVENT_TEXT_SNI,  EVENT_TEXT_WORD,
                                            EVENT_TEXT_REASON};
    uint64_t hash = mix(key_of_rule(slot, prepared), slot->folds.seed);

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        hash = mix_text(hash, prepared->text[texts[i]]);
    }
    hash = mix_text(hash, (struct str_view){.bytes = (const char *)prepared->head.address,
                                            .length = sizeof(prepared->head.address)});
    return mix(hash, prepared->head.port) | 1;
}

/* What putting another in its place would lose: nothing of a minute that is over. */
static uint32_t worth(const struct fold_entry *entry, uint64_t window)
{
    return entry->window == window ? entry->written : 0;
}

/* A target's fold lies in the lower half, where its key says. A rule's count is what bounds a
 * flood: it lies anywhere in the upper half, and gives way only to make room and if it is the
 * least, so that many processes at once do not begin each other's minute anew. */
static unsigned int place_of(const struct slot *slot, uint64_t key, bool is_rule, uint64_t window)
{
    const struct fold_entry *entry = slot->folds.entry;
    const unsigned int half = FOLD_SLOTS / 2;
    unsigned int least = half;

    if (!is_rule) {
        return (unsigned int)(key >> 32) % half;
    }
    for (unsigned int i = half; i < FOLD_SLOTS; i++) {
        if (entry[i].key == key) {
            return i;
        }
        if (worth(&entry[i], window) < worth(&entry[least], window)) {
            least = i;
        }
    }
    return least;
}

static int flush_entry(struct slot *slot, unsigned int index)
{
    struct fold_entry *entry = &slot->folds.entry[index];
    int error;

    if (!entry->has_fold) {
        return 0;
    }
    error = slot_publish_fold(slot, index);
    if (error == 0) {
        entry->has_fold = false;
        atomic_fetch_sub(&slot->folds.folded, 1);
    }
    return error;
}

int fold_flush(struct slot *slot, uint32_t pid)
{
    int error = 0;

    for (unsigned int i = 0; i < FOLD_SLOTS && atomic_load(&slot->folds.folded) > 0; i++) {
        if (pid == 0 || slot->folds.entry[i].pid == pid) {
            int flushed = flush_entry(slot, i);

            error = error < 0 ? error : flushed;
        }
    }
    return error;
}

/* Folds of seconds that are over. */
static void flush_past(struct slot *slot, uint64_t now_ns)
{
    if (now_ns / SECOND_NS != slot->folds.second) {
        slot->folds.second = now_ns / SECOND_NS;
        if (atomic_load(&slot->folds.folded) > 0) {
            (void)fold_flush(slot, 0); /* what the writer refuses now stays counted */
        }
    }
}

/* SHA-256(digest so far, time, path): commits to what was counted. */
static void extend_digest(struct slot *slot, uint8_t digest[static SHA256_SIZE],
                          const struct prepared_event *prepared)
{
    struct str_view path = prepared->text[EVENT_TEXT_PATH];

    if (sha256_begin(slot->sha) < 0 || sha256_add(slot->sha, digest, SHA256_SIZE) < 0 ||
        sha256_add(slot->sha, &prepared->head.mono_ns, sizeof(prepared->head.mono_ns)) < 0 ||
        sha256_add(slot->sha, path.bytes == NULL ? "" : path.bytes, path.length) < 0 ||
        sha256_end(slot->sha, digest) < 0) {
        memset(digest, 0, SHA256_SIZE); /* the count stands without it */
    }
}

static bool begin_fold(struct slot *slot, unsigned int index, const struct prepared_event *prepared)
{
    struct fold_entry *entry = &slot->folds.entry[index];
    struct ring_fold *fold = &slot->tie.ring.folds[index];
    struct prepared_event repeat;
    uint8_t digest[SHA256_SIZE] = {0};
    uint32_t size;

    repeat.head = prepared->head;
    memcpy(repeat.text, prepared->text, sizeof(repeat.text));
    repeat.text[EVENT_TEXT_DIGEST] =
        (struct str_view){.bytes = (const char *)digest, .length = sizeof(digest)};
    extend_digest(slot, digest, prepared);
    size = event_record_size(repeat.text);
    if (size == 0 || size > sizeof(fold->record)) {
        return false; /* long names are written in full */
    }
    repeat.head.kind = AUDIT_KIND_REPEAT;
    repeat.head.of = entry->of;
    repeat.head.length = size;
    repeat.head.pseq = UINT64_MAX;
    repeat.head.policy = atomic_load(&slot->owner->policy);
    repeat.head.flags &= (uint8_t)~EVENT_FLAG_TICKET;
    repeat.head.numbers[EVENT_NUMBER_FIRST_MONO] = prepared->head.mono_ns;
    repeat.head.numbers[EVENT_NUMBER_LAST_MONO] = prepared->head.mono_ns;
    event_record_write(fold->record, &repeat.head, repeat.text);
    atomic_store_explicit(&fold->length, size, memory_order_release);
    entry->has_fold = true;
    atomic_fetch_add(&slot->folds.folded, 1);
    return true;
}

static void add_to_fold(struct slot *slot, unsigned int index,
                        const struct prepared_event *prepared)
{
    uint8_t *record = slot->tie.ring.folds[index].record;
    struct event_head *head = (struct event_head *)(void *)record;
    uint8_t *digest = record + sizeof(*head);

    for (unsigned int i = 0; i < EVENT_TEXT_DIGEST; i++) {
        digest += head->text_length[i];
    }
    head->mono_ns = prepared->head.mono_ns;
    head->numbers[EVENT_NUMBER_LAST_MONO] = prepared->head.mono_ns;
    head->numbers[EVENT_NUMBER_BYTES_IN] += prepared->head.numbers[EVENT_NUMBER_BYTES_IN];
    head->numbers[EVENT_NUMBER_BYTES_OUT] += prepared->head.numbers[EVENT_NUMBER_BYTES_OUT];
    head->overhead_ns += prepared->head.overhead_ns;
    extend_digest(slot, digest, prepared);
    head->count++;
}

static bool count_in(struct slot *slot, unsigned int index, const struct prepared_event *prepared)
{
    if (slot_refusal(slot) < 0) {
        return false; /* the ordinary way refuses it and counts the refusal */
    }
    if (!slot->folds.entry[index].has_fold) {
        return begin_fold(slot, index, prepared);
    }
    add_to_fold(slot, index, prepared);
    return true;
}

static bool offer(struct slot *slot, uint64_t key, bool is_rule, uint64_t window, uint32_t limit,
                  const struct prepared_event *prepared, uint64_t *ret_ticket)
{
    unsigned int index = place_of(slot, key, is_rule, window);
    const struct fold_entry *entry = &slot->folds.entry[index];

    if (entry->key != key || entry->window != window || entry->written < limit ||
        !count_in(slot, index, prepared)) {
        return false;
    }
    *ret_ticket = entry->of;
    return true;
}

bool fold_offer(struct slot *slot, enum fold_class class, const struct prepared_event *prepared,
                uint64_t *ret_ticket)
{
    uint64_t now = prepared->head.mono_ns;

    flush_past(slot, now);
    switch (class) {
    case FOLD_CLASS_NONE:
        return false;
    case FOLD_CLASS_LOOK:
        return offer(slot, key_of_target(slot, prepared), false, now / SECOND_NS, 1, prepared,
                     ret_ticket);
    case FOLD_CLASS_DENIAL:
        return offer(slot, key_of_target(slot, prepared), false, now / SECOND_NS,
                     FOLD_DENIALS_PER_SECOND, prepared, ret_ticket) ||
               offer(slot, key_of_rule(slot, prepared), true, now / MINUTE_NS,
                     FOLD_DENIALS_PER_MINUTE, prepared, ret_ticket);
    }
    return false;
}

static void note(struct slot *slot, uint64_t key, bool is_rule, uint64_t window,
                 const struct prepared_event *prepared, uint64_t ticket)
{
    unsigned int index = place_of(slot, key, is_rule, window);
    struct fold_entry *entry = &slot->folds.entry[index];

    if (entry->key != key || entry->window != window) {
        if (flush_entry(slot, index) < 0) {
            return; /* no room: this key is not folded now */
        }
        *entry = (struct fold_entry){.key = key, .window = window, .pid = prepared->head.pid};
    }
    entry->of = ticket;
    entry->written++;
}

void fold_written(struct slot *slot, enum fold_class class, const struct prepared_event *prepared,
                  uint64_t ticket)
{
    uint64_t now = prepared->head.mono_ns;

    if (class == FOLD_CLASS_NONE) {
        return;
    }
    note(slot, key_of_target(slot, prepared), false, now / SECOND_NS, prepared, ticket);
    if (class == FOLD_CLASS_DENIAL) {
        note(slot, key_of_rule(slot, prepared), true, now / MINUTE_NS, prepared, ticket);
    }
}
