"""The servers of the world that tests/support/world.sh makes; runs inside its namespace.

DNS: every question is looked up in DIR/zone, read anew each time. One answer per line:

    NAME TYPE VALUE [VALUE...]      TYPE is A, AAAA, CNAME, TXT (one word), HTTPS (hex rdata)
    NAME A 1.2.3.4 | 10.0.0.1       the first question gets what stands before the bar, the next
                                    one what stands behind it; the last stays
    NAME TTL SECONDS                the time to live of the name's answers (60)
    NAME RCODE NUMBER               that response code and nothing else
    NAME HOOK FILE                  FILE is Python: answer(query, transport) returns the bytes to
                                    send, a list of several messages, or None for silence; over UDP
                                    a message may be (bytes, (address, port)), sent from there
    *.suffix is a wildcard; the first line that matches decides which name's lines hold.

What the servers meet is appended to DIR/seen, one line each.
"""

import functools
import importlib.util
import os
import socket
import ssl
import struct
import sys
import threading

DIRECTORY = sys.argv[1]
TYPES = {1: "A", 5: "CNAME", 16: "TXT", 28: "AAAA", 65: "HTTPS"}
NUMBERS = {word: number for number, word in TYPES.items()}
asked = {}
lock = threading.Lock()


def seen(line):
    with lock, open(os.path.join(DIRECTORY, "seen"), "a") as log:
        log.write(line + "\n")


# ---- DNS ---------------------------------------------------------------------------------------


def read_zone():
    zone = {}
    with open(os.path.join(DIRECTORY, "zone")) as lines:
        for line in lines:
            words = line.split()
            if len(words) >= 3:
                zone.setdefault(words[0].lower().rstrip("."), []).append((words[1], words[2:]))
    return zone


def zone_lines(zone, name):
    name = name.lower().rstrip(".")
    if name in zone:
        return zone[name]
    for owner, lines in zone.items():
        if owner.startswith("*.") and name.endswith(owner[1:]):
            return lines
    return None


def wire_name(name):
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.encode("latin-1")
    return out + b"\0"


def read_question(query):
    offset, labels = 12, []
    while query[offset]:
        length = query[offset]
        labels.append(query[offset + 1 : offset + 1 + length].decode("latin-1"))
        offset += 1 + length
    kind, cls = struct.unpack_from("!HH", query, offset + 1)
    return ".".join(labels), kind, cls, query[12 : offset + 5]


def rdata(word, value):
    if word == "A":
        return socket.inet_pton(socket.AF_INET, value)
    if word == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if word == "CNAME":
        return wire_name(value)
    if word == "TXT":
        return bytes([len(value)]) + value.encode("latin-1")
    return bytes.fromhex(value)


def pick_turn(name, word, values):
    """Alternatives stand between bars; each question moves on by one."""
    turns, turn = [[]], 0
    for value in values:
        if value == "|":
            turns.append([])
        else:
            turns[-1].append(value)
    if len(turns) > 1:
        with lock:
            key = (name.lower(), word)  # askers spell names in random case
            turn = asked.get(key, 0)
            asked[key] = turn + 1
    return turns[min(turn, len(turns) - 1)]


def resolve(zone, name, kind):
    """(rcode, records) with the CNAME chain followed inside the zone."""
    records, owner = [], name
    for _ in range(16):
        lines = zone_lines(zone, owner)
        if lines is None:
            return (0 if records else 3), records
        ttl = next((int(v[0]) for w, v in lines if w == "TTL"), 60)
        target = None
        for word, values in lines:
            if word == "RCODE":
                return int(values[0]), []
            if word not in NUMBERS or (NUMBERS[word] != kind and word != "CNAME"):
                continue
            for value in pick_turn(owner, word, values):
                records.append((owner, NUMBERS[word], ttl, rdata(word, value)))
                if word == "CNAME":
                    target = value
        if target is None or kind == NUMBERS["CNAME"]:
            return 0, records
        owner = target
    return 0, records


@functools.lru_cache
def hook_of(path):
    spec = importlib.util.spec_from_file_location("hook", path)
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    return hook


def answer_from_zone(query, transport):
    name, kind, cls, question = read_question(query)
    zone = read_zone()
    lines = zone_lines(zone, name) or []
    for word, values in lines:
        if word == "HOOK":
            return hook_of(values[0]).answer(query, transport)
    rcode, records = resolve(zone, name, kind)
    body = b"".join(
        wire_name(owner) + struct.pack("!HHIH", number, 1, ttl, len(data)) + data
        for owner, number, ttl, data in records
    )
    count = len(records)
    flags = 0x8180 | rcode
    if transport == "udp" and 12 + len(question) + len(body) > 1232:
        flags, body, count = flags | 0x0200, b"", 0
    return query[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + question + body


def answers(query, transport):
    try:
        name, kind, _, _ = read_question(query)
    except (IndexError, struct.error):
        seen(f"dns {transport} malformed {query.hex()}")
        return []
    seen(f"dns {transport} {name.lower()} {TYPES.get(kind, kind)}")
    try:
        reply = answer_from_zone(query, transport)
    except Exception as error:  # a test's hook may be wrong: say so, stay up
        print("hook:", error, flush=True)
        return []
    if reply is None:
        return []
    return reply if isinstance(reply, list) else [reply]


def dns_udp(sock):
    while True:
        query, peer = sock.recvfrom(65535)
        for reply in answers(query, "udp"):
            if isinstance(reply, tuple):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                    other.bind(reply[1])
                    other.sendto(reply[0], peer)
            else:
                sock.sendto(reply, peer)


def read_exactly(conn, count):
    data = b""
    while len(data) < count:
        more = conn.recv(count - len(data))
        if not more:
            return None
        data += more
    return data


def dns_tcp(conn, peer):
    while True:
        head = read_exactly(conn, 2)
        if head is None:
            return
        query = read_exactly(conn, struct.unpack("!H", head)[0])
        if query is None:
            return
        for reply in answers(query, "tcp"):
            conn.sendall(struct.pack("!H", len(reply)) + reply)


# ---- hosts -------------------------------------------------------------------------------------


def local(conn):
    host, port = conn.getsockname()[:2]
    return host.removeprefix("::ffff:"), port


def serve_http(conn, scheme):
    """Answers requests until the peer closes; GET /bytes/N gives N bytes, a POST is counted."""
    address, port = local(conn)
    pending = b""
    while True:
        while b"\r\n\r\n" not in pending:
            more = conn.recv(65536)
            if not more:
                return
            pending += more
            if len(pending) > 1 << 20:
                return
        head, pending = pending.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", "0"))
        taken = len(pending)
        while taken < length:
            more = conn.recv(65536)
            if not more:
                return
            taken += len(more)
        pending = pending[length:] if taken == len(pending) else b""
        host = headers.get("host", "-")
        path = (lines[0].split() + ["", ""])[1]
        seen(f"{scheme} {host} {address}:{port} {lines[0]}")
        if path.startswith("/bytes/"):
            body = b"x" * int(path.rsplit("/", 1)[1])
        else:
            body = f"world {host} {address} {port}\n".encode()
        conn.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )
        if headers.get("connection", "").lower() == "close":
            return


def http(conn, peer):
    serve_http(conn, "http")


def make_tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(DIRECTORY, "ca.pem"), os.path.join(DIRECTORY, "key.pem"))
    context.sni_callback = note_server_name
    return context


def note_server_name(conn, name, context):
    seen("tls %s %s:%d" % ((name or "-",) + local(conn)))


def https(conn, peer):
    with make_tls_context().wrap_socket(conn, server_side=True) as secure:
        serve_http(secure, "https")


def echo(conn, peer):
    while True:
        data = conn.recv(65536)
        if not data:
            return
        seen("tcp %s:%d %d bytes" % (local(conn) + (len(data),)))
        conn.sendall(data)


def udp_echo(sock):
    port = sock.getsockname()[1]
    sock.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    while True:
        data, control, _, peer = sock.recvmsg(65535, 256)
        seen(f"udp {port} {len(data)} bytes {data[:32].hex()}")
        # Answer from the address that was asked.
        keep = [c for c in control if c[1] in (socket.IPV6_PKTINFO, 8)]
        try:
            sock.sendmsg([data], keep, 0, peer)
        except OSError:
            sock.sendto(data, peer)


def handle(handler, conn, peer):
    try:
        with conn:
            handler(conn, peer)
    except (OSError, ValueError):
        pass


def listen_tcp(port, handler):
    server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)

    def accept():
        while True:
            conn, peer = server.accept()
            seen("accept %s:%d" % local(conn))
            threading.Thread(target=handle, args=(handler, conn, peer), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def listen_udp(port, handler, address="::"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    threading.Thread(target=handler, args=(sock,), daemon=True).start()


def main():
    listen_udp(53, dns_udp, "9.9.9.53")
    listen_tcp(53, dns_tcp)
    for port in (80, 8080):
        listen_tcp(port, http)
    listen_tcp(443, https)
    for port in (7, 22, 853, 7777):
        listen_tcp(port, echo)
    for port in (7, 443, 853, 5353, 7777):
        listen_udp(port, udp_echo)
    open(os.path.join(DIRECTORY, "ready"), "w").close()
    threading.Event().wait()


main()
