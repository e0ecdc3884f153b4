#include "netguard/guard.h"

#include "netguard/guard_breaker.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netguard/flow/flow_mark.h"
#include "netguard/guard_calls.h"
#include "netguard/link/sysctl.h"
#include "netguard/nft/queue_choice.h"
#include "netguard/nft/ruleset.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/confine/capabilities.h"
#include "shared/confine/privileges.h"

static int explain(struct failure *reterr, int error, const char *what)
{
    failure_set(reterr, error, "%s: %s", what, strerror(-error));
    failure_set_needed(reterr, "the network guard");
    failure_set_mend(reterr, "failcore doctor");
    return error;
}

/* The resolvers that the world uses: what `ip netns exec` would show there, else the host's. */
static void find_system_upstreams(const struct guard_options *options,
                                  struct dns_upstreams *ret_upstreams)
{
    char path[PATH_MAX + sizeof("/etc/netns//resolv.conf")];
    const char *name = strrchr(options->uplink.where, '/');

    *ret_upstreams = (struct dns_upstreams){.count = 0};
    if (options->uplink.kind == UPLINK_NETNS && name != NULL) {
        snprintf(path, sizeof(path), "/etc/netns%s/resolv.conf", name);
        dns_upstreams_read(path, ret_upstreams);
    } else {
        dns_upstreams_read("/etc/resolv.conf", ret_upstreams);
    }
}

static void add_upstreams(struct dns_upstreams *upstreams, const struct ip_address *more,
                          size_t count)
{
    for (size_t i = 0; i < count && upstreams->count < DNS_UPSTREAMS_MAX; i++) {
        upstreams->addresses[upstreams->count++] = more[i];
    }
}

/* The command line's, else the policy's in its order, where "system" stands for the system's. */
static struct dns_upstreams find_upstreams(const struct guard_options *options,
                                           const struct net_settings *settings)
{
    struct dns_upstreams upstreams = options->upstreams, of_system;

    if (upstreams.count > 0 || options->uplink.kind == UPLINK_NONE) {
        return upstreams;
    }
    for (size_t i = 0; i < settings->dns_upstream_count; i++) {
        if (settings->dns_upstreams[i].family != IP_NONE) {
            add_upstreams(&upstreams, &settings->dns_upstreams[i], 1);
        } else {
            find_system_upstreams(options, &of_system);
            add_upstreams(&upstreams, of_system.addresses, of_system.count);
        }
    }
    return upstreams;
}

static int start_asker(struct guard *guard, const struct guard_options *options, int world,
                       int *ret_socket, struct failure *reterr)
{
    guard->upstreams = find_upstreams(options, &guard->gate.settings);
    guard->asker_pid = dns_asker_start(&guard->upstreams, world, ret_socket, reterr);
    return guard->asker_pid < 0 ? guard->asker_pid : 0;
}

/* Beyond veth and pasta lies the host; a named namespace is a world of its own. */
static int watch_host(struct guard *guard, const struct guard_options *options,
                      struct failure *reterr)
{
    int error;

    if (options->uplink.kind != UPLINK_VETH && options->uplink.kind != UPLINK_PASTA) {
        return 0;
    }
    error = host_networks_open(&guard->host);
    return error < 0 ? explain(reterr, error, "cannot read the host's networks") : 0;
}

int guard_update_host(struct guard *guard)
{
    int error = host_networks_refresh(&guard->host);

    return error < 0
               ? error
               : ruleset_set_host_networks(&guard->tables, guard->host.prefixes, guard->host.count);
}

/* The one that worked last, then the other; what neither does is explained by asking for less. */
static int install_with_queue(struct guard *guard, const struct ruleset_config *config,
                              const struct queue_choice *choice, struct failure *reterr)
{
    enum queue_statement statement = choice->first;
    struct failure first = {0};
    struct failure unused = {0};
    int error = ruleset_install(&guard->tables, config, statement, &first);

    if (error == -ENOENT || error == -EOPNOTSUPP) {
        statement = statement == QUEUE_NATIVE ? QUEUE_XT_TARGET : QUEUE_NATIVE;
        error = ruleset_install(&guard->tables, config, statement, &unused);
    }
    if (error == 0) {
        queue_choice_keep(choice, statement);
        return 0;
    }
    if (ruleset_probe_queue(&guard->tables, &statement, reterr) == 0) {
        *reterr = first;
    }
    return error;
}

static int install_rules(struct guard *guard, const struct queue_choice *choice,
                         struct failure *reterr)
{
    struct ruleset_config config = {
        .agent_link = TOPOLOGY_AGENT_LINK,
        .agent_index = if_nametoindex(TOPOLOGY_AGENT_LINK),
        .uplink_link = TOPOLOGY_UPLINK_LINK,
        .agent_v4 = topology_agent_v4(),
        .agent_v6 = topology_agent_v6(),
        .private_addresses = guard->gate.settings.private_addresses,
        .private_address_count = guard->gate.settings.private_address_count,
        .queues = packet_queue_numbers(),
    };
    int error;

    if (config.agent_index == 0) {
        return explain(reterr, -errno, "cannot find the link to the agent");
    }
    guard->agent_link = config.agent_index;
    error = netlink_open(NETLINK_NETFILTER, &guard->tables);
    if (error < 0) {
        return explain(reterr, error, "cannot open a netfilter socket");
    }
    error = install_with_queue(guard, &config, choice, reterr);
    if (error == 0) {
        error = sysctl_set_conntrack(reterr);
    }
    if (error == 0 && guard->host.count > 0) {
        error = ruleset_set_host_networks(&guard->tables, guard->host.prefixes, guard->host.count);
        if (error < 0) {
            explain(reterr, error, "cannot close the host's networks");
        }
    }
    return error;
}

static int open_queues(struct guard *guard, struct failure *reterr)
{
    int error = packet_queue_open(RULESET_QUEUE, packet_queue_numbers(), &guard->queue);

    if (error < 0) {
        return explain(reterr, error, "cannot listen on the packet queue");
    }
    error = conntrack_open(&guard->conntrack);
    if (error < 0) {
        return explain(reterr, error, "cannot listen for the ends of flows");
    }
    error = drop_log_open(RULESET_LOG_GROUP, &guard->drop_log);
    return error < 0 ? explain(reterr, error, "cannot listen on the log of drops") : 0;
}

static int start_resolver(struct guard *guard, int asker, struct failure *reterr)
{
    struct resolver_sockets sockets = {.udp = {-1, -1}, .tcp = {-1, -1}, .asker = asker};
    int error = resolver_open_sockets(TOPOLOGY_AGENT_LINK, &sockets, reterr);

    if (error == 0) {
        guard->resolver_pid = resolver_start(&sockets, &guard->resolver, reterr);
        error = guard->resolver_pid < 0 ? guard->resolver_pid : 0;
    }
    sockets.asker = -1; /* the caller's */
    resolver_close_sockets(&sockets);
    return error;
}

static int open_links(struct guard *guard, const struct guard_options *options,
                      struct failure *reterr)
{
    int error = topology_raise_agent_link(&guard->topology, reterr);

    if (error == 0) {
        error = uplink_raise(&options->uplink, &guard->topology, &guard->uplink, reterr);
    }
    if (error < 0) {
        return error;
    }
    error = guard_heartbeat(guard);
    if (error < 0) {
        return explain(reterr, error, "cannot feed the lease of released flows");
    }
    return sysctl_open_forwarding(reterr);
}

/* Every verdict and every pin needs CAP_NET_ADMIN over the guard's namespace; nothing else is
 * needed any more, and nothing else is left. */
static int give_up_privileges(struct guard *guard, struct failure *reterr)
{
    int error = privileges_forbid_new();

    if (error == 0) {
        error = topology_retire(&guard->topology);
    }
    if (error == 0) {
        error = capabilities_keep_only(CAPABILITY(CAP_NET_ADMIN));
    }
    if (error == 0) {
        error = process_hide();
    }
    if (error == 0) {
        error = process_forbid_core();
    }
    if (error == 0) {
        error = guard_calls_enter(GUARD_DAEMON);
    }
    return error < 0 ? explain(reterr, error, "cannot give up privileges") : 0;
}

/* It is closed and has no link yet: whoever starts us may go on while we do. */
static int tell_starter(const struct guard *guard, int starter, struct failure *reterr)
{
    const int fds[2] = {guard->topology.agent, guard->topology.owner};
    const struct ip_address resolver = topology_guard_v4();
    char address[IP_ADDRESS_TEXT_MAX];
    char text[sizeof("namespaces ") + IP_ADDRESS_TEXT_MAX];
    int error;

    if (starter < 0) {
        return 0;
    }
    snprintf(text, sizeof(text), "namespaces %s", ip_address_format(&resolver, address));
    error = send_with_fds(starter, text, strlen(text), fds, fds[1] < 0 ? 1 : 2);
    return error < 0 ? explain(reterr, error, "cannot hand over the network namespace") : 0;
}

static int start_all(struct guard *guard, const struct guard_options *options,
                     struct failure *reterr)
{
    const struct queue_choice choice = queue_choice_read();
    AUTO_CLOSE int asker = -1;
    int error = uplink_prepare(&options->uplink, &guard->uplink, reterr);

    if (error == 0) {
        error = watch_host(guard, options, reterr);
    }
    if (error == 0) {
        error = start_asker(guard, options, guard->uplink.world, &asker, reterr);
    }
    if (error == 0) {
        error = topology_make_agent(&guard->topology, reterr);
    }
    if (error == 0) {
        error = tell_starter(guard, options->starter, reterr);
    }
    if (error == 0) {
        error = audit_producer_arrive(options->audit, reterr);
    }
    if (error == 0) {
        error = topology_make_guard(&guard->topology, reterr);
    }
    if (error == 0) {
        error = install_rules(guard, &choice, reterr);
    }
    if (error == 0) {
        error = open_queues(guard, reterr);
    }
    if (error == 0) {
        error = start_resolver(guard, asker, reterr);
    }
    if (error == 0) {
        error = open_links(guard, options, reterr);
    }
    close_fd(&guard->uplink.world); /* nobody has to go there any more */
    return error < 0 ? error : give_up_privileges(guard, reterr);
}

int guard_start(struct guard *guard, const struct guard_options *options, struct failure *reterr)
{
    int error;

    *guard = (struct guard){
        .topology = options->topology,
        .gate = {.policy = policy_ref(options->policy),
                 .settings = policy_net_settings(options->policy),
                 .audit = options->audit,
                 .closed = options->uplink.kind == UPLINK_NONE},
        .uplink = {.world = -1, .keeper = -1},
        .generation = 1,
        .resolver = -1,
        .control_is_roots = options->control_is_roots,
        .control_home = options->control_home,
    };
    guard->gate.host = &guard->host;
    guard->gate.breaker = &guard->breaker;
    guard->pins = pin_table_new();
    guard->gate.budget = budget_new();
    guard->flows = flow_table_new();
    error = guard->pins == NULL || guard->flows == NULL || guard->gate.budget == NULL
                ? -ENOMEM
                : guard_breaker_open(guard, options);
    error = error < 0 ? explain(reterr, error, "cannot start the guard")
                      : start_all(guard, options, reterr);
    if (error < 0) {
        guard_stop(guard);
    }
    return error;
}

static void end_child(int *pid)
{
    if (*pid > 0 && kill(*pid, SIGKILL) == 0) {
        waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

void guard_stop(struct guard *guard)
{
    /* Once confined, we cannot signal anybody. The end of its socket ends the resolver, the
     * resolver's end the asker, and our own end both of them in any case. */
    close_fd(&guard->resolver);
    uplink_close(&guard->uplink);
    host_networks_close(&guard->host);
    end_child(&guard->resolver_pid);
    end_child(&guard->asker_pid);
    drop_log_close(&guard->drop_log);
    conntrack_close(&guard->conntrack);
    packet_queue_close(&guard->queue);
    netlink_close(&guard->tables);
    topology_close(&guard->topology);
    pin_table_free(guard->pins);
    flow_table_free(guard->flows);
    budget_free(guard->gate.budget);
    breaker_clear(&guard->breaker);
    guard->gate.budget = NULL;
    policy_unref(guard->gate.policy);
    guard->gate.policy = NULL;
    guard->pins = NULL;
    guard->flows = NULL;
}

int guard_heartbeat(struct guard *guard)
{
    int tracked = conntrack_count(&guard->conntrack);

    guard->tracked = tracked < 0 ? GUARD_TRACKED_MAX : (size_t)tracked;
    return ruleset_feed_lease(&guard->tables, guard->generation);
}

/* The asker has no way to hear of others: it was given its resolvers before it was confined. */
static int keep_upstreams(const struct net_settings *before, const struct net_settings *after,
                          struct failure *reterr)
{
    bool same = before->dns_upstream_count == after->dns_upstream_count;

    for (size_t i = 0; same && i < before->dns_upstream_count; i++) {
        same = ip_address_equals(&before->dns_upstreams[i], &after->dns_upstreams[i]);
    }
    if (same) {
        return 0;
    }
    failure_set(reterr, -EOPNOTSUPP, "a running guard keeps its network.dns.upstream");
    failure_set_mend(reterr, "end the run, or delete and create the network");
    return -EOPNOTSUPP;
}

int guard_reload(struct guard *guard, int policy_fd, struct failure *reterr)
{
    uint32_t generation = flow_generation_next(guard->generation);
    struct policy *policy = NULL;
    struct net_settings settings;
    int error = policy_load_resolved_fd(policy_fd, &policy, reterr);

    if (error == 0) {
        error = policy_requires_only(policy, GUARD_ENFORCED, reterr);
    }
    if (error < 0) {
        policy_unref(policy);
        return explain(reterr, error, "the policy was not reloaded");
    }
    settings = policy_net_settings(policy);
    error = keep_upstreams(&guard->gate.settings, &settings, reterr);
    if (error < 0) {
        policy_unref(policy);
        return error;
    }
    error = audit_producer_set_policy(guard->gate.audit, policy_name(policy),
                                      policy_revision(policy), str_view_from(policy_hash(policy)));
    if (error == 0) {
        error = breaker_set_policy(&guard->breaker, policy);
    }
    if (error < 0) {
        policy_unref(policy);
        return explain(reterr, error, "the policy was not reloaded");
    }
    error = ruleset_change_generation(&guard->tables, generation, settings.private_addresses,
                                      settings.private_address_count);
    if (error < 0) {
        policy_unref(policy);
        explain(reterr, error, "cannot change the kernel's sets");
        return -ENOTRECOVERABLE;
    }
    policy_unref(guard->gate.policy);
    guard->gate.policy = policy;
    guard->gate.settings = settings;
    guard->generation = generation;
    return 0;
}

int guard_judge_all_again(struct guard *guard)
{
    uint32_t generation = flow_generation_next(guard->generation);
    int error = ruleset_change_generation(&guard->tables, generation,
                                          guard->gate.settings.private_addresses,
                                          guard->gate.settings.private_address_count);

    if (error == 0) {
        guard->generation = generation;
    }
    return error;
}
