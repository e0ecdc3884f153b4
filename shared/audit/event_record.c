#include "shared/audit/event_record.h"

#include <errno.h>
#include <string.h>

uint32_t event_record_size(const struct str_view text[static EVENT_TEXT_COUNT])
{
    size_t size = sizeof(struct event_head);

    for (size_t i = 0; i < EVENT_TEXT_COUNT; i++) {
        if (text[i].length > UINT16_MAX) {
            return 0;
        }
        size += text[i].length;
    }
    size = (size + EVENT_ALIGNMENT - 1) & ~(size_t)(EVENT_ALIGNMENT - 1);
    return size > EVENT_RECORD_MAX ? 0 : (uint32_t)size;
}

void event_record_write(void *at, struct event_head *head,
                        const struct str_view text[static EVENT_TEXT_COUNT])
{
    uint8_t *next = (uint8_t *)at + sizeof(*head);

    head->magic = EVENT_MAGIC;
    for (size_t i = 0; i < EVENT_TEXT_COUNT; i++) {
        head->text_length[i] = (uint16_t)text[i].length;
        if (text[i].length > 0) {
            memcpy(next, text[i].bytes, text[i].length);
            next += text[i].length;
        }
    }
    memcpy(at, head, sizeof(*head));
}

static bool address_is_sound(const uint8_t address[static EVENT_ADDRESS_SIZE])
{
    return address[0] == 0 || address[0] == 4 || address[0] == 6;
}

static bool head_is_sound(const struct event_head *head, size_t length)
{
    return head->length == length && head->magic == EVENT_MAGIC && head->kind < AUDIT_KIND_COUNT &&
           head->source < AUDIT_SOURCE_COUNT && head->status < AUDIT_STATUS_COUNT &&
           head->decision < AUDIT_DECISION_COUNT && head->phase < AUDIT_PHASE_COUNT &&
           head->count >= 1 && head->count < UINT32_MAX && address_is_sound(head->source_address) &&
           address_is_sound(head->address) && head->error < 4096;
}

static bool texts_are_sound(const struct event_record *record)
{
    const struct str_view *text = record->text;

    if (text[EVENT_TEXT_ANSWERS].length % EVENT_ADDRESS_SIZE != 0 ||
        text[EVENT_TEXT_BODY].length > EVENT_BODY_MAX ||
        text[EVENT_TEXT_PATH].length > EVENT_PATH_MAX ||
        text[EVENT_TEXT_PATH2].length > EVENT_PATH_MAX) {
        return false;
    }
    for (size_t i = 0; i < text[EVENT_TEXT_ANSWERS].length; i += EVENT_ADDRESS_SIZE) {
        if (!address_is_sound((const uint8_t *)text[EVENT_TEXT_ANSWERS].bytes + i)) {
            return false;
        }
    }
    for (size_t i = 0; i < EVENT_TEXT_COUNT; i++) {
        bool is_digest =
            i == EVENT_TEXT_PATH_DIGEST || i == EVENT_TEXT_PATH2_DIGEST || i == EVENT_TEXT_DIGEST;
        bool is_long = i == EVENT_TEXT_PATH || i == EVENT_TEXT_PATH2 || i == EVENT_TEXT_BODY;

        if ((is_digest && text[i].length != 0 && text[i].length != 32) ||
            (!is_long && text[i].length > EVENT_TEXT_MAX)) {
            return false;
        }
    }
    return true;
}

int event_record_read(const void *bytes, size_t length, struct event_record *ret_record)
{
    struct event_record record;
    size_t offset = sizeof(record.head);

    if (length < sizeof(record.head) || length > EVENT_RECORD_MAX) {
        return -EBADMSG;
    }
    memcpy(&record.head, bytes, sizeof(record.head));
    if (!head_is_sound(&record.head, length)) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < EVENT_TEXT_COUNT; i++) {
        size_t text_length = record.head.text_length[i];

        if (text_length > length - offset) {
            return -EBADMSG;
        }
        record.text[i] =
            (struct str_view){.bytes = (const char *)bytes + offset, .length = text_length};
        offset += text_length;
    }
    if (length - offset >= EVENT_ALIGNMENT || !texts_are_sound(&record)) {
        return -EBADMSG;
    }
    *ret_record = record;
    return 0;
}
