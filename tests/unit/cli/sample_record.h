/*
 * Records for tests of what reads them: lines as the writer spells them, of a few members that
 * matter, read by the real reader.
 */
#ifndef FAILCORE_TESTS_UNIT_CLI_SAMPLE_RECORD_H
#define FAILCORE_TESTS_UNIT_CLI_SAMPLE_RECORD_H

#include "shared/audit/record_reader.h"

#define SAMPLES_MOST 512
/* The end of a REPEAT's call. */
#define SAMPLE_FOLD                                                                                \
    "\"first_mono\":\"1\",\"last_mono\":\"2\",\"digest\":"                                         \
    "\"0000000000000000000000000000000000000000000000000000000000000000\""
#define SAMPLE_RUN "20261120-103000-k3x9"

/* Absent members have a default; `call` is JSON as it stands, from "op" on. */
struct sample {
    uint64_t seq; /* 0: the next one */
    uint64_t mono;
    uint64_t of;
    uint64_t count; /* of a REPEAT or LOSS */
    uint64_t pid;
    uint64_t tid;
    bool no_tid; /* 0, as the launcher has it */
    bool no_actor;
    unsigned int second; /* of the minute, in its timestamp */
    const char *source;  /* "fs" */
    const char *kind;    /* "DECISION" */
    const char *exe;     /* "/usr/bin/python3" */
    const char *call;    /* "\"op\":\"read\",\"path\":\"a\"" */
    const char *decision;
    const char *rule;
    const char *status; /* NULL: none */
    const char *code;
    const char *reason;
    const char *error;
};

/* The lines of one test; the records point into them. */
struct samples {
    char *lines[SAMPLES_MOST];
    size_t count;
    uint64_t next_seq;
};

struct audit_record sample_record(struct samples *samples, struct sample sample);
/* All lines so far into a file. */
void samples_write(const struct samples *samples, const char *path);
void samples_clear(struct samples *samples);

#endif
