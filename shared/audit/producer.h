/*
 * How a program puts events into the log, before their effect.
 *
 * A producer attaches to the one log writer of an audit directory (failcore-auditd; started when
 * there is none) and publishes fixed binary records. It never holds the chain's head, the key or
 * a lock. The rule for every gate: emit first; when emitting fails, refuse the operation with
 * AUDIT_UNAVAILABLE.
 *
 * Ownership: audit_producer_attach() gives the caller a producer; audit_producer_detach() ends it
 * (after publishing what is folded, and when all of it is signed). Texts in an event are borrowed
 * for the call. Threads: any number of threads may emit through one producer. Not to be used after
 * fork() in the child. Errors: negative errno.
 */
#ifndef FAILCORE_AUDIT_PRODUCER_H
#define FAILCORE_AUDIT_PRODUCER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/audit/record_words.h"
#include "shared/base/failure.h"
#include "shared/base/ip_address.h"
#include "shared/base/str_view.h"

struct audit_producer;

struct audit_producer_options {
    const char *directory; /* NULL: the default of this user (CONTRACT: "Where things live") */
    const char *run;       /* run id; NULL: a new one is made */
    const char *program;   /* "failcore-mount": for the writer's own messages */
    struct str_view policy_name;
    struct str_view policy_revision;
    struct str_view policy_hash;
    unsigned int threads; /* how many threads will emit; 0: 1. Memory is taken now. */
    bool full;            /* the policy's `audit.level: full`: nothing that is allowed is folded */
    bool part;  /* of a run whose supervisor ends it: leaving waits until all is taken, END signs */
    bool later; /* the writer is asked now; audit_producer_arrive() waits for its answer */
};

/*
 * -EACCES, -ENOENT, -ECONNREFUSED and the like: the writer cannot be reached or started; reterr
 * says why and what to do. On success the producer may emit at once.
 */
int audit_producer_attach(const struct audit_producer_options *options,
                          struct audit_producer **ret_producer, struct failure *reterr);
/* Before the first event of one that was to attach later; nothing, for all others. */
int audit_producer_arrive(struct audit_producer *producer, struct failure *reterr);
/* No thread may emit any more. */
void audit_producer_detach(struct audit_producer *producer);
/*
 * Detaching without its end, for a process that ends at once while threads may still emit: waits
 * until all that was emitted is signed; nothing is freed.
 */
void audit_producer_leave(struct audit_producer *producer);

/* The run id that records of this producer carry. Borrowed. */
const char *audit_producer_run(const struct audit_producer *producer);
/* The audit directory, absolute. Borrowed. */
const char *audit_producer_directory(const struct audit_producer *producer);
/*
 * Readable (POLLIN) when the writer has gone: a supervisor or daemon polls it. Borrowed. The number
 * stays the same when a new writer is found (audit_producer_flush() and emitting look for one).
 */
int audit_producer_alarm_fd(const struct audit_producer *producer);

/*
 * Publishes what is folded. For a timer of a second: repeats of an idle program then do not wait
 * for its next event. Also finds or starts a new writer when the old one has gone: 0 when there is
 * one, else as audit_emit().
 */
int audit_producer_flush(struct audit_producer *producer);

/* Waits until all that this thread has emitted is durable, for events that are `soon`. Errors as
 * audit_emit(). */
int audit_producer_await(struct audit_producer *producer);

/* A new policy is in force from here on; emits the POLICY record first. */
int audit_producer_set_policy(struct audit_producer *producer, struct str_view name,
                              struct str_view revision, struct str_view hash);

/* The new policy's `audit.level`: from the next event on, as options.full. */
void audit_producer_set_full(struct audit_producer *producer, bool full);

/* Who asked. comm, exe, ppid and the start time are read from /proc once per process and cached. */
struct audit_actor {
    pid_t pid; /* thread group; 0: unknown, then it is found from tid */
    pid_t tid; /* 0: unknown */
    uid_t uid;
    gid_t gid;
    bool present; /* false: the record has no actor (a packet without a process) */
};

struct audit_call_fs {
    const char *operation; /* an fs_operation word, or a kernel request's: static text */
    struct str_view path;  /* relative to the mount root, bytes */
    struct str_view path2; /* rename and link target; absent otherwise */
    uint32_t flags;        /* of open(2) or renameat2(2) */
    uint64_t inode;
    uint64_t bytes_read; /* RESULT only */
    uint64_t bytes_written;
};

struct audit_call_net {
    const char *operation; /* "connect", "send", "flow_end": static text */
    const char *protocol;  /* "tcp", "udp", "icmp", …: static text */
    struct ip_address source_address;
    uint16_t source_port;
    struct ip_address address;
    uint16_t port;
    struct str_view host; /* the name it was resolved from; absent when none */
    struct str_view sni;
    uint64_t bytes_in; /* RESULT only */
    uint64_t bytes_out;
};

struct audit_call_dns {
    const char *operation; /* "query": static text */
    struct str_view host;
    const char *type; /* "A", "AAAA", …; static text */
    const struct ip_address *answers;
    size_t answer_count; /* at most AUDIT_ANSWERS_MAX are recorded */
};
#define AUDIT_ANSWERS_MAX 16

struct audit_call_exec {
    const char *operation; /* "exec" */
    struct str_view path;
    struct str_view argv; /* all arguments, each with its NUL; recorded as hash and count */
    size_t argc;
};

/* source RUN and AUDIT: members are one JSON object's inside, made by the caller with
 * text_buffer_append_json_string(): "\"host\":\"a\",\"uid\":0". Checked strictly by the writer. */
struct audit_call_run {
    const char *operation;
    struct str_view members;
};

struct audit_event {
    enum audit_kind kind;
    enum audit_source source; /* says which member of `call` is meant */
    enum audit_status status;
    enum audit_decision decision;
    enum audit_phase phase;
    struct audit_actor actor;
    union {
        struct audit_call_fs fs;
        struct audit_call_net net;
        struct audit_call_dns dns;
        struct audit_call_exec exec;
        struct audit_call_run run;
    } call;
    struct str_view rule;   /* rule id; absent: no policy decision in this record */
    struct str_view code;   /* denial code word; absent when allowed */
    struct str_view reason; /* for people */
    int error;              /* positive errno; 0 none */
    uint64_t overhead_ns;   /* spent deciding */
    uint64_t duration_ns;   /* of the operation itself; RESULT only */
    uint64_t of;            /* RESULT and REPEAT: the ticket of their DECISION */
    bool sync;              /* wait until the record is durable */
    bool soon; /* to the disk at once; whoever wants to know calls audit_producer_await() */
};

/*
 * Publishes the event; *ret_ticket (may be NULL) names it for a later RESULT. On return 0 the
 * record survives the death of this process and of the writer. -EIO, -ENOSPC, -ETIMEDOUT:
 * it was not recorded: refuse the operation. Ticket 0 is never given.
 */
int audit_emit(struct audit_producer *producer, const struct audit_event *event,
               uint64_t *ret_ticket);

#endif
