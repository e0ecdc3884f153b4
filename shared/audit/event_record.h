/*
 * An event as it lies in a ring: a fixed head and the bytes of its texts, in the byte order of the
 * machine. Producer and writer are on one machine and of one version (attach.h checks that).
 *
 * The producer fills it in place; the writer copies it first and believes nothing in it:
 * event_record_read() checks every length and enum of the private copy.
 */
#ifndef FAILCORE_AUDIT_EVENT_RECORD_H
#define FAILCORE_AUDIT_EVENT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/audit/record_words.h"
#include "shared/base/str_view.h"

enum event_text {
    EVENT_TEXT_OPERATION,
    EVENT_TEXT_COMM,
    EVENT_TEXT_EXE,
    EVENT_TEXT_RULE,
    EVENT_TEXT_CODE,
    EVENT_TEXT_REASON,
    EVENT_TEXT_PATH,
    EVENT_TEXT_PATH2,
    EVENT_TEXT_PATH_DIGEST,  /* 32 bytes when the path was cut */
    EVENT_TEXT_PATH2_DIGEST, /* likewise */
    EVENT_TEXT_HOST,
    EVENT_TEXT_SNI,
    EVENT_TEXT_WORD,    /* net: protocol; dns: type */
    EVENT_TEXT_ANSWERS, /* dns: EVENT_ADDRESS_SIZE bytes each */
    EVENT_TEXT_DIGEST,  /* exec: SHA-256 of the arguments; REPEAT: of what was folded */
    EVENT_TEXT_BODY,    /* run: JSON members; POLICY: name, revision and hash, each with its NUL */
    EVENT_TEXT_COUNT
};

/* What `numbers` mean for each source and kind. */
enum event_number {
    EVENT_NUMBER_FLAGS = 0, /* fs */
    EVENT_NUMBER_INODE = 1,
    EVENT_NUMBER_BYTES_IN = 2,   /* fs: read; net: received */
    EVENT_NUMBER_BYTES_OUT = 3,  /* fs: written; net: sent */
    EVENT_NUMBER_ARGC = 0,       /* exec */
    EVENT_NUMBER_FIRST_MONO = 4, /* REPEAT */
    EVENT_NUMBER_LAST_MONO = 5,
    EVENT_NUMBER_COUNT
};

#define EVENT_ADDRESS_SIZE 17 /* family (0, 4, 6) and 16 bytes */

enum event_flag {
    EVENT_FLAG_ACTOR = 1 << 0,
    EVENT_FLAG_TICKET = 1 << 1, /* somebody holds its ticket */
    EVENT_FLAG_SYNC = 1 << 2,
};

struct event_head {
    uint32_t length; /* of the whole record, a multiple of 8 */
    uint32_t magic;
    uint64_t pseq;
    uint64_t count; /* how many pseq this record stands for; 1 but for REPEAT and LOSS */
    uint64_t mono_ns;
    uint64_t of; /* a ticket; 0: none */
    uint64_t numbers[EVENT_NUMBER_COUNT];
    uint64_t overhead_ns;
    uint64_t duration_ns;
    uint64_t actor_start;
    uint32_t pid, tid, ppid, uid, gid;
    uint32_t policy; /* which of the producer's policies is in force */
    uint32_t error;
    uint32_t path_length; /* full lengths, when the texts were cut */
    uint32_t path2_length;
    uint16_t source_port;
    uint16_t port;
    uint8_t kind, source, status, decision, phase;
    uint8_t flags;
    uint8_t source_address[EVENT_ADDRESS_SIZE];
    uint8_t address[EVENT_ADDRESS_SIZE];
    uint16_t text_length[EVENT_TEXT_COUNT];
};

#define EVENT_MAGIC      0x31654346U /* "FCe1" */
#define EVENT_MAGIC_PAD  0x31704346U /* the rest of the ring up to its end */
#define EVENT_ALIGNMENT  8U
#define EVENT_RECORD_MAX 65536U /* bytes of one record in the ring */
#define EVENT_PATH_MAX   4096U  /* longer paths: prefix, length and digest (SR29) */
#define EVENT_TEXT_MAX   1024U  /* reason, host, exe and the like are cut here */
#define EVENT_BODY_MAX   49152U

/* One event, read. The texts point into the copy that was given. */
struct event_record {
    struct event_head head;
    struct str_view text[EVENT_TEXT_COUNT];
};

/* Bytes a record with these texts takes in the ring; 0 when a text is too long. */
uint32_t event_record_size(const struct str_view text[static EVENT_TEXT_COUNT]);

/* Writes the whole record at `at`, which has head->length bytes; text lengths are set here. */
void event_record_write(void *at, struct event_head *head,
                        const struct str_view text[static EVENT_TEXT_COUNT]);

/*
 * Reads one record from `bytes`, a private copy of exactly `length` bytes. -EBADMSG when any
 * length, magic, enum, count or address family is not one that a producer of ours writes.
 */
int event_record_read(const void *bytes, size_t length, struct event_record *ret_record);

#endif
