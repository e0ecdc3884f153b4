/*
 * A loaded policy and the question asked of it.
 *
 * Ownership: the loaders give the caller a policy; release it with policy_unref(). What a decision
 * or a state points to lives as long as its policy.
 * Threads: a policy is immutable once loaded; any number of threads may step and ask. A reload is
 * a new policy and a pointer swap by the program.
 * Errors: negative errno; loading explains itself in *reterr with file:line:column.
 */
#ifndef FAILCORE_POLICY_POLICY_H
#define FAILCORE_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/failure.h"
#include "shared/base/ip_address.h"
#include "shared/base/str_view.h"
#include "shared/base/text_buffer.h"
#include "shared/policy/denial_codes.h"
#include "shared/policy/operations.h"

struct policy; /* layout private to shared/policy/ */

/* ---- loading ---------------------------------------------------------------------------- */

/*
 * Loads and merges policies: each word is NAME or FILE (with a slash or ending in .yaml; "-" is
 * standard input), extends chains followed, system policies marked `enforce: true` always merged
 * in. No word at all gives the policy that denies everything (REQUIREMENTS A2).
 * -EINVAL: the policy is invalid (exit 65); -ENOENT: not found; others as open(2) and read(2).
 */
int policy_load(const char *const *words, size_t count, struct policy **ret_policy,
                struct failure *reterr);

/* The same with `on_violation: log` over all of it, and no section closed for want of being there:
 * what a policy could permit is permitted and recorded as logged. What is enforced stays so. */
int policy_load_shadow(const char *const *words, size_t count, struct policy **ret_policy,
                       struct failure *reterr);

/*
 * The files that were read for it, parents and enforced ones included, as their paths were opened;
 * none for standard input and for the resolved form. NULL at the end.
 */
const char *policy_file(const struct policy *policy, size_t index);

/*
 * The resolved form: what policy_print() writes, with the origin of each rule. A launcher hands
 * this to the programs it starts, in a sealed memory file, so that all obey the same bytes.
 */
int policy_load_resolved_fd(int fd, struct policy **ret_policy, struct failure *reterr);

struct policy *policy_ref(struct policy *policy);
void policy_unref(struct policy *policy);
static inline void policy_release(struct policy **policy) /* for AUTO() */
{
    policy_unref(*policy);
}

/* One canonical form. parse(print(p)) is the same policy with the same hash. */
int policy_print(const struct policy *policy, struct text_buffer *text);

/* ---- what it is -------------------------------------------------------------------------- */

struct str_view policy_name(const struct policy *policy);
struct str_view policy_revision(const struct policy *policy);
/* First 16 hexadecimal digits of the SHA-256 of the canonical form without origins; NUL-terminated.
 */
const char *policy_hash(const struct policy *policy);

/*
 * Parts of the system that obey policies. A program names the parts it enforces; a policy that
 * asks for more is refused whole: never half-obeyed.
 */
enum policy_part {
    POLICY_PART_FILESYSTEM = 1 << 0,
    POLICY_PART_NETWORK = 1 << 1,
    POLICY_PART_PROCESS = 1 << 2,
    POLICY_PART_SANDBOX = 1 << 3,
    POLICY_PART_LIMITS = 1 << 4,
    POLICY_PART_BREAKER = 1 << 5,
    POLICY_PART_AUDIT = 1 << 6,
    POLICY_PART_DNS_BUDGET = 1 << 7,
    POLICY_PART_NETWORK_BUDGET = 1 << 8,
    POLICY_PART_CONTENT = 1 << 9,
    POLICY_PART_NAME_CHECK = 1 << 10,
};
/* 0, or -EOPNOTSUPP with the first key (file:line:column) that `enforced` does not cover. */
int policy_requires_only(const struct policy *policy, unsigned int enforced,
                         struct failure *reterr);

/* ---- verdicts ---------------------------------------------------------------------------- */

/* In the order of strength: any deny beats hide beats log beats allow. Deny is zero. */
enum verdict { VERDICT_DENY = 0, VERDICT_HIDE, VERDICT_LOG, VERDICT_ALLOW };

typedef struct {
    uint32_t index;
} rule_id;
#define RULE_DEFAULT ((rule_id){UINT32_MAX})     /* no rule: the section's default decided */
#define RULE_BUILTIN ((rule_id){UINT32_MAX - 1}) /* a built-in range or reserved name */

/* How a released flow's own name must be checked. */
enum name_check { NAME_CHECK_TLS = 0, NAME_CHECK_HTTP, NAME_CHECK_ADDRESS_ONLY };

struct decision {
    enum verdict verdict;
    enum denial_code code; /* why not; DENIAL_NONE when verdict is LOG or ALLOW */
    rule_id rule;
    struct str_view reason;     /* borrowed from the policy or static; for the record */
    enum name_check name_check; /* network decisions only */
};

static inline bool decision_permits(struct decision decision)
{
    return decision.verdict == VERDICT_LOG || decision.verdict == VERDICT_ALLOW;
}

/* 0, or the negative errno that the caller of a file operation gets. */
int decision_errno(struct decision decision);

/* "secrets"; "default" and "builtin" for the two that are no rules. */
struct str_view policy_rule_id(const struct policy *policy, rule_id rule);
/* "agent.yaml:12:5"; absent for the two that are no rules. */
struct str_view policy_rule_origin(const struct policy *policy, rule_id rule);

/* ---- file system --------------------------------------------------------------------------- */

/*
 * Where a path stands in the automaton of the path rules. Most states are interned in the policy
 * and cost nothing to hold; past the cache's cap a state is made for its holder. So each state
 * that root and step return is released with policy_state_unref(), whichever it is.
 */
struct policy_state;

/* The mount root. Never NULL. */
const struct policy_state *policy_path_root(const struct policy *policy);
/*
 * The state of `name` in the directory that has `state`. O(length of the name). May allocate in
 * a bounded shared cache; when memory is short it gives the state in which everything is denied.
 * Never NULL. `name` is one component: not empty, no slash, not "." or "..".
 */
const struct policy_state *policy_path_step(const struct policy *policy,
                                            const struct policy_state *state, struct str_view name);
/* Steps through a path relative to the root; empty components and "." are passed over. A ".."
 * gives the state in which everything is denied. */
const struct policy_state *policy_path_walk(const struct policy *policy, struct str_view path);

const struct policy_state *policy_state_ref(const struct policy_state *state);
void policy_state_unref(const struct policy_state *state);

/* Total and pure: no allocation, no I/O, no locks, no failure. One table read. */
struct decision policy_decide_fs(const struct policy *policy, const struct policy_state *state,
                                 enum fs_operation operation);

/* Same verdicts for a file of either name. */
bool policy_states_equal_here(const struct policy_state *a, const struct policy_state *b);
/* Same residual rules for everything below; at its bound it answers no. */
bool policy_states_equal_below(const struct policy *policy, const struct policy_state *a,
                               const struct policy_state *b);
/* Everything is allowed at the name and below, and no deny, hide or log rule can match there: the
 * only thing a native bind may cover. */
bool policy_state_unrestricted_below(const struct policy *policy, const struct policy_state *state);

/* What the `filesystem` section says beside its rules, and `audit` as far as files go. */
enum outside_links { OUTSIDE_LINKS_REFUSE = 0, OUTSIDE_LINKS_COPY_UP, OUTSIDE_LINKS_ALLOW };
struct fs_settings {
    bool devices;                     /* device nodes may be made and used */
    bool setuid;                      /* set-user-id and set-group-id bits may be set */
    enum outside_links outside_links; /* changing a file with links that are not known */
    bool may_hide;                    /* some rule hides: listings must not show what is left out */
    bool may_deny;                    /* some rule denies: what is allowed around it has holes */
    bool audit_full;                  /* audit.level: allowed lookups and stats are recorded too */
    unsigned int sync;                /* 1 << enum fs_operation: durable before they are done */
};
struct fs_settings policy_fs_settings(const struct policy *policy);

/* ---- processes ------------------------------------------------------------------------------ */

/* May the executable at this absolute path be started. Steps as policy_path_walk() does. */
struct decision policy_decide_exec(const struct policy *policy, struct str_view path);

/* ---- network ------------------------------------------------------------------------------- */

enum net_protocol { NET_TCP = 0, NET_UDP, NET_OTHER };

#define NET_PORT_UNKNOWN 0

/*
 * One question. A name alone (address.family IP_NONE) asks "may this name be resolved": is there
 * an allow rule that it could serve; with a port, "may a flow to this name go, at a public
 * address". An address with names asks "may this flow go": the names are
 * those that the guard itself saw resolve to the address.
 */
struct net_request {
    struct ip_address address;
    enum net_protocol protocol;
    uint16_t port;                /* NET_PORT_UNKNOWN only when a name is resolved */
    const struct str_view *names; /* any case, with or without the final dot */
    size_t name_count;
};

/* What the `network` section says beside its rules. Zero is the strict end of each. */
enum tls_exception { TLS_REFUSE = 0, TLS_OUTER_NAME, TLS_ALLOW };
struct net_settings {
    enum tls_exception ech;    /* a hello with an encrypted inner name */
    enum tls_exception no_sni; /* a hello without a name */
    bool quic;                 /* udp 443 may carry QUIC */
    /* dns.upstream in its order; "system" is an entry of family IP_NONE. Borrowed. */
    const struct ip_address *dns_upstreams;
    size_t dns_upstream_count;
    struct {
        uint32_t queries_per_second, burst, unique_names_per_hour;
        uint64_t label_bytes_per_hour;
        uint32_t entropy_bits_per_hour; /* of one registered domain */
    } dns_budget; /* the defaults of the grammar where the policy says nothing */
    struct {
        uint32_t connections_per_minute;        /* 0: no limit */
        uint64_t bytes_out, bytes_out_per_host; /* 0: no limit */
    } budget;
    /* Addresses that a rule with allow_private names. Borrowed. */
    const struct ip_prefix *private_addresses;
    size_t private_address_count;
};
struct net_settings policy_net_settings(const struct policy *policy);

/* Total and pure. The built-in ranges come before any rule (notes in address_ranges.h). */
struct decision policy_decide_net(const struct policy *policy, const struct net_request *request);
/* Which of the names a record should give: the first that gets `decision` alone, so that asking
 * again with it answers the same. 0 when none does. */
size_t policy_net_deciding_name(const struct policy *policy, const struct net_request *request,
                                struct decision decision);

#endif
