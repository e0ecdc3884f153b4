#!/usr/bin/env bash
# The ledger's bytes by host against a capture of every packet in the world outside; and a policy
# learned from the run, under which the same program meets no refusal and one more host is refused.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/world.sh"
need_root
failcore=$bin/failcore
log=$work/audit
mkdir -p "$work/policies" "$work/ws"
cat >"$work/policies/hosts.yaml" <<'Y'
version: 1
name: hosts
filesystem: {default: allow}
network:
  rules:
    - {id: sites, action: allow, hosts: [www.example.org, api.example.org, files.example.net], ports: [80]}
Y
cat >"$work/ws/program.py" <<'P'
import sys, urllib.request
for url, body in (("http://www.example.org/", 0), ("http://www.example.org/again", 0),
                  ("http://api.example.org/upload", 20000), *((extra, 0) for extra in sys.argv[1:])):
    try:
        with urllib.request.urlopen(url, data=b"x" * body or None, timeout=10) as answer:
            answer.read()
            print("got", url)
    except OSError as error:
        print("failed", url, error)
P
world_start
world_capture
visit() # POLICY [URL...]: the program's run, its words in $work/out
{
    local policy=$1
    shift
    "$failcore" run --no-report --policy "$policy" --uplink "netns:$world_ns" --audit "$log" --workspace "$work/ws" -- \
        python3 program.py "$@" >"$work/out" 2>"$work/err"
}

# ---- bytes by host --------------------------------------------------------------------------------
check "a program that visits hosts" visit "$work/policies/hosts.yaml"
"$failcore" show --effects --json --audit "$log" >"$work/effects"
cat >"$work/captured.py" <<'P'
# Bytes of TCP by host as the capture has them, headers of IP included: {name: [in, out]}.
import collections, json, socket, struct, sys
names = {"93.184.216.10": "www.example.org", "93.184.216.11": "api.example.org", "93.184.216.13": "files.example.net"}
data = open(sys.argv[1], "rb").read()
link = {113: (16, 14), 276: (20, 0)}  # Linux cooked: length of its header, where the protocol is
size, protocol_at = link[struct.unpack_from("<I", data, 20)[0]]
hosts, at = collections.defaultdict(lambda: [0, 0]), 24
while at + 16 <= len(data):
    kept = struct.unpack_from("<I", data, at + 8)[0]
    packet, at = data[at + 16 : at + 16 + kept], at + 16 + kept
    ip = packet[size:]
    if struct.unpack_from(">H", packet, protocol_at)[0] != 0x0800 or ip[9] != socket.IPPROTO_TCP:
        continue
    length = struct.unpack_from(">H", ip, 2)[0]
    source, target = socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])
    if source in names:
        hosts[names[source]][0] += length
    elif target in names:
        hosts[names[target]][1] += length
print(json.dumps(hosts, sort_keys=True))
P
# tcpdump writes each packet as it comes; the last ones may still be on their way to it.
as_captured()
{
    python3 "$work/captured.py" "$world_dir/capture.pcap" >"$work/captured" &&
        jq -c '[.hosts[] | {key: .name, value: [.bytes_in, .bytes_out]}] | from_entries' "$work/effects" >"$work/ledger" &&
        diff <(jq -cS . "$work/captured") <(jq -cS . "$work/ledger")
}
check "bytes by host are those of the packets" wait_until 5 as_captured
check "of both hosts, and more than what was sent" jq -e '(keys | length) == 2 and .["api.example.org"][1] > 20000' "$work/ledger"

# ---- the same again is the same text ----------------------------------------------------------------
"$failcore" audit normalize --audit "$log" >"$work/first"
check "the same program once more" visit "$work/policies/hosts.yaml"
check "normalized, both are one text" sh -c "'$failcore' audit normalize --audit '$log' | diff '$work/first' -"
check "with its hosts" jq -se 'any(.[]; .source == "net" and .host == "api.example.org" and .port == 80) and any(.[]; .source == "dns")' "$work/first"

# ---- learned, and run again ------------------------------------------------------------------------
check "a policy is learned from it" sh -c "'$failcore' policy learn last --audit '$log' >'$work/policies/learned.yaml'"
check "the program runs again under it" visit "$work/policies/learned.yaml"
check "and reaches all" test "$(grep -c '^got ' "$work/out")" = 3 -a "$(wc -l <"$work/out")" = 3
"$failcore" show --json --audit "$log" >"$work/again"
check "nothing is blocked" jq -se 'length > 10 and all(.[]; .status != "BLOCKED")' "$work/again"
check "with one more host" visit "$work/policies/learned.yaml" http://files.example.net/
check "that one is not reached" grep -q '^failed http://files.example.net/' "$work/out"
check "the others are" test "$(grep -c '^got ' "$work/out")" = 3
"$failcore" show --json --audit "$log" >"$work/extra"
check "it is what was blocked, and all that was" jq -se '[.[] | select(.status == "BLOCKED") | .call.host] | unique == ["files.example.net"]' "$work/extra"
check "its server saw nothing" test -z "$(grep files.example.net "$world_dir/seen")"
for run in $("$failcore" show --runs --json --audit "$log" | jq -r .run); do
    check "each is replayed without a difference" "$failcore" replay "$run" --audit "$log"
done
check "names, connections and programs among what was decided again" sh -c "'$failcore' replay --policy '$work/policies/hosts.yaml' --json --audit '$log' |
    jq -e '[.newly_allowed[].target] | any(startswith(\"files.example.net\"))'"
