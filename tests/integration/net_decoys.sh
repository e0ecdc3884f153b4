#!/usr/bin/env bash
# Decoys: a request for an allowed name that the server never gets, and then, in its place, one for a
# name that is not allowed (SR22). Raw TCP from root inside the agent's namespace.
. "${FAILCORE_SOURCE_DIR:-$(dirname "$0")/../..}/tests/support/integration.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/world.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/guarded_net.sh"
need_root
world_start
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: decoys-test
network:
  rules:
    - {id: web, action: allow, hosts: [www.example.org], ports: [80, 443]}
    - {id: unchecked, action: allow, addresses: ["93.184.216.12/32"], ports: [80]}
YAML
check "a network is made" guard_up "$work/policy.yaml"
in_agent getent ahostsv4 www.example.org >/dev/null
agent_root_up
# The kernel knows nothing of these connections and would reset them.
as_root nft -f - <<'NFT'
table ip quiet {
  chain out {
    type filter hook output priority 0; policy accept;
    tcp flags rst drop
  }
}
NFT

# attack NAME: the Python on standard input; `good` and `evil` are requests of the same length, `c` is
# connected. Where nobody checks (93.184.216.12), and then through the check.
attack()
{
    local name=$1 script
    script=$(cat)
    run_raw 93.184.216.12 "$script" unchecked
    if grep -q "http evil-unchecked.example" "$world_dir/seen" || [ -n "${normalised:-}" ]; then
        passed
    else
        failed "$name: does not work even where nobody checks"
    fi
    : >"$world_dir/seen"
    run_raw 93.184.216.10 "$script" checked
    check_fails "$name: the other name does not arrive" grep "http evil-checked.example" "$world_dir/seen"
    : >"$world_dir/seen"
}

run_raw()
{
    as_root env PYTHONPATH="$FAILCORE_SOURCE_DIR/tests/support" PYTHONDONTWRITEBYTECODE=1 python3 -c '
import sys, time
from raw_tcp import *
host, kind = sys.argv[1:3]
evil = b"GET / HTTP/1.1\r\nHost: evil-%s.example\r\n\r\n" % kind.encode()
good = b"GET / HTTP/1.1\r\nHost: www.example.org\r\n"
good += b"X: " + b"x" * (len(evil) - len(good) - 7) + b"\r\n\r\n" if len(evil) - len(good) >= 7 else b"\r\n"
pad = max(len(good), len(evil))
evil = evil[:-2] + b"Y: " + b"y" * (pad + 10 - len(evil) - 5) + b"\r\n\r\n"
good = good[:-2] + b"Y: " + b"y" * (pad + 10 - len(good) - 5) + b"\r\n\r\n"
assert len(good) == len(evil)
c = RawTcp(host, 80)
if not c.connected:
    sys.exit("no connection")
'"$2" "$1" "$3" 2>&1 | tail -n 3
}

attack "plain" <<'PY'
c.segment(evil); c.receive()
PY
attack "a decoy with a bad checksum" <<'PY'
c.segment(good, bad_checksum=True); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "a decoy with an old timestamp" <<'PY'
c.segment(good, timestamp=-90000); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "a decoy with an old timestamp, the other one byte early" <<'PY'
c.segment(good, timestamp=-90000); time.sleep(0.05); c.segment(b"?" + evil, offset=-1); c.receive()
PY
attack "a decoy without an acknowledgement" <<'PY'
c.segment(good, flags=PSH); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "a decoy beyond the window, then the other" <<'PY'
c.segment(good, offset=1 << 30); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "a second SYN moves the beginning back" <<'PY'
c.raw(SYN, c.isn - 5000, b"", syn=True); time.sleep(0.05)
c.segment(good, offset=-5000); time.sleep(0.1)
c.segment(evil); c.receive()
PY
attack "a second SYN moves the beginning ahead" <<'PY'
c.raw(SYN, c.isn + 5000, b"", syn=True); time.sleep(0.05)
c.segment(good, offset=5000); time.sleep(0.1)
c.segment(evil); c.receive()
PY
attack "the other request over the end of a held one" <<'PY'
c.segment(good[:20], timestamp=-90000); time.sleep(0.05); c.segment(evil[:20]); c.segment(good[20:], offset=20, timestamp=-90000)
time.sleep(0.05); c.segment(evil[20:], offset=20); c.receive()
PY
# Stripped of its option the decoy is no decoy: the server gets it, and the guard judged just that.
normalised=yes
attack "a decoy with an option that makes servers drop it" <<'PY'
c.segment(good, options=b"\x13\x12" + bytes(18)); time.sleep(0.05); c.segment(evil); c.receive()
PY
normalised=
attack "a reset that nobody believes, then the request" <<'PY'
c.segment(b"", offset=20000, flags=RST); time.sleep(0.05); c.segment(evil); c.receive()
PY
attack "in pieces of one byte" <<'PY'
for i in range(0, 8): c.segment(evil[i:i+1], offset=i)
c.segment(evil[8:], offset=8); c.receive()
PY
attack "backwards" <<'PY'
c.segment(evil[30:], offset=30); time.sleep(0.02); c.segment(evil[:30]); c.receive()
PY

# An honest client that repeats itself is fine.
check "an identical repetition passes" bash -c "$(declare -f run_raw as_root); agent_process=$agent_process FAILCORE_SOURCE_DIR=$FAILCORE_SOURCE_DIR
run_raw 93.184.216.10 '
c.segment(good[:30]); time.sleep(0.05); c.segment(good[:30]); c.segment(good[30:], offset=30); c.segment(good)
data = c.receive()
assert b\"world\" in data, data
print(\"fine\")' checked | grep -q fine"
check "conflicts are recorded" records '.code == "PACKET_MALFORMED" and (.reason | contains("repeated segment"))'
check "the other name is recorded" records '.code == "NAME_MISMATCH"'
