#!/usr/bin/env bash
# Started as root, the log's writer is not root, and what vouches for the log is not the writer's.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
need_root
failcore=$bin/failcore
emitter=$bin/audit_emitter
log=$work/audit

status_of() { awk -v what="$2:" '$1 == what { print $2, $3, $4 }' "/proc/$1/status"; }
mkfifo "$work/hold"
"$emitter" "$log" 1 10 hold <"$work/hold" >"$work/told" 2>&1 &
holder=$!
exec 7>"$work/hold"
check "a log" wait_until 10 test -s "$work/told"
owner=$(stat -c %u "$log")
check "is not root's" test "$owner" != 0
keeper=$(pgrep -o -f "failcore-auditd.*$log")
writer=$(pgrep -P "$keeper")
check "its writer is its owner, for good" test "$(status_of "$writer" Uid)" = "$owner $owner $owner"
check "in no group but its own" test "$(status_of "$writer" Gid)" = "$(stat -c '%g %g %g' "$log")" -a \
    -z "$(sed -n 's/^Groups:[[:space:]]*//p' "/proc/$writer/status" | tr -d ' ')"
check "without a capability" grep -q '^CapPrm:[[:space:]]*0*$' "/proc/$writer/status"
check "nobody else's in it" test -z "$(find "$log" ! -uid "$owner")"
check "nobody else reads it" test -z "$(find "$log" -perm /077)"
key=$(ls "$FAILCORE_STATE"/keys/*.seed)
check "the key is root's" test "$(stat -c '%u %a' "$key")" = "0 600"

check "the writer is killed" kill -9 "$writer"
writer_is_back() { writer=$(pgrep -P "$keeper") && [ -n "$writer" ]; }
check "another one" wait_until 5 writer_is_back
check "dies with its keeper" kill -9 "$keeper"
gone() { ! kill -0 "$1" 2>/dev/null; }
check "really" wait_until 5 gone "$writer"
check "a new keeper takes over" "$emitter" "$log" 1 10
exec 7>&-
check "and the old producer" wait "$holder"
check "intact" "$failcore" audit verify "$log"

# ---- a log that root made
copied() # whole: its writer is at work still
{
    rm -rf "$work/copy"
    cp -r "$log" "$work/copy" && "$failcore" audit verify "$work/copy"
}
check "a copy" wait_until 10 copied
check "a copy is root's" test "$(stat -c %u "$work/copy")" = 0
check "and goes on" "$emitter" "$work/copy" 1 10
check "as its writer's" test "$(find "$work/copy" ! -uid "$owner" | wc -l)" = 0
check "intact too" "$failcore" audit verify "$work/copy"
mkdir "$work/theirs"
chown 4321:4321 "$work/theirs"
check "a directory of another user" "$emitter" "$work/theirs" 1 10
check "stays his" test -z "$(find "$work/theirs" ! -uid 4321)"

# ---- pins that the launcher keeps by itself
mkdir "$work/ws"
check "a run" "$failcore" run --no-report --policy fs_sandbox --no-net --audit "$log" --workspace "$work/ws" -- true
check "leaves a pin" test "$(stat -c '%u %a' "$FAILCORE_STATE"/pins/*.pin)" = "0 600"
check "that verify finds" "$failcore" audit verify --strict "$log"
cp "$work/output" "$work/said"
check "and says whose it is" grep -q "kept by another user than the log's" "$work/said"

# ---- what is missing, and what is too much
check "a copy" wait_until 10 copied
echo x >"$log/log/stray"
check "a file that is no segment" "$failcore" audit verify "$log"
cp "$work/output" "$work/said"
check "is named" grep -q "not part of the log: log/stray" "$work/said"
check_exit "and no strict log has it" 77 "$failcore" audit verify --strict "$log"
rm "$log/log/stray"
find "$log" -mindepth 1 -delete
check_exit "all gone: the kept pin knows better" 77 "$failcore" audit verify "$log"
cp "$work/output" "$work/said"
check "in words" grep -q "TAMPERED.*a pin has seen .* records and there is no log" "$work/said"
check_exit "a pin that is given, too" 77 "$failcore" audit verify --pin "$work/copy/checkpoint" "$work/ws"
check_exit "a directory without a log" 125 "$failcore" audit verify "$work/ws"
cp "$work/output" "$work/said"
check "in clear words" grep -q "there is no log in $work/ws" "$work/said"
