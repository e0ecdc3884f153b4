#include "shared/audit/record_line.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "shared/audit/json_line.h"
#include "shared/audit/record_hash.h"
#include "shared/base/ip_address.h"

#define TAIL_OFFSET_MAX (RECORD_LINE_MAX - RECORD_TAIL_SIZE)
#define SHORT_TEXT      512U /* when the whole would be too long */

struct render {
    struct json_line line;
    const struct event_record *record;
    const struct record_context *context;
    struct sha256 *sha;
    size_t path_limit;
    int error;
};

#define RAW(render, text) json_line_literal(&(render)->line, text)

static void member_u64(struct render *render, const char *name, uint64_t value)
{
    json_line_raw(&render->line, name, strlen(name));
    json_line_u64(&render->line, value);
}

/* Numbers that can pass 2^53 are decimal strings: many JSON readers keep doubles. */
static void member_u64_string(struct render *render, const char *name, uint64_t value)
{
    json_line_raw(&render->line, name, strlen(name));
    RAW(render, "\"");
    json_line_u64(&render->line, value);
    RAW(render, "\"");
}

static void member_text(struct render *render, const char *name, struct str_view text)
{
    json_line_raw(&render->line, name, strlen(name));
    json_line_string(&render->line, text);
}

static void member_hex(struct render *render, const char *name, const void *bytes, size_t length)
{
    json_line_raw(&render->line, name, strlen(name));
    RAW(render, "\"");
    json_line_hex(&render->line, bytes, length);
    RAW(render, "\"");
}

static struct str_view text_of(const struct render *render, enum event_text which)
{
    return render->record->text[which];
}

static void write_id(struct render *render)
{
    uint8_t id[16];

    memcpy(id, render->context->id, sizeof(id));
    id[6] = (uint8_t)((id[6] & 0x0F) | 0x40); /* RFC 9562: version 4, variant 10 */
    id[8] = (uint8_t)((id[8] & 0x3F) | 0x80);
    RAW(render, ",\"id\":\"");
    json_line_hex(&render->line, id, 4);
    for (size_t i = 4; i < 10; i += 2) {
        RAW(render, "-");
        json_line_hex(&render->line, id + i, 2);
    }
    RAW(render, "-");
    json_line_hex(&render->line, id + 10, 6);
    RAW(render, "\"");
}

static void write_timestamp(struct render *render)
{
    uint64_t ns = render->context->realtime_ns;
    time_t seconds = (time_t)(ns / 1000000000U);
    struct tm utc = {0};

    gmtime_r(&seconds, &utc);
    RAW(render, ",\"timestamp\":\"");
    json_line_padded(&render->line, (uint64_t)utc.tm_year + 1900, 4);
    RAW(render, "-");
    json_line_padded(&render->line, (uint64_t)utc.tm_mon + 1, 2);
    RAW(render, "-");
    json_line_padded(&render->line, (uint64_t)utc.tm_mday, 2);
    RAW(render, "T");
    json_line_padded(&render->line, (uint64_t)utc.tm_hour, 2);
    RAW(render, ":");
    json_line_padded(&render->line, (uint64_t)utc.tm_min, 2);
    RAW(render, ":");
    json_line_padded(&render->line, (uint64_t)utc.tm_sec, 2);
    RAW(render, ".");
    json_line_padded(&render->line, ns % 1000000000U, 9);
    RAW(render, "Z\"");
}

static void write_order(struct render *render)
{
    const struct record_context *context = render->context;
    const struct event_head *head = &render->record->head;

    member_u64(render, "{\"v\":1,\"seq\":", context->seq);
    write_id(render);
    write_timestamp(render);
    member_u64_string(render, ",\"mono\":", head->mono_ns);
    if (context->run.length > 0) {
        member_text(render, ",\"run\":", context->run);
    }
    member_text(render, ",\"source\":", str_view_from(audit_source_word(head->source)));
    member_u64(render, ",\"producer\":", context->producer);
    member_u64(render, ",\"pseq\":", head->pseq);
    if (head->count > 1) {
        member_u64(render, ",\"count\":", head->count);
    }
    member_text(render, ",\"kind\":", str_view_from(audit_kind_word(head->kind)));
    if (context->of_kind == RECORD_OF_SEQ) {
        member_u64(render, ",\"of\":", context->of_seq);
    } else if (context->of_kind == RECORD_OF_PSEQ) {
        member_u64(render, ",\"of_producer\":", context->of_producer);
        member_u64(render, ",\"of_pseq\":", context->of_pseq);
    }
}

static void write_actor(struct render *render)
{
    const struct event_head *head = &render->record->head;

    if ((head->flags & EVENT_FLAG_ACTOR) == 0) {
        return;
    }
    member_u64(render, ",\"actor\":{\"pid\":", head->pid);
    member_u64(render, ",\"tid\":", head->tid);
    member_u64(render, ",\"ppid\":", head->ppid);
    member_u64_string(render, ",\"start\":", head->actor_start);
    member_u64(render, ",\"uid\":", head->uid);
    member_u64(render, ",\"gid\":", head->gid);
    member_text(render, ",\"comm\":", text_of(render, EVENT_TEXT_COMM));
    member_text(render, ",\"exe\":", text_of(render, EVENT_TEXT_EXE));
    RAW(render, "}");
}

/* A text of bytes: U+FFFD for what is not UTF-8, then all bytes in NAME_hex; cut with length and
 * digest of the whole when it is longer than the limit (SR29). */
static void write_path(struct render *render, const char *name, struct str_view path,
                       uint32_t full_length, struct str_view full_digest)
{
    uint8_t digest[SHA256_SIZE];
    struct str_view shown = path;

    if (path.length == 0) {
        return;
    }
    if (path.length > render->path_limit) {
        shown.length = render->path_limit;
        if (full_digest.length == 0) {
            render->error = render->error != 0
                                ? render->error
                                : sha256_of(render->sha, path.bytes, path.length, digest);
            full_digest = (struct str_view){.bytes = (const char *)digest, .length = SHA256_SIZE};
            full_length = (uint32_t)path.length;
        }
    }
    RAW(render, ",\"");
    json_line_raw(&render->line, name, strlen(name));
    RAW(render, "\":");
    if (!json_line_string(&render->line, shown)) {
        RAW(render, ",\"");
        json_line_raw(&render->line, name, strlen(name));
        member_hex(render, "_hex\":", shown.bytes, shown.length);
    }
    if (full_digest.length == SHA256_SIZE) {
        RAW(render, ",\"");
        json_line_raw(&render->line, name, strlen(name));
        member_u64(render, "_length\":", full_length);
        RAW(render, ",\"");
        json_line_raw(&render->line, name, strlen(name));
        member_hex(render, "_sha256\":", full_digest.bytes, SHA256_SIZE);
    }
}

static struct ip_address address_from(const uint8_t bytes[static EVENT_ADDRESS_SIZE])
{
    return bytes[0] == 4   ? ip_address_v4(bytes + 1)
           : bytes[0] == 6 ? ip_address_v6(bytes + 1)
                           : (struct ip_address){0};
}

static void write_address(struct render *render, const char *name,
                          const uint8_t bytes[static EVENT_ADDRESS_SIZE])
{
    struct ip_address address = address_from(bytes);
    char text[IP_ADDRESS_TEXT_MAX];

    if (address.family != IP_NONE) {
        member_text(render, name, str_view_from(ip_address_format(&address, text)));
    }
}

static void write_call_fs(struct render *render)
{
    const struct event_head *head = &render->record->head;

    write_path(render, "path", text_of(render, EVENT_TEXT_PATH), head->path_length,
               text_of(render, EVENT_TEXT_PATH_DIGEST));
    write_path(render, "path2", text_of(render, EVENT_TEXT_PATH2), head->path2_length,
               text_of(render, EVENT_TEXT_PATH2_DIGEST));
    if (head->numbers[EVENT_NUMBER_FLAGS] != 0) {
        member_u64(render, ",\"flags\":", head->numbers[EVENT_NUMBER_FLAGS]);
    }
    if (head->numbers[EVENT_NUMBER_INODE] != 0) {
        member_u64_string(render, ",\"ino\":", head->numbers[EVENT_NUMBER_INODE]);
    }
    if (head->kind == AUDIT_KIND_RESULT || head->kind == AUDIT_KIND_REPEAT) {
        member_u64_string(render, ",\"bytes_read\":", head->numbers[EVENT_NUMBER_BYTES_IN]);
        member_u64_string(render, ",\"bytes_written\":", head->numbers[EVENT_NUMBER_BYTES_OUT]);
    }
}

static void write_call_net(struct render *render)
{
    const struct event_head *head = &render->record->head;

    member_text(render, ",\"protocol\":", text_of(render, EVENT_TEXT_WORD));
    write_address(render, ",\"source_address\":", head->source_address);
    if (head->source_port != 0) {
        member_u64(render, ",\"source_port\":", head->source_port);
    }
    write_address(render, ",\"address\":", head->address);
    if (head->port != 0) {
        member_u64(render, ",\"port\":", head->port);
    }
    write_path(render, "host", text_of(render, EVENT_TEXT_HOST), 0, (struct str_view){0});
    write_path(render, "sni", text_of(render, EVENT_TEXT_SNI), 0, (struct str_view){0});
    if (head->kind == AUDIT_KIND_RESULT || head->kind == AUDIT_KIND_REPEAT) {
        member_u64_string(render, ",\"bytes_in\":", head->numbers[EVENT_NUMBER_BYTES_IN]);
        member_u64_string(render, ",\"bytes_out\":", head->numbers[EVENT_NUMBER_BYTES_OUT]);
    }
}

static void write_call_dns(struct render *render)
{
    struct str_view answers = text_of(render, EVENT_TEXT_ANSWERS);

    write_path(render, "host", text_of(render, EVENT_TEXT_HOST), 0, (struct str_view){0});
    member_text(render, ",\"type\":", text_of(render, EVENT_TEXT_WORD));
    RAW(render, ",\"answers\":[");
    for (size_t i = 0; i < answers.length; i += EVENT_ADDRESS_SIZE) {
        write_address(render, i == 0 ? "" : ",", (const uint8_t *)answers.bytes + i);
    }
    RAW(render, "]");
}

static void write_call_exec(struct render *render)
{
    const struct event_head *head = &render->record->head;
    struct str_view digest = text_of(render, EVENT_TEXT_DIGEST);

    write_path(render, "path", text_of(render, EVENT_TEXT_PATH), head->path_length,
               text_of(render, EVENT_TEXT_PATH_DIGEST));
    member_hex(render, ",\"argv_hash\":", digest.bytes, digest.length);
    member_u64(render, ",\"argc\":", head->numbers[EVENT_NUMBER_ARGC]);
}

static void write_call_source(struct render *render)
{
    struct str_view body = text_of(render, EVENT_TEXT_BODY);

    switch ((enum audit_source)render->record->head.source) {
    case AUDIT_SOURCE_FS:
        write_call_fs(render);
        break;
    case AUDIT_SOURCE_NET:
        write_call_net(render);
        break;
    case AUDIT_SOURCE_DNS:
        write_call_dns(render);
        break;
    case AUDIT_SOURCE_EXEC:
        write_call_exec(render);
        break;
    case AUDIT_SOURCE_RUN:
    case AUDIT_SOURCE_AUDIT:
        if (body.length > 0 && render->record->head.kind != AUDIT_KIND_POLICY) {
            RAW(render, ",");
            json_line_raw(&render->line, body.bytes, body.length);
        }
        break;
    case AUDIT_SOURCE_COUNT:
        render->error = -EINVAL;
        break;
    }
}

/* What the counted events had in common is above; here what they were together. */
static void write_repeat(struct render *render)
{
    const struct event_head *head = &render->record->head;
    struct str_view digest = text_of(render, EVENT_TEXT_DIGEST);

    member_u64_string(render, ",\"first_mono\":", head->numbers[EVENT_NUMBER_FIRST_MONO]);
    member_u64_string(render, ",\"last_mono\":", head->numbers[EVENT_NUMBER_LAST_MONO]);
    member_hex(render, ",\"digest\":", digest.bytes, digest.length);
}

static void write_call(struct render *render)
{
    uint8_t digest[SHA256_SIZE];
    const char *arguments;

    member_text(render, ",\"call\":{\"tool\":", text_of(render, EVENT_TEXT_COMM));
    RAW(render, ",");
    arguments = render->line.next;
    member_text(render, "\"op\":", text_of(render, EVENT_TEXT_OPERATION));
    write_call_source(render);
    if (render->record->head.kind == AUDIT_KIND_REPEAT &&
        render->record->head.source != AUDIT_SOURCE_RUN &&
        render->record->head.source != AUDIT_SOURCE_AUDIT) {
        write_repeat(render);
    }
    if (json_line_ok(&render->line) && render->error == 0) {
        render->error =
            sha256_of(render->sha, arguments, (size_t)(render->line.next - arguments), digest);
    }
    RAW(render, ",\"args_hash\":\"sha256:");
    json_line_hex(&render->line, digest, sizeof(digest));
    RAW(render, "\",\"result_hash\":\"\"}");
}

static bool kind_is_verdict(enum audit_kind kind)
{
    return kind == AUDIT_KIND_DECISION || kind == AUDIT_KIND_RESULT || kind == AUDIT_KIND_REPEAT;
}

static bool kind_has_status(enum audit_kind kind)
{
    return kind_is_verdict(kind) || kind == AUDIT_KIND_LIMIT || kind == AUDIT_KIND_BREAKER ||
           kind == AUDIT_KIND_END;
}

static void write_policy(struct render *render)
{
    const struct record_context *context = render->context;
    const struct event_head *head = &render->record->head;
    bool is_verdict = kind_is_verdict(head->kind);

    member_text(render, ",\"policy\":{\"name\":", context->policy_name);
    member_text(render, ",\"version\":", context->policy_revision);
    member_text(render, ",\"decision\":",
                str_view_from(is_verdict ? audit_decision_word(head->decision) : ""));
    member_text(render, ",\"hash\":", context->policy_hash);
    member_text(render, ",\"rule\":", text_of(render, EVENT_TEXT_RULE));
    RAW(render, "}");
}

static void write_outcome(struct render *render)
{
    const struct event_head *head = &render->record->head;
    bool has_status = kind_has_status(head->kind);

    if (has_status) {
        member_text(render, ",\"status\":", str_view_from(audit_status_word(head->status)));
    }
    if (text_of(render, EVENT_TEXT_CODE).length > 0) {
        member_text(render, ",\"code\":", text_of(render, EVENT_TEXT_CODE));
    }
    if (text_of(render, EVENT_TEXT_REASON).length > 0) {
        member_text(render, ",\"reason\":", text_of(render, EVENT_TEXT_REASON));
    }
    if (head->error != 0) {
        const char *word = strerrorname_np((int)head->error);

        RAW(render, ",\"errno\":");
        if (word != NULL) {
            json_line_string(&render->line, str_view_from(word));
        } else {
            member_u64(render, "\"E", head->error);
            RAW(render, "\"");
        }
    }
    if (has_status) {
        member_text(render, ",\"phase\":", str_view_from(audit_phase_word(head->phase)));
    }
}

#define MILLISECONDS_MAX_NS ((uint64_t)INT64_MAX)

static void write_milliseconds(struct render *render, const char *name, uint64_t ns)
{
    if (ns > MILLISECONDS_MAX_NS) {
        ns = MILLISECONDS_MAX_NS; /* a hostile producer's: what no reader could take */
    }
    member_u64(render, name, ns / 1000000U);
    RAW(render, ".");
    json_line_padded(&render->line, ns / 1000U % 1000U, 3);
}

static void write_end(struct render *render)
{
    const struct record_context *context = render->context;
    const struct event_head *head = &render->record->head;

    RAW(render, ",\"redaction\":{\"input_redactions\":0,\"output_redactions\":0}");
    write_milliseconds(render, ",\"timing\":{\"enforcement_overhead_ms\":", head->overhead_ns);
    write_milliseconds(render, ",\"call_duration_ms\":", head->duration_ns);
    member_u64(render, "},\"merkle\":{\"tree_size\":", context->tree_size);
    RAW(render, ",\"tree_root\":\"");
    json_line_raw(&render->line, context->tree_root, strlen(context->tree_root));
    RAW(render, "\",\"previous_hash\":\"");
    json_line_raw(&render->line, context->previous_hash, strlen(context->previous_hash));
    RAW(render, "\"");
}

static void render_all(struct render *render)
{
    write_order(render);
    write_actor(render);
    write_call(render);
    write_policy(render);
    write_outcome(render);
    write_end(render);
}

int record_line_write(const struct event_record *record, const struct record_context *context,
                      struct sha256 *sha, char line[static RECORD_LINE_MAX],
                      uint8_t ret_hash[static SHA256_SIZE])
{
    static const size_t limits[] = {EVENT_PATH_MAX, SHORT_TEXT};
    struct json_line *at;
    size_t length;
    struct render render;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        render = (struct render){
            .line = {.next = line, .end = line + TAIL_OFFSET_MAX},
            .record = record,
            .context = context,
            .sha = sha,
            .path_limit = limits[i],
        };
        render_all(&render);
        if (json_line_ok(&render.line) || render.error < 0) {
            break;
        }
    }
    if (render.error < 0) {
        return render.error;
    }
    if (!json_line_ok(&render.line)) {
        return -E2BIG;
    }
    length = (size_t)(render.line.next - line);
    if (record_hash_body(sha, line, length, ret_hash) < 0) {
        return -EIO;
    }
    at = &render.line;
    at->end = line + RECORD_LINE_MAX;
    json_line_literal(at, RECORD_TAIL_BEGIN);
    json_line_hex(at, ret_hash, SHA256_SIZE);
    json_line_literal(at, "\"}}\n");
    return (int)(at->next - line);
}
