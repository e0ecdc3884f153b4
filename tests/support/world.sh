# The world outside, for tests and the demo: one network namespace that stands for the whole
# internet, with hosts on public-looking addresses, the private and metadata services that nobody
# may reach, and a DNS server that answers whatever the test wants.
#
#   . "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
#   . "$FAILCORE_SOURCE_DIR/tests/support/world.sh"
#   world_start
#   failcore-netns create NAME --uplink "netns:$world_ns" --policy ...
#
# Gives
#   $world_ns          its name under /run/netns; its resolver is in /etc/netns/$world_ns/resolv.conf
#                      where that can be written (as `ip netns exec` has it)
#   $world_dns         the resolver's address, port 53 udp and tcp
#   $world_dir         private directory: zone, seen, ca.pem, capture.pcap
#   world_exec CMD...              runs CMD in the world
#   world_host NAME ADDRESS...     a host: the addresses are put on the world, the name answers them
#   world_zone 'NAME TYPE VALUE'   any other answer (A, AAAA, CNAME, TXT, HTTPS hex, RCODE, HOOK; see
#                                  world_server.py). "A 1.2.3.4 | 10.0.0.1": first one, then the other
#   world_machine                  a machine on a link of its own, lan0 to the world and wan0 to the machine:
#                                  the network namespace $machine, 93.184.215.5, its gateway 93.184.215.1
#   world_saw PATTERN              true when a server of the world met something that matches
#                                  ("dns udp NAME TYPE", "http HOST ADDRESS:PORT", "tcp …", "tls …", "udp …")
#   world_capture / world_captured FILTER    every packet from here on; true when one matches FILTER
#   world_stop                     also done at the end of the test
#
# From the start there are: www.example.org, api.example.org, www.example.com, files.example.net
# (public, IPv4 and IPv6), rebind.example.com (public name, private answer), and on private
# addresses 169.254.169.254, 10.0.0.1, 192.168.1.1, 127.0.0.1 of the world. Each host serves http
# on 80 and 8080 (the body is "world NAME ADDRESS PORT"), https on 443 (ca.pem), tcp echo on 7 and
# 7777, udp echo on 7 and 7777.
#
# Needs root, or to be root of a user namespace with its own mount namespace and writable /run.

world_dns=9.9.9.53

world_start()
{
    local tool address
    for tool in ip python3 openssl; do
        command -v "$tool" >/dev/null || skip "needs $tool"
    done
    world_ns=world-$$-$RANDOM
    world_dir=$work/world
    mkdir -p "$world_dir"
    : >"$world_dir/zone"
    : >"$world_dir/seen"
    ip netns add "$world_ns" || skip "cannot make a network namespace"
    at_exit world_stop
    if mkdir -p "/etc/netns/$world_ns" 2>/dev/null; then
        echo "nameserver $world_dns" >"/etc/netns/$world_ns/resolv.conf"
    fi
    ip -n "$world_ns" link set lo up
    for address in "$world_dns/32" 169.254.169.254/32 10.0.0.1/32 192.168.1.1/32 \
        fd00:ec2::254/128 fe80::a9fe:a9fe/64; do
        ip -n "$world_ns" address add "$address" dev lo
    done
    world_host www.example.org 93.184.216.10 2606:2800:220::10
    world_host api.example.org 93.184.216.11 2606:2800:220::11
    world_host www.example.com 93.184.216.12 2606:2800:220::12
    world_host files.example.net 93.184.216.13 2606:2800:220::13
    world_zone 'rebind.example.com A 10.0.0.1'
    world_certificates || skip "openssl cannot make certificates"
    # Not world_exec: a function in the background is a shell of its own, and killing that one
    # would leave the server behind.
    ip netns exec "$world_ns" python3 "$FAILCORE_SOURCE_DIR/tests/support/world_server.py" \
        "$world_dir" >"$world_dir/server.log" 2>&1 </dev/null &
    world_server=$!
    if ! wait_until 10 test -e "$world_dir/ready"; then
        cat "$world_dir/server.log"
        echo "the world did not come up"
        exit 1
    fi
}

world_certificates()
{
    (
        cd "$world_dir" || exit 1
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
            -subj /CN=world -keyout key.pem -out ca.pem \
            -addext 'subjectAltName=DNS:*.example.org,DNS:*.example.com,DNS:*.example.net,DNS:example.org' \
            2>openssl.log
    )
}

world_machine()
{
    machine=machine-$$-$RANDOM
    at_exit "ip netns delete $machine; rm -rf /etc/netns/$machine"
    ip netns add "$machine"
    mkdir -p "/etc/netns/$machine"
    echo "nameserver $world_dns" >"/etc/netns/$machine/resolv.conf"
    ip link add wan0 netns "$machine" type veth peer name lan0 netns "$world_ns"
    ip -n "$machine" link set lo up
    ip -n "$machine" address add 93.184.215.5/24 dev wan0
    ip -n "$machine" link set wan0 up
    ip -n "$machine" route add default via 93.184.215.1
    ip -n "$world_ns" address add 93.184.215.1/24 dev lan0
    ip -n "$world_ns" link set lan0 up
}

world_exec()
{
    ip netns exec "$world_ns" "$@"
}

world_host()
{
    local name=$1 address
    shift
    for address in "$@"; do
        case $address in
        *:*)
            ip -n "$world_ns" address add "$address/128" dev lo 2>/dev/null
            world_zone "$name AAAA $address"
            ;;
        *)
            ip -n "$world_ns" address add "$address/32" dev lo 2>/dev/null
            world_zone "$name A $address"
            ;;
        esac
    done
}

world_zone()
{
    echo "$1" >>"$world_dir/zone"
}

world_saw()
{
    grep -q -- "$1" "$world_dir/seen"
}

world_capture()
{
    command -v tcpdump >/dev/null || skip "needs tcpdump"
    ip netns exec "$world_ns" tcpdump -Z root -i any -U -n -w "$world_dir/capture.pcap" \
        >/dev/null 2>"$world_dir/tcpdump.log" </dev/null &
    world_tcpdump=$!
    wait_until 5 grep -q 'listening on' "$world_dir/tcpdump.log"
}

# Waits a moment, so that what is on its way has arrived.
world_captured()
{
    sleep 0.3
    [ -n "$(tcpdump -n -r "$world_dir/capture.pcap" "$1" 2>/dev/null | head -n 1)" ]
}

world_stop()
{
    [ -n "${world_tcpdump:-}" ] && kill "$world_tcpdump" 2>/dev/null
    [ -n "${world_server:-}" ] && kill "$world_server" 2>/dev/null
    wait ${world_tcpdump:-} ${world_server:-} 2>/dev/null
    ip netns delete "$world_ns" 2>/dev/null
    rm -f "/etc/netns/$world_ns/resolv.conf" 2>/dev/null
    rmdir "/etc/netns/$world_ns" /etc/netns 2>/dev/null
    world_tcpdump=
    world_server=
    return 0
}
