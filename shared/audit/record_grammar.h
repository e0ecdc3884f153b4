/*
 * The grammar of a line, as tables: which members, in which order, of which type, and where in
 * struct audit_record each goes. For record_reader.c alone, which has the rules that no table says.
 */
#ifndef FAILCORE_AUDIT_RECORD_GRAMMAR_H
#define FAILCORE_AUDIT_RECORD_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/audit/record_reader.h"

enum value_type {
    VALUE_VERSION,
    VALUE_COUNT,
    VALUE_COUNT_TEXT, /* "123" */
    VALUE_TEXT,
    VALUE_WORD,
    VALUE_HEX,
    VALUE_HASH,     /* 64 digits */
    VALUE_NO_HASH,  /* 64 digits, or "" */
    VALUE_TAG_HASH, /* "sha256:" and digits, or "" */
    VALUE_TIME,
    VALUE_MILLISECONDS,
    VALUE_ARRAY,
    VALUE_SOURCE,
    VALUE_KIND,
    VALUE_STATUS,
    VALUE_PHASE,
};

#define LITERAL_ROOM 32

struct member {
    char literal[LITERAL_ROOM]; /* zeros behind it */
    uint8_t literal_length;
    uint8_t type;
    bool required;
    uint16_t offset; /* in struct audit_record */
};

#define AT(field) offsetof(struct audit_record, field)
#define MEMBER(before, name, type, field, required)                                                \
    {                                                                                              \
        before "\"" name "\":", sizeof(before "\"" name "\":") - 1, VALUE_##type, required,        \
            AT(field)                                                                              \
    }
#define FIRST(name, type, field) MEMBER("{", name, type, field, true)
#define MUST(name, type, field)  MEMBER(",", name, type, field, true)
#define MAY(name, type, field)   MEMBER(",", name, type, field, false)
#define MAY_BYTES(name, field)                                                                     \
    MAY(name, TEXT, field.text), MAY(name "_hex", HEX, field.hex),                                 \
        MAY(name "_length", COUNT, field.full_length), MAY(name "_sha256", HASH, field.sha256)

struct member_table {
    const struct member *rows;
    size_t count;
};
#define TABLE(rows) ((struct member_table){rows, sizeof(rows) / sizeof((rows)[0])})

static const struct member order_rows[] = {
    FIRST("v", VERSION, seq),
    MUST("seq", COUNT, seq),
    MUST("id", WORD, id),
    MUST("timestamp", TIME, timestamp),
    MUST("mono", COUNT_TEXT, mono_ns),
    MAY("run", TEXT, run),
    MUST("source", SOURCE, source),
    MUST("producer", COUNT, producer),
    MUST("pseq", COUNT, pseq),
    MAY("count", COUNT, count),
    MUST("kind", KIND, kind),
};
static const struct member of_rows[] = {MUST("of", COUNT, of)};
static const struct member of_pseq_rows[] = {
    MUST("of_producer", COUNT, of_producer),
    MUST("of_pseq", COUNT, of_pseq),
};
static const struct member actor_rows[] = {
    FIRST("pid", COUNT, actor.pid),  MUST("tid", COUNT, actor.tid),
    MUST("ppid", COUNT, actor.ppid), MUST("start", COUNT_TEXT, actor.start),
    MUST("uid", COUNT, actor.uid),   MUST("gid", COUNT, actor.gid),
    MUST("comm", TEXT, actor.comm),  MUST("exe", TEXT, actor.exe),
};
static const struct member call_begin_rows[] = {
    FIRST("tool", TEXT, call.tool),
    MUST("op", TEXT, call.op),
};
static const struct member call_fs_rows[] = {
    MAY_BYTES("path", call.path),
    MAY_BYTES("path2", call.path2),
    MAY("flags", COUNT, call.flags),
    MAY("ino", COUNT_TEXT, call.ino),
    MAY("bytes_read", COUNT_TEXT, call.bytes_in),
    MAY("bytes_written", COUNT_TEXT, call.bytes_out),
};
static const struct member call_net_rows[] = {
    MUST("protocol", TEXT, call.protocol),
    MAY("source_address", WORD, call.source_address),
    MAY("source_port", COUNT, call.source_port),
    MAY("address", WORD, call.address),
    MAY("port", COUNT, call.port),
    MAY_BYTES("host", call.host),
    MAY_BYTES("sni", call.sni),
    MAY("bytes_in", COUNT_TEXT, call.bytes_in),
    MAY("bytes_out", COUNT_TEXT, call.bytes_out),
};
static const struct member call_dns_rows[] = {
    MAY_BYTES("host", call.host),
    MUST("type", TEXT, call.type),
    MUST("answers", ARRAY, call.answers),
};
static const struct member call_exec_rows[] = {
    MAY_BYTES("path", call.path),
    MUST("argv_hash", HEX, call.argv_hash),
    MUST("argc", COUNT, call.argc),
};
static const struct member call_repeat_rows[] = {
    MUST("first_mono", COUNT_TEXT, call.first_mono_ns),
    MUST("last_mono", COUNT_TEXT, call.last_mono_ns),
    MUST("digest", HEX, call.digest),
};
/* Not members of the record: both are checked and passed over. */
static const struct member call_end_rows[] = {
    MUST("args_hash", TAG_HASH, entry_hash),
    MUST("result_hash", TAG_HASH, entry_hash),
};
static const struct member policy_begin_rows[] = {
    FIRST("name", TEXT, policy.name),
    MUST("version", TEXT, policy.version),
};
static const struct member policy_end_rows[] = {
    MUST("hash", TEXT, policy.hash),
    MUST("rule", TEXT, policy.rule),
};
static const struct member status_rows[] = {MUST("status", STATUS, status)};
static const struct member outcome_rows[] = {
    MAY("code", TEXT, code),
    MAY("reason", TEXT, reason),
    MAY("errno", WORD, error),
};
static const struct member phase_rows[] = {MUST("phase", PHASE, phase)};
static const struct member redaction_rows[] = {
    FIRST("input_redactions", COUNT, input_redactions),
    MUST("output_redactions", COUNT, output_redactions),
};
static const struct member timing_rows[] = {
    FIRST("enforcement_overhead_ms", MILLISECONDS, overhead_ns),
    MUST("call_duration_ms", MILLISECONDS, duration_ns),
};
static const struct member tree_rows[] = {
    FIRST("tree_size", COUNT, tree_size),
    MUST("tree_root", NO_HASH, tree_root),
};
static const struct member chain_rows[] = {
    MUST("previous_hash", HASH, previous_hash),
    MUST("entry_hash", HASH, entry_hash),
};

#endif
