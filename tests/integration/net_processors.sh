#!/usr/bin/env bash
# The packet queue is one for each processor, and the guard hears all of them: whoever connects, from
# whichever processor, is judged; a flow whose packets come from several stays in order. The guard goes
# where packets come from, and is free again afterwards.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
command -v taskset >/dev/null || skip "needs taskset"
mapfile -t processors < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)), sep="\n")')
queues=$(getconf _NPROCESSORS_CONF)
[ "$queues" -le 16 ] || queues=16

world_start
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: processors-test
network:
  rules:
    - {id: web, action: allow, hosts: [www.example.org], ports: [80]}
    - {id: echo, action: allow, hosts: [www.example.org], ports: [7777], name_check: address-only}
YAML
check "a network is made" guard_up "$work/policy.yaml"
agent_root_up
pid=$(guard_pid)

# numbers: number, listener, packets put in, of each queue of the guard.
numbers() { nsenter --net="/proc/$pid/ns/net" awk '{print $1, $2, $8}' /proc/net/netfilter/nfnetlink_queue; }
put_in() { numbers | awk -v number="$1" '$1 == number {print $3}'; }
one_listener() { [ "$(numbers | awk '{print $2}' | sort -u | wc -l)" = 1 ]; }
check "there is a queue for each processor" test "$(numbers | wc -l)" = "$queues"
check "and one listener for all of them" one_listener

# judged_on PROCESSOR: what is allowed passes and what is not does not, by way of that processor's queue.
judged_on()
{
    local number=$(($1 % queues)) before
    before=$(put_in $number)
    in_agent taskset -c "$1" curl -sS -m 5 http://www.example.org/ | grep -q '^world www.example.org' &&
        [ "$(in_agent taskset -c "$1" python3 -c "$probe_script" tcp 93.184.216.12 80 | cut -d' ' -f1)" = ECONNREFUSED ] &&
        [ "$(put_in $number)" -gt "$before" ]
}
for processor in "${processors[@]}"; do
    check "from processor $processor packets are judged" judged_on "$processor"
done

# A request in pieces, each sent from the next processor; prints the answer or the errno's name, and the
# client's port when nothing had to be sent twice.
pieces_script='
import errno, os, socket, struct, sys
processors = sorted(os.sched_getaffinity(0))
text = f"GET / HTTP/1.1\r\nHost: {sys.argv[1]}\r\nConnection: close\r\n\r\n".encode()
step = -(-len(text) // 8)
s = socket.create_connection(("93.184.216.10", 80), 10)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
try:
    for i in range(0, len(text), step):
        os.sched_setaffinity(0, {processors[i // step % len(processors)]})
        s.send(text[i:i + step])
    print(s.makefile("rb").read().decode())
    if struct.unpack_from("I", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 100)[0] == 0:
        print("port", s.getsockname()[1])
except OSError as error:
    print(errno.errorcode.get(error.errno, "timeout"))
'
pieces() { in_agent python3 -c "$pieces_script" "$1"; }

# sequence PORT: where each piece of that client begins, in the order in which they left.
sequence()
{
    tcpdump -S -n -r "$world_dir/capture.pcap" "tcp dst port 80 and src port $1 and tcp[13] & 8 != 0" 2>/dev/null |
        sed -n 's/.*seq \([0-9]*\):[0-9]*,.*/\1/p'
}
captured() { [ "$(sequence "$1" | wc -l)" -ge 8 ]; }
in_order()
{
    local answer port calm=0
    for ((i = 0; i < 20 && calm < 3; i++)); do
        answer=$(pieces www.example.org)
        grep -q '^world www.example.org' <<<"$answer" || return
        port=$(sed -n 's/^port //p' <<<"$answer")
        [ -n "$port" ] || continue
        wait_until 5 captured "$port" && sequence "$port" | sort -n -u -c || return
        calm=$((calm + 1))
    done
    [ $calm = 3 ]
}
in_agent getent ahostsv4 www.example.org >/dev/null
world_capture
check "a request in pieces from every processor is answered, and its pieces leave in their order" in_order
wrong() { [ "$(pieces www.example.com)" = ECONNRESET ]; }
check "and refused, with another name inside" wrong

# Where it may run: its one thread's list.
runs_on() { [ "$(sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$pid/status")" = "$1" ]; }
free=$(sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$pid/status")
followed()
{
    "$bin/failcore-netns" exec "$guard_name" -- taskset -c "$1" python3 -c '
import socket, time
end = time.monotonic() + 10
while time.monotonic() < end:
    socket.create_connection(("93.184.216.10", 7777), 5).close()
    time.sleep(0.001)
' &
    local client=$! result=0
    wait_until 8 runs_on "$1" || result=1
    kill $client
    wait $client 2>/dev/null
    return $result
}
if [ ${#processors[@]} -ge 2 ]; then
    in_agent getent ahostsv4 www.example.org >/dev/null
    for processor in "${processors[0]}" "${processors[1]}" "${processors[0]}"; do
        check "the guard goes to processor $processor with the packets" followed "$processor"
    done
    check "without packets it is free again" wait_until 8 runs_on "$free"
fi
check "the log is whole" "$bin/failcore" audit verify "$guard_audit"
