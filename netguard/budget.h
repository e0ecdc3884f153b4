/*
 * What a run has spent of the policy's budgets (network.budget, network.dns.budget).
 *
 * Bytes are the kernel's count (conntrack), read with each heartbeat: a flow is cut off within half
 * a second of the limit, not at the very byte. Hours and minutes are windows that begin with the
 * first use. Tables are bounded (SR11); at the bound what is new is refused.
 *
 * Ownership: budget_new() / budget_free().
 * Threads: one at a time. Times are CLOCK_BOOTTIME milliseconds of the caller.
 */
#ifndef FAILCORE_NETGUARD_BUDGET_H
#define FAILCORE_NETGUARD_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/str_view.h"
#include "shared/policy/policy.h"

#define BUDGET_HOSTS_MAX   1024U
#define BUDGET_DOMAINS_MAX 1024U
#define BUDGET_NAMES_MAX   65536U /* a policy that grants more per hour grants this many */

struct budget;

struct budget *budget_new(void);
void budget_free(struct budget *budget);

/* NULL when the question may be asked; else why not (static). Charges it. */
const char *budget_charge_question(struct budget *budget, const struct net_settings *settings,
                                   struct str_view name, uint64_t now_ms);

/* The same for a new flow to a host (a name, or an address as text). */
const char *budget_charge_flow(struct budget *budget, const struct net_settings *settings,
                               struct str_view host, uint64_t now_ms);
/* For a flow that is there already: only whether bytes are left. */
const char *budget_check_bytes(const struct budget *budget, const struct net_settings *settings,
                               struct str_view host);

/*
 * Counting the bytes of live flows: begin, one call per flow, end. True from end when a limit was
 * crossed that was not crossed before: live flows must be judged again.
 */
void budget_count_begin(struct budget *budget);
void budget_count_live(struct budget *budget, struct str_view host, uint64_t bytes_out);
bool budget_count_end(struct budget *budget, const struct net_settings *settings);
/* All that was counted, of ended and of live flows. */
uint64_t budget_bytes_sent(const struct budget *budget);
/* A flow has ended with this many bytes. */
void budget_count_ended(struct budget *budget, struct str_view host, uint64_t bytes_out);

#endif
