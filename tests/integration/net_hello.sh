#!/usr/bin/env bash
# The first message of a connection is held until it is whole: how large it may be, in how many pieces it may come,
# in how many records, for how long. Within the bounds it passes whole and is judged whole; beyond, it is refused
# with a record. Over IPv4 and IPv6.
. "$(dirname "$0")/../support/guarded_net.sh"
need_root
world_start
cat >"$work/policy.yaml" <<'YAML'
version: 1
name: hello-test
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80, 443]}
YAML
check "a network is made" guard_up "$work/policy.yaml"
in_agent getent ahosts www.example.org >/dev/null
agent_root_up
# Of RawTcp's connections the kernel knows nothing and would reset them.
as_root nft -f - <<'NFT'
table inet quiet {
  chain out {
    type filter hook output priority 0; policy accept;
    tcp flags rst drop
  }
}
NFT
cat >"$work/hello.py" <<'PY'
import socket, ssl, struct, sys, time
def hello_for(name):
    out = ssl.MemoryBIO()
    c = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    try: c.do_handshake()
    except ssl.SSLWantReadError: pass
    return out.read()
def hello(name, size, record=16384, extension=0x1234):
    """A hello for that name of `size` bytes with its record headers, in records of so many bytes at most; the rest of
    it is an extension of that kind."""
    body = hello_for(name)[5:]
    at = 4 + 2 + 32; at += 1 + body[at]; at += 2 + int.from_bytes(body[at:at + 2], "big"); at += 1 + body[at]
    extensions = int.from_bytes(body[at:at + 2], "big")
    pad = size - len(body)
    while pad > 4 and len(body) + pad + 5 * -(-(len(body) + pad) // record) > size: pad -= 1
    if pad > 4:
        more = struct.pack("!HH", extension, pad - 4) + bytes(pad - 4)
        inner = body[4:at] + struct.pack("!H", extensions + len(more)) + body[at + 2:] + more
        body = b"\1" + len(inner).to_bytes(3, "big") + inner
    return b"".join(b"\x16\3\1" + struct.pack("!H", len(body[i:i + record])) + body[i:i + record] for i in range(0, len(body), record))
PY

# raw FAMILY NAME SIZE SEGMENTS [RECORD [EXTENSION]]: the hello on a packet socket in so many segments (or, one connection after
# the other, in each of these numbers); true when the server answers with a handshake.
raw()
{
    local host=93.184.216.10
    [ "$1" = 6 ] && host=2606:2800:220::10
    as_root env PYTHONPATH="$FAILCORE_SOURCE_DIR/tests/support:$work" python3 -c '
import sys
from hello import *
from raw_tcp import *
host, name, size, record = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[5])
h = hello(name, size, record, int(sys.argv[6]))
for segments in map(int, sys.argv[4].split()):
    c = RawTcp(host, 443)
    assert c.connected
    for i in range(segments):
        a, b = i * len(h) // segments, (i + 1) * len(h) // segments
        c.segment(h[a:b], offset=a)
    c.wait(lambda: c.data or c.reset, 5)
    print(len(h), "bytes in", segments, "segments:", c.data[:5], c.reset)
    if c.data[:1] != b"\x16": sys.exit(1)' "$host" "$2" "$3" "$4" "${5:-16384}" "${6:-4660}"
}
# rows: hello/pieces hello/large hello/held
for family in 4 6; do
    check "IPv$family: in few and in many segments" raw $family www.example.org 1400 "1 2 3 4 5 6 7 8 9 10 16 48"
    check "IPv$family: 16 KiB in 12 segments" raw $family www.example.org 16384 12
    check "IPv$family: 16 KiB in 48 segments, in records of 512 bytes" raw $family www.example.org 16384 48 512
    check "IPv$family: in records of 40 bytes" raw $family www.example.org 1400 10 40
    check_fails "IPv$family: another name in 48 segments" raw $family www.example.com 1400 48
    check_fails "IPv$family: another name, 16 KiB" raw $family www.example.com 16384 12
    : >"$work/output"
    check_fails "IPv$family: 49 segments" raw $family www.example.org 1400 49
    check "IPv$family: its record" records '.code == "NAME_MISMATCH" and (.reason | contains("too long to be checked"))'
    # rows: hello/hidden
    check_fails "IPv$family: a hello whose name is encrypted" raw $family www.example.org 1400 1 16384 65037
    check "IPv$family: its record" records ".code == \"NAME_MISMATCH\" and (.reason | test(\"encrypted|ECH\")) and (.call.address | test(\"$([ $family = 4 ] && echo 93 || echo 2606)\"))"
    check_fails "IPv$family: 18,000 bytes" raw $family www.example.org 18000 13
done

# As programs send it: the kernel waits for the server's word after ten segments, which does not come.
plain()
{
    in_agent python3 -c '
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from hello import *
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET)
if sys.argv[5] != "-": s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, int(sys.argv[5]))
s.settimeout(6)
s.connect((sys.argv[2], 443))
s.sendall(hello(sys.argv[3], int(sys.argv[4])))
sys.exit(s.recv(5)[:1] != b"\x16")' "$work" "$@"
}
chmod 755 "$work"
for host in 93.184.216.10 2606:2800:220::10; do
    for size in 1900 9000 14000 16384; do
        check "$host: $size bytes as programs send them" plain $host www.example.org $size -
    done
    check "$host: 5,000 bytes in segments of 536" plain $host www.example.org 5000 536
    check_fails "$host: another name in segments of 536" plain $host www.example.com 5000 536
done
