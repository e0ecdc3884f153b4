# A router like the guard, without the guard: same addresses on the agent's side, forwarding, no rules, and it
# believes whatever it hears. What arrives through it would arrive without us.
#
#   plain_router_up         after world_start; $plain_agent and $plain_router are network namespaces
#   as_plain CMD...         root in the agent's place
#   at_plain CMD...         root of the router
#   plain_router_down       the world's link to it goes; the namespaces go at the end of the test

plain_router_up()
{
    local ns link gateway
    plain_agent=plain-agent-$$ plain_router=plain-router-$$
    at_exit "ip netns delete $plain_agent; ip netns delete $plain_router"
    ip netns add $plain_agent
    ip netns add $plain_router
    ip link add eth0 address 02:fc:00:00:00:02 netns $plain_agent type veth \
        peer name agent0 address 02:fc:00:00:00:01 netns $plain_router
    ip link add up0 netns $plain_router type veth peer name plain0 netns "$world_ns"
    for ns in $plain_router "$world_ns"; do
        ip netns exec "$ns" sh -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done'
    done
    at_plain sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
        echo 0 >/proc/sys/net/ipv4/icmp_echo_ignore_broadcasts
        cd /proc/sys/net/ipv4/conf; for f in */accept_source_route */accept_local */route_localnet; do echo 1 >$f; done
        echo 2 >/proc/sys/net/ipv6/conf/agent0/accept_ra'
    for ns in "$plain_agent eth0" "$plain_router lo" "$plain_router agent0" "$plain_router up0" "$world_ns plain0"; do
        ip -n ${ns% *} link set "${ns#* }" up
    done
    for link in "$plain_agent eth0 2" "$plain_router agent0 1"; do
        set -- $link
        ip -n "$1" address add 10.77.0.$3/29 dev "$2"
        ip -n "$1" -6 address add fd77:fc::$3/64 dev "$2" nodad
    done
    for link in "$plain_router up0 2" "$world_ns plain0 1"; do
        set -- $link
        ip -n "$1" address add 10.78.255.$3/30 dev "$2"
        ip -n "$1" -6 address add fd78:ff::$3/64 dev "$2" nodad
    done
    ip -n "$plain_router" address add 10.77.0.3/32 dev agent0
    plain_routes
}

plain_routes()
{
    local world_mac gateway
    world_mac=$(world_exec cat /sys/class/net/plain0/address)
    for gateway in 10.78.255.1 fd78:ff::1; do
        ip -n $plain_router neigh replace $gateway lladdr "$world_mac" dev up0
        ip -n $plain_router route add default via $gateway dev up0
    done
    # As a neighbour: a strict source route goes no other way.
    ip -n $plain_router route add 93.184.216.10/32 dev up0
    ip -n $plain_router neigh replace 93.184.216.10 lladdr "$world_mac" dev up0
    ip -n $plain_agent route add default via 10.77.0.1
    ip -n $plain_agent route add default via fd77:fc::1
    ip -n "$world_ns" route add 10.77.0.0/29 via 10.78.255.2
    ip -n "$world_ns" route add fd77:fc::/64 via fd78:ff::2
}

as_plain()
{
    ip netns exec "$plain_agent" "$@"
}

at_plain()
{
    ip netns exec "$plain_router" "$@"
}

plain_router_down()
{
    ip -n "$world_ns" link delete plain0
}
