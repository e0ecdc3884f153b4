/*
 * One line of the log, read strictly (CONTRACT: "Audit record"; record_line.h writes it).
 *
 * The reader takes what the writer writes and nothing else: members in their fixed order, none
 * unknown, none twice, no white space, one spelling for each string and number. So two readers
 * cannot understand one line differently, and a line that was retouched by way of a JSON library
 * is refused. It says nothing about hashes: that is the verifier's question.
 *
 * Ownership: every view points into the line. Nothing is allocated.
 * Threads: pure.
 */
#ifndef FAILCORE_AUDIT_RECORD_READER_H
#define FAILCORE_AUDIT_RECORD_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/audit/json_scan.h"
#include "shared/audit/record_words.h"
#include "shared/base/str_view.h"
#include "shared/base/text_buffer.h"

/* Bytes that the workload chose: a path or a name. All members absent: {0}. */
struct record_bytes {
    struct json_text text;  /* U+FFFD for each byte that is not UTF-8 */
    struct str_view hex;    /* all bytes, when the text could not hold them */
    uint64_t full_length;   /* when the text was cut (SR29): what the whole had */
    struct str_view sha256; /* of the whole, when it was cut; 64 digits */
};

struct record_actor {
    uint64_t pid;
    uint64_t tid;
    uint64_t ppid;
    uint64_t start;
    uint64_t uid;
    uint64_t gid;
    struct json_text comm;
    struct json_text exe;
};

/* Which members are there depends on the source; an absent view is {NULL, 0}, a number 0. */
struct record_call {
    struct json_text tool;
    struct json_text op;
    struct record_bytes path; /* fs, exec */
    struct record_bytes path2;
    struct record_bytes host; /* net, dns */
    struct record_bytes sni;
    struct json_text protocol;
    struct str_view source_address;
    struct str_view address;
    struct json_text type;   /* dns */
    struct str_view answers; /* the array as it stands */
    struct str_view argv_hash;
    struct str_view members; /* run, audit: their own members, `"a":1,"b":"c"` */
    uint64_t flags;
    uint64_t ino;
    uint64_t source_port;
    uint64_t port;
    uint64_t bytes_in; /* fs: read; net: received */
    uint64_t bytes_out;
    uint64_t argc;
    uint64_t first_mono_ns; /* REPEAT: when the first and the last of them were */
    uint64_t last_mono_ns;
    struct str_view digest; /* REPEAT: over what was counted */
};

struct record_policy {
    struct json_text name;
    struct json_text version;
    struct json_text rule;
    struct json_text hash;
    enum audit_decision decision;
    bool has_decision; /* false: the record is no decision, `decision` means nothing */
};

struct audit_record {
    struct str_view line; /* without its newline */
    uint64_t seq;
    uint64_t mono_ns;
    uint64_t producer;
    uint64_t pseq;
    uint64_t count; /* events that this record stands for: 1, or what a REPEAT or LOSS folded */
    uint64_t of;    /* of a RESULT or REPEAT: the seq of its DECISION */
    uint64_t of_producer;
    uint64_t of_pseq;
    struct str_view id;
    struct str_view timestamp; /* "2026-11-20T10:30:00.123456789Z" */
    struct json_text run;      /* absent in the writer's own records */
    enum audit_source source;
    enum audit_kind kind;
    enum audit_status status;
    enum audit_phase phase;
    bool has_of; /* else has_of_pseq, or neither */
    bool has_of_pseq;
    bool has_actor;
    bool has_status;
    struct record_actor actor;
    struct record_call call;
    struct record_policy policy;
    struct json_text code;
    struct json_text reason;
    struct str_view error; /* "EACCES" */
    uint64_t overhead_ns;
    uint64_t duration_ns;
    uint64_t input_redactions;
    uint64_t output_redactions;
    uint64_t tree_size;
    struct str_view tree_root;
    struct str_view previous_hash;
    struct str_view entry_hash;
    /* For audit_record_read_next(): how the line spells its actor, its policy and outcome, its
     * tree.
     */
    struct str_view actor_part, verdict_part, tree_part;
};

/*
 * 0, or -EBADMSG with the offset of the first byte that is not as it must be in *reterr_offset
 * (may be NULL); *ret_record is {0} then. `line` has no newline.
 */
int audit_record_read(struct str_view line, struct audit_record *ret_record, size_t *reterr_offset);

/*
 * The same for a line behind another: a part that both spell alike is read once, and the record's
 * texts are then those of the line before. `before` is {0} or a record whose line is still there.
 */
int audit_record_read_next(struct str_view line, const struct audit_record *before,
                           struct audit_record *ret_record);

static inline bool record_bytes_present(const struct record_bytes *bytes)
{
    return bytes->text.escaped.bytes != NULL;
}

/* Appends the bytes themselves. */
void record_bytes_append(struct text_buffer *text, const struct record_bytes *bytes);
bool record_bytes_equals(const struct record_bytes *bytes, struct str_view value);

/* One member of call.members, as it stands; absent gives false. */
bool record_member(const struct audit_record *record, const char *name, struct str_view *ret_raw);
/* The same where it is a string, or a count. */
bool record_member_text(const struct audit_record *record, const char *name,
                        struct json_text *ret_text);
bool record_member_count(const struct audit_record *record, const char *name, uint64_t *ret_count);

/* Nanoseconds since the epoch of a record's timestamp. -EINVAL for any other text. */
int record_time_parse(struct str_view timestamp, int64_t *ret_ns);

#endif
