#!/usr/bin/env bash
# The world of the network tests does what its manual says: without that, no test of the guard
# would mean anything.
. "${FAILCORE_SOURCE_DIR:-$(dirname "$0")/../..}/tests/support/integration.sh"
. "$FAILCORE_SOURCE_DIR/tests/support/world.sh"
need_root
world_start
world_zone 'turn.example.com A 93.184.216.12 | 10.0.0.1'

ask()
{
    world_exec python3 - "$@" <<'PY'
import socket, struct, sys
name, kind, wanted = sys.argv[1], int(sys.argv[2]), sys.argv[3]
query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0)
query += b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0" + struct.pack("!HH", kind, 1)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.sendto(query, ("9.9.9.53", 53))
reply = s.recv(65535)
family = socket.AF_INET if kind == 1 else socket.AF_INET6
print(reply.hex())
sys.exit(not reply.endswith(socket.inet_pton(family, wanted)))
PY
}

fetch()
{
    world_exec python3 - "$@" <<'PY'
import http.client, ssl, sys
scheme, address, name, ca = sys.argv[1:5]
if scheme == "http":
    conn = http.client.HTTPConnection(address, 80, timeout=3)
else:
    import socket
    raw = socket.create_connection((address, 443), timeout=3)
    conn = http.client.HTTPSConnection(name)
    conn.sock = ssl.create_default_context(cafile=ca).wrap_socket(raw, server_hostname=name)
conn.request("GET", "/", headers={"Host": name})
body = conn.getresponse().read().decode()
print(body)
sys.exit(not body.startswith(f"world {name} {address} "))
PY
}

check "an address of a host" ask www.example.org 1 93.184.216.10
check "an IPv6 address of a host" ask www.example.org 28 2606:2800:220::10
check "a name that answers in turns, first" ask turn.example.com 1 93.184.216.12
check "a name that answers in turns, then" ask turn.example.com 1 10.0.0.1
check "the last turn stays" ask turn.example.com 1 10.0.0.1
check_fails "a name that nobody has" ask nobody.example.com 1 10.0.0.1
check "http" fetch http 93.184.216.10 www.example.org "$world_dir/ca.pem"
check "http on the metadata address" fetch http 169.254.169.254 metadata "$world_dir/ca.pem"
check "https" fetch https 93.184.216.11 api.example.org "$world_dir/ca.pem"
check "what was met is written down" world_saw '^tls api.example.org 93.184.216.11:443$'
check_fails "and nothing else" world_saw 'www.example.com'
