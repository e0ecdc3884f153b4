/*
 * What the strict reader accepts, jansson accepts too and understands alike; a reader that took
 * more, or something else, would let a changed line mean two things.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "shared/audit/record_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void want(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void want_same(json_t *object, const char *name, struct json_text value)
{
    struct text_buffer text = {0};
    json_t *member = json_object_get(object, name);

    want((member != NULL) == (value.escaped.bytes != NULL));
    if (member != NULL) {
        json_text_append(&text, value);
        want(json_string_length(member) == text.length);
        want(memcmp(json_string_value(member), text_buffer_text(&text), text.length) == 0);
    }
    text_buffer_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct str_view line = {.bytes = (const char *)bytes, .length = length};
    struct audit_record record;
    json_error_t error;
    json_t *root;
    json_t *call;

    if (length > 0 && line.bytes[length - 1] == '\n') {
        line.length--;
    }
    if (audit_record_read(line, &record, NULL) < 0) {
        return 0;
    }
    root = json_loadb(line.bytes, line.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (root == NULL) { /* jansson has signed numbers, and its own names may not repeat */
        want(strstr(error.text, "too big") != NULL || strstr(error.text, "duplicate") != NULL ||
             strstr(error.text, "overflow") != NULL || strstr(error.text, "NUL") != NULL);
        return 0;
    }
    call = json_object_get(root, "call");
    want((uint64_t)json_integer_value(json_object_get(root, "seq")) == record.seq);
    want(strcmp(json_string_value(json_object_get(root, "kind")), audit_kind_word(record.kind)) ==
         0);
    want_same(root, "reason", record.reason);
    want_same(root, "run", record.run);
    want_same(call, "op", record.call.op);
    if (record.source != AUDIT_SOURCE_RUN && record.source != AUDIT_SOURCE_AUDIT) {
        want_same(call, "path", record.call.path.text);
        want_same(call, "host", record.call.host.text);
    }
    want_same(json_object_get(root, "policy"), "rule", record.policy.rule);
    json_decref(root);
    return 0;
}
