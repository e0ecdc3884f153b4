/*
 * libfailcore: the policies, the audit log and the verifier of failcore, for programs that ask
 * before they act.
 *
 *     decide, record, then do: what cannot be recorded is not done
 *
 * It decides and records; it confines nothing. What a program does beside it, it does unseen: for
 * code that is not trusted there are failcore-run(1) and failcore-mount(1).
 *
 * Ownership: each _open() gives the caller an object, to be released with its _close(). Texts in
 * results are the result's own. Threads: a policy may be asked and an audit written by any number
 * of threads. Errors: negative errno, explained in *reterr (may be NULL).
 * Stability: symbols have versions; structs only grow, and say with `size` how much the caller
 * knows of them.
 */
#ifndef FAILCORE_H
#define FAILCORE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What failed, what needed it ("agent.yaml:12:5"), what to do about it. */
struct failcore_error {
    char what[512];
    char needed[512];
    char mend[512];
};

/* ---- policy: failcore-policy(5) -------------------------------------------------------------- */

struct failcore_policy;

/*
 * Loads and merges policies by name or file, with what the system enforces; none at all denies
 * everything. -EINVAL: one is invalid. -ENOENT: there is none of that name.
 */
int failcore_policy_open(const char *const *words, size_t count,
                         struct failcore_policy **ret_policy, struct failcore_error *reterr);
void failcore_policy_close(struct failcore_policy *policy);

enum failcore_verdict { /* zero refuses */
                        FAILCORE_DENY = 0,
                        FAILCORE_HIDE, /* deny, and do not say that it is there */
                        FAILCORE_LOG,  /* allow, and mark */
                        FAILCORE_ALLOW
};

struct failcore_decision {
    size_t size; /* set by the caller: sizeof(struct failcore_decision) */
    enum failcore_verdict verdict;
    int permitted;    /* LOG or ALLOW */
    char code[32];    /* "PATH_DENIED"; "" when permitted */
    char rule[128];   /* id of the rule; "default", "builtin" */
    char origin[256]; /* "agent.yaml:12:5"; "" for the two that are no rules */
    char reason[256];
};

/*
 * May it be done? `kind` "fs": `operation` is a word of failcore-policy(5) (read, write, ...) and
 * `subject` a path relative to the workspace. "net": `operation` NULL, `subject` HOST or ADDRESS,
 * [:PORT[/PROTOCOL]]. "exec": `operation` NULL, `subject` an absolute path.
 * -EINVAL: the question cannot be understood; *ret_decision denies then, as at first.
 */
int failcore_decide(const struct failcore_policy *policy, const char *kind, const char *operation,
                    const char *subject, struct failcore_decision *ret_decision,
                    struct failcore_error *reterr);

/* ---- audit: failcore-audit(5) ------------------------------------------------------------------
 */

struct failcore_audit;

/*
 * Attaches to the log writer of the directory (NULL: this user's), starting one when there is
 * none, and begins a run whose decisions are those of `policy`, which must outlive it.
 */
int failcore_audit_open(const char *directory, const char *program,
                        const struct failcore_policy *policy, struct failcore_audit **ret_audit,
                        struct failcore_error *reterr);
/* All that was recorded is in the log when it returns. */
void failcore_audit_close(struct failcore_audit *audit);
/* The run, as `failcore show` names it. Lives as long as `audit`. */
const char *failcore_audit_run(const struct failcore_audit *audit);

/*
 * Records a decision about this process, before its effect. Any error: do not act. The words are
 * those that were given to failcore_decide().
 */
int failcore_audit_decision(struct failcore_audit *audit, const char *kind, const char *operation,
                            const char *subject, const struct failcore_decision *decision);

/* ---- verification ------------------------------------------------------------------------------
 */

struct failcore_verdict_of_log {
    size_t size; /* set by the caller */
    int intact;
    uint64_t records;
    uint64_t unsigned_count; /* at the end, not signed yet */
    uint64_t bad_seq;        /* when not intact: the first record that is wrong */
    char why[256];
    char root[65]; /* of the Merkle tree of all records, hexadecimal */
};

/* `key`: a vkey or a file with one; NULL: the log's own, which shows no more than consistency. */
int failcore_verify(const char *path, const char *key, struct failcore_verdict_of_log *ret_verdict,
                    struct failcore_error *reterr);

#ifdef __cplusplus
}
#endif

#endif
