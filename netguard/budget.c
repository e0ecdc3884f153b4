#include "netguard/budget.h"

#include <stdlib.h>
#include <string.h>

#include "netguard/dns/label_entropy.h"
#include "shared/policy/host_registry.h"

#define HOUR_MS    3600000U
#define MINUTE_MS  60000U
#define NAME_SLOTS (BUDGET_NAMES_MAX * 2)
#define HOST_BYTES 254U

struct domain_spent {
    uint64_t hash; /* of the registered domain */
    uint64_t entropy;
};

struct host_spent {
    char name[HOST_BYTES];
    size_t length;
    uint64_t ended, live;
    bool over;
};

struct budget {
    /* DNS */
    uint64_t tokens_milli, tokens_at_ms;
    bool tokens_begun;
    uint64_t hour_began_ms;
    uint32_t names;
    uint64_t label_bytes;
    uint64_t seen[NAME_SLOTS]; /* hashes of this hour's names; 0: free */
    struct domain_spent domains[BUDGET_DOMAINS_MAX];
    size_t domain_count;
    /* flows */
    uint64_t minute_began_ms;
    uint32_t connections;
    uint64_t ended, live;
    bool over;
    struct host_spent hosts[BUDGET_HOSTS_MAX];
    size_t host_count;
};

struct budget *budget_new(void)
{
    return calloc(1, sizeof(struct budget));
}

void budget_free(struct budget *budget)
{
    free(budget);
}

static uint64_t hash_of(struct str_view text)
{
    uint64_t hash = 0xcbf29ce484222325U;

    for (size_t i = 0; i < text.length; i++) {
        hash = (hash ^ (uint8_t)text.bytes[i]) * 0x100000001b3U;
    }
    return hash == 0 ? 1 : hash;
}

/* The slot where the name is, or where it would go. */
static size_t name_slot(const struct budget *budget, uint64_t hash)
{
    size_t slot = hash % NAME_SLOTS;

    while (budget->seen[slot] != 0 && budget->seen[slot] != hash) {
        slot = (slot + 1) % NAME_SLOTS;
    }
    return slot;
}

static bool take_token(struct budget *budget, uint32_t per_second, uint32_t burst, uint64_t now_ms)
{
    uint64_t most = (uint64_t)burst * 1000;

    if (!budget->tokens_begun) {
        budget->tokens_begun = true;
        budget->tokens_milli = most;
        budget->tokens_at_ms = now_ms;
    }
    budget->tokens_milli += (now_ms - budget->tokens_at_ms) * per_second;
    budget->tokens_milli = budget->tokens_milli > most ? most : budget->tokens_milli;
    budget->tokens_at_ms = now_ms;
    if (budget->tokens_milli < 1000) {
        return false;
    }
    budget->tokens_milli -= 1000;
    return true;
}

/* NULL: no room for one more. */
static struct domain_spent *domain_of(struct budget *budget, struct str_view registered)
{
    uint64_t hash = hash_of(registered);

    for (size_t i = 0; i < budget->domain_count; i++) {
        if (budget->domains[i].hash == hash) {
            return &budget->domains[i];
        }
    }
    if (budget->domain_count == BUDGET_DOMAINS_MAX) {
        return NULL;
    }
    budget->domains[budget->domain_count] = (struct domain_spent){.hash = hash};
    return &budget->domains[budget->domain_count++];
}

/* What stands before the registered domain; that itself was somebody else's choice. */
static const char *charge_entropy(struct budget *budget, uint32_t bits, struct str_view name)
{
    struct str_view registered = host_name_registered(name);
    struct domain_spent *domain = domain_of(budget, registered);
    uint64_t entropy;

    if (domain == NULL) {
        return "more different domains per hour than the guard counts";
    }
    entropy =
        name.length == registered.length
            ? 0
            : label_entropy((struct str_view){name.bytes, name.length - registered.length - 1});
    if (domain->entropy + entropy > (uint64_t)bits * LABEL_ENTROPY_BIT) {
        return "more information in a domain's names per hour than dns.budget grants";
    }
    domain->entropy += entropy;
    return NULL;
}

static void begin_hour(struct budget *budget, uint64_t now_ms)
{
    budget->hour_began_ms = now_ms;
    budget->names = 0;
    budget->label_bytes = 0;
    budget->domain_count = 0;
    memset(budget->seen, 0, sizeof(budget->seen));
}

const char *budget_charge_question(struct budget *budget, const struct net_settings *settings,
                                   struct str_view name, uint64_t now_ms)
{
    uint32_t most = settings->dns_budget.unique_names_per_hour;
    uint64_t hash = hash_of(name);
    const char *why;
    size_t slot;

    if (budget->hour_began_ms == 0 || now_ms - budget->hour_began_ms >= HOUR_MS) {
        begin_hour(budget, now_ms);
    }
    slot = name_slot(budget, hash);
    if (!take_token(budget, settings->dns_budget.queries_per_second, settings->dns_budget.burst,
                    now_ms)) {
        return "more questions per second than dns.budget grants";
    }
    if (budget->seen[slot] == hash) {
        return NULL;
    }
    if (budget->names >= (most < BUDGET_NAMES_MAX ? most : BUDGET_NAMES_MAX)) {
        return "more different names per hour than dns.budget grants";
    }
    if (budget->label_bytes + name.length > settings->dns_budget.label_bytes_per_hour) {
        return "more bytes in names per hour than dns.budget grants";
    }
    why = charge_entropy(budget, settings->dns_budget.entropy_bits_per_hour, name);
    if (why != NULL) {
        return why;
    }
    budget->seen[slot] = hash;
    budget->names++;
    budget->label_bytes += name.length;
    return NULL;
}

/* BUDGET_HOSTS_MAX: not there. */
static size_t host_index(const struct budget *budget, struct str_view host)
{
    for (size_t i = 0; i < budget->host_count; i++) {
        const struct host_spent *known = &budget->hosts[i];

        if (str_view_equals((struct str_view){known->name, known->length}, host)) {
            return i;
        }
    }
    return BUDGET_HOSTS_MAX;
}

static struct host_spent *find_host(struct budget *budget, struct str_view host)
{
    size_t index = host_index(budget, host);

    return index == BUDGET_HOSTS_MAX ? NULL : &budget->hosts[index];
}

static struct host_spent *add_host(struct budget *budget, struct str_view host)
{
    struct host_spent *known = find_host(budget, host);

    if (known != NULL || budget->host_count == BUDGET_HOSTS_MAX || host.length >= HOST_BYTES) {
        return known;
    }
    known = &budget->hosts[budget->host_count++];
    *known = (struct host_spent){.length = host.length};
    if (host.length > 0) {
        memcpy(known->name, host.bytes, host.length);
    }
    return known;
}

const char *budget_check_bytes(const struct budget *budget, const struct net_settings *settings,
                               struct str_view host)
{
    uint64_t most = settings->budget.bytes_out, most_per_host = settings->budget.bytes_out_per_host;
    size_t index = most_per_host == 0 ? BUDGET_HOSTS_MAX : host_index(budget, host);

    if (most != 0 && budget->ended + budget->live >= most) {
        return "the run has sent as many bytes as budget.bytes_out grants";
    }
    if (index != BUDGET_HOSTS_MAX &&
        budget->hosts[index].ended + budget->hosts[index].live >= most_per_host) {
        return "the run has sent this host as many bytes as budget.bytes_out_per_host grants";
    }
    return NULL;
}

const char *budget_charge_flow(struct budget *budget, const struct net_settings *settings,
                               struct str_view host, uint64_t now_ms)
{
    uint32_t most = settings->budget.connections_per_minute;

    if (budget->minute_began_ms == 0 || now_ms - budget->minute_began_ms >= MINUTE_MS) {
        budget->minute_began_ms = now_ms;
        budget->connections = 0;
    }
    if (most != 0 && budget->connections >= most) {
        return "more connections per minute than budget.connections_per_minute grants";
    }
    if (settings->budget.bytes_out_per_host != 0 && add_host(budget, host) == NULL) {
        return "more different hosts than the guard counts bytes for";
    }
    budget->connections++;
    return budget_check_bytes(budget, settings, host);
}

void budget_count_begin(struct budget *budget)
{
    budget->live = 0;
    for (size_t i = 0; i < budget->host_count; i++) {
        budget->hosts[i].live = 0;
    }
}

void budget_count_live(struct budget *budget, struct str_view host, uint64_t bytes_out)
{
    struct host_spent *known = find_host(budget, host);

    budget->live += bytes_out;
    if (known != NULL) {
        known->live += bytes_out;
    }
}

/* Sets *over and tells whether it is news. */
static bool crossed(bool *over, uint64_t spent, uint64_t most)
{
    bool before = *over;

    *over = most != 0 && spent >= most;
    return *over && !before;
}

bool budget_count_end(struct budget *budget, const struct net_settings *settings)
{
    bool news = crossed(&budget->over, budget->ended + budget->live, settings->budget.bytes_out);

    for (size_t i = 0; i < budget->host_count; i++) {
        struct host_spent *host = &budget->hosts[i];

        news =
            crossed(&host->over, host->ended + host->live, settings->budget.bytes_out_per_host) ||
            news;
    }
    return news;
}

uint64_t budget_bytes_sent(const struct budget *budget)
{
    return budget->ended + budget->live;
}

void budget_count_ended(struct budget *budget, struct str_view host, uint64_t bytes_out)
{
    struct host_spent *known = find_host(budget, host);

    budget->ended += bytes_out;
    if (known != NULL) {
        known->ended += bytes_out;
    }
}
