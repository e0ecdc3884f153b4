/*
 * Every reason for a refusal: the word in records, in `failcore why`, in .failcore/denials and in
 * Extended DNS Errors. One table; `failcore errors` prints it.
 */
#ifndef FAILCORE_POLICY_DENIAL_CODES_H
#define FAILCORE_POLICY_DENIAL_CODES_H

#include <errno.h>

/* name, errno the caller gets (0: no file operation), meaning, mend */
#define DENIAL_CODE_TABLE(ROW)                                                                     \
    ROW(PATH_DENIED, EACCES, "a rule or the default denies this path",                             \
        "allow the path in filesystem.rules, or leave it alone")                                   \
    ROW(PATH_HIDDEN, ENOENT, "a rule hides this path (in the log only)", "remove the hide rule")   \
    ROW(OUTSIDE_VIEW, EACCES, "the path is outside what this run can see",                         \
        "bind it in with sandbox.read_only or sandbox.read_write")                                 \
    ROW(READ_ONLY, EROFS, "the tree is mounted read-only", "add it to sandbox.read_write")         \
    ROW(LINK_ESCAPE, EACCES, "the link leaves the workspace, or the file has names outside it",    \
        "copy the file into the workspace; or set filesystem.outside_links")                       \
    ROW(RENAME_ESCAPE, EXDEV, "the two names have different rules",                                \
        "copy and delete instead, as mv does by itself")                                           \
    ROW(EXEC_DENIED, EACCES, "a process rule denies this executable", "allow it in process.rules") \
    ROW(SSRF_BLOCKED, EACCES, "a special-purpose, private or metadata address",                    \
        "an address rule with allow_private: true, if it is really wanted")                        \
    ROW(DOMAIN_DENIED, EACCES, "no rule allows this name", "add the host to network.rules")        \
    ROW(ADDRESS_DENIED, EACCES, "no rule allows this address",                                     \
        "connect by a name that a rule allows, or add an address rule")                            \
    ROW(PORT_DENIED, EACCES, "the name or address is allowed, this port is not",                   \
        "add the port to the rule")                                                                \
    ROW(PROTOCOL_DENIED, EACCES, "this protocol is not allowed", "add it to the rule's protocols") \
    ROW(NAME_MISMATCH, EACCES, "the name inside the connection is not one that was allowed",       \
        "connect to the host by its own name")                                                     \
    ROW(DNS_REBINDING, EACCES, "a public name answered with a private address",                    \
        "ask whoever runs that name's DNS")                                                        \
    ROW(DNS_BUDGET, EACCES, "too many or too unusual DNS questions", "raise network.dns.budget")   \
    ROW(DNS_MALFORMED, EACCES, "a DNS message that cannot be parsed safely",                       \
        "look at the record; nothing of ours needs changing")                                      \
    ROW(PACKET_MALFORMED, EACCES, "a packet that cannot be parsed safely",                         \
        "look at the record; nothing of ours needs changing")                                      \
    ROW(BUDGET_EXCEEDED, EACCES, "the policy's budget is used up", "raise network.budget")         \
    ROW(LIMIT_TIME, 0, "the run's time limit", "raise limits.wall_time")                           \
    ROW(LIMIT_MEMORY, 0, "the run's memory limit", "raise limits.memory")                          \
    ROW(LIMIT_CPU, 0, "the run's CPU limit", "raise limits.cpu_time")                              \
    ROW(LIMIT_PROCESSES, 0, "the run's process limit", "raise limits.processes")                   \
    ROW(LIMIT_OUTPUT, 0, "the run's output limit", "raise limits.output_bytes")                    \
    ROW(LIMIT_DISK, EDQUOT, "the run's disk limit", "raise limits.disk")                           \
    ROW(SYSCALL_DENIED, EPERM, "a system call that no run may make",                               \
        "see sandbox.nested for agents that sandbox their own children")                           \
    ROW(BREAKER_TRIPPED, EACCES, "the circuit breaker has tripped",                                \
        "failcore resume RUN, or failcore kill RUN")                                               \
    ROW(AUDIT_UNAVAILABLE, EIO, "the decision could not be recorded",                              \
        "free space in the audit directory, restart failcore-auditd")                              \
    ROW(POLICY_INVALID, 0, "the policy cannot be used", "mend the file at the line named")         \
    ROW(INTERNAL, EIO, "failcore itself failed", "report it with this record")

/* DENIAL_NONE is zero: an allowed decision has no code. */
enum denial_code {
    DENIAL_NONE = 0,
#define DENIAL_CODE_ENUM(name, error, meaning, mend) DENIAL_##name,
    DENIAL_CODE_TABLE(DENIAL_CODE_ENUM) DENIAL_CODE_COUNT
#undef DENIAL_CODE_ENUM
};

/* "PATH_DENIED"; "" for DENIAL_NONE. */
const char *denial_code_word(enum denial_code code);
const char *denial_code_meaning(enum denial_code code);
const char *denial_code_mend(enum denial_code code);
/* Positive errno; 0 where there is none. */
int denial_code_errno(enum denial_code code);

#endif
