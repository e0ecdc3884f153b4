#include "shared/audit/event_prepare.h"

#include <errno.h>
#include <string.h>

#include "shared/audit/json_members.h"

static void set_text(struct prepared_event *prepared, enum event_text which, struct str_view text)
{
    prepared->text[which] = text;
    if (text.length > EVENT_TEXT_MAX) {
        prepared->text[which].length = EVENT_TEXT_MAX;
    }
}

static int set_digest(struct prepared_event *prepared, struct sha256 *sha, enum event_text which,
                      struct str_view of, uint8_t digest[static SHA256_SIZE])
{
    prepared->text[which] = (struct str_view){.bytes = (const char *)digest, .length = SHA256_SIZE};
    return sha256_of(sha, of.bytes, of.length, digest);
}

static int set_path(struct prepared_event *prepared, struct sha256 *sha, enum event_text which,
                    struct str_view path)
{
    bool is_second = which == EVENT_TEXT_PATH2;

    prepared->text[which] = path;
    if (path.length <= EVENT_PATH_MAX) {
        return 0;
    }
    prepared->text[which].length = EVENT_PATH_MAX;
    if (is_second) {
        prepared->head.path2_length = (uint32_t)path.length;
        return set_digest(prepared, sha, EVENT_TEXT_PATH2_DIGEST, path, prepared->path2_digest);
    }
    prepared->head.path_length = (uint32_t)path.length;
    return set_digest(prepared, sha, EVENT_TEXT_PATH_DIGEST, path, prepared->path_digest);
}

static void set_address(uint8_t to[static EVENT_ADDRESS_SIZE], const struct ip_address *address)
{
    to[0] = (uint8_t)address->family;
    memcpy(to + 1, address->bytes, sizeof(address->bytes));
}

static int prepare_call(struct prepared_event *prepared, struct sha256 *sha,
                        const struct audit_event *event)
{
    struct event_head *head = &prepared->head;
    const char *operation = NULL;
    int error = 0;

    switch (event->source) {
    case AUDIT_SOURCE_FS:
        operation = event->call.fs.operation;
        head->numbers[EVENT_NUMBER_FLAGS] = event->call.fs.flags;
        head->numbers[EVENT_NUMBER_INODE] = event->call.fs.inode;
        head->numbers[EVENT_NUMBER_BYTES_IN] = event->call.fs.bytes_read;
        head->numbers[EVENT_NUMBER_BYTES_OUT] = event->call.fs.bytes_written;
        error = set_path(prepared, sha, EVENT_TEXT_PATH, event->call.fs.path);
        if (error == 0) {
            error = set_path(prepared, sha, EVENT_TEXT_PATH2, event->call.fs.path2);
        }
        break;
    case AUDIT_SOURCE_NET:
        operation = event->call.net.operation;
        set_text(prepared, EVENT_TEXT_WORD, str_view_from(event->call.net.protocol));
        set_text(prepared, EVENT_TEXT_HOST, event->call.net.host);
        set_text(prepared, EVENT_TEXT_SNI, event->call.net.sni);
        set_address(head->source_address, &event->call.net.source_address);
        set_address(head->address, &event->call.net.address);
        head->source_port = event->call.net.source_port;
        head->port = event->call.net.port;
        head->numbers[EVENT_NUMBER_BYTES_IN] = event->call.net.bytes_in;
        head->numbers[EVENT_NUMBER_BYTES_OUT] = event->call.net.bytes_out;
        break;
    case AUDIT_SOURCE_DNS: {
        size_t count = event->call.dns.answer_count;

        operation = event->call.dns.operation;
        count = count > AUDIT_ANSWERS_MAX ? AUDIT_ANSWERS_MAX : count;
        set_text(prepared, EVENT_TEXT_WORD, str_view_from(event->call.dns.type));
        set_text(prepared, EVENT_TEXT_HOST, event->call.dns.host);
        for (size_t i = 0; i < count; i++) {
            set_address(prepared->answers + i * EVENT_ADDRESS_SIZE, &event->call.dns.answers[i]);
        }
        prepared->text[EVENT_TEXT_ANSWERS] = (struct str_view){
            .bytes = (const char *)prepared->answers, .length = count * EVENT_ADDRESS_SIZE};
        break;
    }
    case AUDIT_SOURCE_EXEC:
        operation = event->call.exec.operation;
        head->numbers[EVENT_NUMBER_ARGC] = event->call.exec.argc;
        error = set_path(prepared, sha, EVENT_TEXT_PATH, event->call.exec.path);
        if (error == 0) {
            error = set_digest(prepared, sha, EVENT_TEXT_DIGEST, event->call.exec.argv,
                               prepared->digest);
        }
        break;
    case AUDIT_SOURCE_RUN:
    case AUDIT_SOURCE_AUDIT:
        operation = event->call.run.operation;
        prepared->text[EVENT_TEXT_BODY] = event->call.run.members;
        if (event->call.run.members.length > EVENT_BODY_MAX) {
            error = -E2BIG;
        } else if (!json_members_are_sound(event->call.run.members)) {
            error = -EINVAL;
        }
        break;
    case AUDIT_SOURCE_COUNT:
        error = -EINVAL;
        break;
    }
    set_text(prepared, EVENT_TEXT_OPERATION, str_view_from(operation));
    return error;
}

static void prepare_actor(struct prepared_event *prepared, struct actor_cache *actors, int proc,
                          const struct audit_event *event)
{
    struct event_head *head = &prepared->head;
    const struct actor_identity *identity;

    if (!event->actor.present) {
        return;
    }
    head->flags |= EVENT_FLAG_ACTOR;
    head->tid = (uint32_t)event->actor.tid;
    head->uid = event->actor.uid;
    head->gid = event->actor.gid;
    if (event->actor.pid == 0 && event->actor.tid == 0) {
        return;
    }
    if (event->source == AUDIT_SOURCE_EXEC) {
        actor_cache_forget(actors, event->actor.pid != 0 ? event->actor.pid : event->actor.tid);
    }
    identity = actor_cache_find(actors, proc, event->actor.pid, event->actor.tid, head->mono_ns);
    head->pid = (uint32_t)identity->pid;
    head->ppid = (uint32_t)identity->ppid;
    head->actor_start = identity->start;
    prepared->text[EVENT_TEXT_COMM] =
        (struct str_view){.bytes = identity->comm, .length = identity->comm_length};
    prepared->text[EVENT_TEXT_EXE] =
        (struct str_view){.bytes = identity->exe, .length = identity->exe_length};
}

int event_prepare(const struct audit_event *event, uint64_t now_ns, struct sha256 *sha,
                  struct actor_cache *actors, int proc, struct prepared_event *prepared)
{
    memset(&prepared->head, 0, sizeof(prepared->head));
    memset(prepared->text, 0, sizeof(prepared->text));
    prepared->head.count = 1;
    prepared->head.mono_ns = now_ns;
    prepared->head.of = event->of;
    prepared->head.overhead_ns = event->overhead_ns;
    prepared->head.duration_ns = event->duration_ns;
    prepared->head.error = (uint32_t)event->error;
    prepared->head.kind = (uint8_t)event->kind;
    prepared->head.source = (uint8_t)event->source;
    prepared->head.status = (uint8_t)event->status;
    prepared->head.decision = (uint8_t)event->decision;
    prepared->head.phase = (uint8_t)event->phase;
    prepared->head.flags = event->sync || event->soon ? EVENT_FLAG_SYNC : 0;
    prepare_actor(prepared, actors, proc, event);
    set_text(prepared, EVENT_TEXT_RULE, event->rule);
    set_text(prepared, EVENT_TEXT_CODE, event->code);
    set_text(prepared, EVENT_TEXT_REASON, event->reason);
    return prepare_call(prepared, sha, event);
}
