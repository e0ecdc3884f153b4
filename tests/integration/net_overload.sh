#!/usr/bin/env bash
# More than the guard can take: its socket overflows (ENOBUFS), or it is killed with a full queue. What
# was refused does not pass then either, and what is allowed goes on afterwards.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
flood=$FAILCORE_SOURCE_DIR/tests/support/flood.py
world_start
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: overload-test
network:
  rules:
    - {id: web, action: allow, hosts: [www.example.org], ports: [80]}
YAML
check "a network is made" guard_up "$work/policy.yaml"
check "it works" in_agent curl -sS -m 5 http://www.example.org/
agent_root_up
world_capture
pid=$(guard_pid)

# rows: SR26 pitfall/gso pitfall/fail-open
# The flood needs less than the lease lasts; what an allowed client sends meanwhile, it sends again.
check "no overflow yet" guard_status '.packets.queue_overruns == 0'
kill -STOP "$pid"
in_agent curl -sS -m 15 http://www.example.org/ >"$work/meanwhile" 2>&1 &
client=$!
as_root python3 "$flood" large 700 93.184.216.12 4001 >"$work/flood" 2>&1
kill -CONT "$pid"
check "large datagrams were sent" test "$(cat "$work/flood")" -ge 500
check "the socket has overflowed, and that is counted" wait_until 10 guard_status '.packets.queue_overruns > 0'
wait $client
check "a connection begun meanwhile succeeds" grep -q '^world www.example.org' "$work/meanwhile"
check "and one begun afterwards" in_agent curl -sS -m 5 http://www.example.org/
check_fails "nothing of the flood left" world_captured 'udp dst port 4001 or (dst host 93.184.216.12 and ip[6:2] & 0x3fff != 0)'
check "refusals work as before" wait_until 10 refused tcp 93.184.216.12 80 ECONNREFUSED

# A flood starves only the run that makes it (SR26): another guard beside it goes on.
flooded_name=$guard_name flooded_audit=$guard_audit
at_exit "$bin/failcore-netns delete $flooded_name"
check "another network" guard_up "$work/policy.yaml"
as_root python3 "$flood" syn 4 93.184.216.12 4004 >/dev/null 2>&1 &
flooding=$!
beside()
{
    local i
    for i in 1 2 3 4 5 6 7 8 9 10; do
        in_agent curl -sS -m 5 http://www.example.org/ || return
    done
    kill -0 $flooding
}
check "ten connections of the other one, while the flood goes on" beside
wait $flooding
guard_down
guard_name=$flooded_name guard_audit=$flooded_audit

# The same with the log of drops and the ends of flows: a stopped reader loses some, and says so.
kill -STOP "$pid"
as_root python3 "$flood" syn 0.5 93.184.216.12 4002 >/dev/null 2>&1
kill -CONT "$pid"
check "allowed again" wait_until 10 in_agent curl -sS -m 5 http://www.example.org/

# Killed with a full queue, in the middle of a flood.
as_root python3 "$flood" syn 2 93.184.216.12 4003 >"$work/flood" 2>&1 &
flooding=$!
kill -STOP "$pid"
before=$(grep -c ^http "$world_dir/seen")
in_agent curl -sS -m 3 http://www.example.org/ >/dev/null 2>&1 &
client=$!
queued()
{
    [ "$(nsenter --net="/proc/$pid/ns/net" awk '{n += $3} END {print n + 0}' /proc/net/netfilter/nfnetlink_queue)" -ge 1000 ]
}
check "the queue is full of packets" wait_until 5 queued
kill -KILL "$pid"
wait $flooding $client
check "a flood was sent" test "$(cat "$work/flood")" -ge 1000
check_fails "nothing of it left" world_captured 'tcp dst portrange 4002-4004'
check "nor what was allowed and not yet judged" test "$(grep -c ^http "$world_dir/seen")" = "$before"
check "the log is whole" "$bin/failcore" audit verify "$guard_audit"
