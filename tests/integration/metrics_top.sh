#!/usr/bin/env bash
# failcore metrics and top: numbers equal to the log's, kept up to date, and nothing that acts.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
failcore=$bin/failcore
log=$work/audit
"$bin/audit_story" "$log" --calm >/dev/null
"$bin/audit_story" "$log" --hostile >/dev/null
ended() { [ "$(cat "$log"/log/*.jsonl | grep -c '"kind":"END"')" = "$1" ]; }
check "the log is there" wait_until 5 ended 2

# ---- each number against jq ---------------------------------------------------------------------------
"$failcore" metrics --audit "$log" >"$work/metrics"
metric() { grep -v "^#" "$work/metrics" | grep -F "$1 " | sed "s/.* //"; }
counted() { cat "$log"/log/*.jsonl | jq -s "$1"; }
is() { check "$1" test "$(metric "$1")" = "$(counted "$2")"; }
for kind in START DECISION RESULT LIMIT END; do
    is "failcore_records_total{kind=\"$kind\"}" "[.[] | select(.kind == \"$kind\")] | length"
done
for source in fs net dns exec; do
    for decision in allowed blocked logged; do
        is "failcore_decisions_total{source=\"$source\",decision=\"$decision\"}" \
            "[.[] | select((.kind == \"DECISION\" or .kind == \"REPEAT\") and .source == \"$source\" and .policy.decision == \"$decision\") | .count // 1] | add // 0"
    done
done
for code in PATH_DENIED SSRF_BLOCKED DOMAIN_DENIED EXEC_DENIED BREAKER_TRIPPED; do
    is "failcore_blocked_total{code=\"$code\"}" \
        "[.[] | select((.kind == \"DECISION\" or .kind == \"REPEAT\") and .code == \"$code\") | .count // 1] | add // 0"
done
is 'failcore_results_total{source="fs",status="FAIL"}' '[.[] | select(.kind == "RESULT" and .source == "fs" and .status == "FAIL")] | length'
is 'failcore_network_bytes_total{direction="out"}' '[.[] | select(.kind == "RESULT" and .source == "net") | .call.bytes_out | tonumber] | add'
is 'failcore_file_bytes_total{direction="written"}' '[.[] | select(.kind == "RESULT" and .source == "fs") | .call.bytes_written | tonumber] | add'
is failcore_runs_total '[.[] | select(.kind == "START" and .source == "run")] | length'
is failcore_log_next_seq 'length'
check "every line is a comment or a sample" sh -c "grep -vE '^(# (HELP|TYPE) failcore_[a-z_]+ .+|failcore_[a-z_]+(\{[a-z]+=\"[A-Za-z_]+\"(,[a-z]+=\"[A-Za-z_]+\")*\})? [0-9.]+)$' '$work/metrics' | wc -l | grep -qx 0"

# ---- file and socket --------------------------------------------------------------------------------------
check "to a file" "$failcore" metrics --audit "$log" -o "$work/textfile.prom"
check "the same" sh -c "cmp '$work/metrics' '$work/textfile.prom'"
"$failcore" metrics --audit "$log" --socket "$work/socket" -o "$work/followed.prom" &
server=$!
at_exit "kill $server"
ask() {
    python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"GET /metrics HTTP/1.1\r\nHost: metrics\r\n\r\n")
data = b""
while chunk := s.recv(65536):
    data += chunk
head, body = data.split(b"\r\n\r\n", 1)
assert head.startswith(b"HTTP/1.0 200"), head
sys.stdout.write(body.decode())' "$work/socket"
}
check "it listens" wait_until 5 test -S "$work/socket"
check "for its owner only" test "$(stat -c %a "$work/socket")" = 600
ask >"$work/asked"
check "over HTTP too" cmp "$work/asked" "$work/metrics"
"$bin/audit_story" "$log" --calm >/dev/null
newer() { ask | grep -q 'failcore_runs_total 3'; }
check "and what came since" wait_until 5 newer
check "in the file as well" wait_until 5 grep -q 'failcore_runs_total 3' "$work/followed.prom"
python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.close()' "$work/socket"
check "a client that hangs up does not end it" wait_until 3 newer

# ---- top --------------------------------------------------------------------------------------------------
"$failcore" top --audit "$log" >"$work/plain"
check "one picture when it is no terminal" grep -q "last refusals" "$work/plain"
check "the runs of the last minute" sh -c "grep -cE 'ended|running' '$work/plain' | grep -qx 3"
check "hosts with bytes" grep -q "api.openai.com" "$work/plain"
check "limits" grep -q "LIMIT_OUTPUT" "$work/plain"
inert() { ! LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' "$1"; }
check "nothing in it acts" inert "$work/plain"
printf 'q' | timeout 10 script -qec "stty cols 100 rows 40; TERM=xterm '$failcore' top --audit '$log'" /dev/null >"$work/screen"
check "on a terminal it ends by q" grep -q "last refusals" "$work/screen"
check "and gives the screen back" grep -qP '\x1b\[\?1049l' "$work/screen"
sed -E 's/\x1b\[(\?1049[hl]|\?25[hl]|[0-9;]*m|H|J|K)//g; s/\r//g' "$work/screen" >"$work/bare"
check "nothing but our own sequences acts" inert "$work/bare"
