# A guarded network in front of the world of world.sh, for tests. Sourced in place of integration.sh, which it
# brings with world.sh; world_start comes first.
#
#   guard_up POLICY-FILE [OPTION...]  makes $guard_name; its log is in $guard_audit
#   in_agent CMD...                   runs CMD as the agent (20 s at most)
#   agent_root_up                     afterwards: as_root CMD... is root of the machine inside the
#                                     agent's network namespace: more than any agent ever is
#   probe PROTOCOL ADDRESS PORT       as the agent: prints "ok" or the errno's name, and milliseconds
#   records FILTER                    jq over the log's records; true when FILTER selects one
#   blocked CODE ADDRESS [REASON]     a BLOCKED record of that code for the address
#   guard_pid                         of the failcore-netguard process
#   guard_down
#   as_ordinary_user TEST             at the end of a test, once more as a user whose world is a namespace inside a user
#                                     namespace of their own, with USER_LEG=yes
. "$(dirname "${BASH_SOURCE[0]}")/integration.sh"
. "$(dirname "${BASH_SOURCE[0]}")/world.sh"

guard_up()
{
    guard_name=guard$$-$RANDOM
    guard_audit=$work/audit-$guard_name
    local policy=$1
    shift
    at_exit guard_down
    "$bin/failcore-netns" create "$guard_name" --policy "$policy" --audit "$guard_audit" \
        --uplink "netns:$world_ns" "$@"
}

in_agent()
{
    timeout 20 "$bin/failcore-netns" exec "$guard_name" -- "$@"
}

agent_root_up()
{
    local parent
    "$bin/failcore-netns" exec "$guard_name" -- sleep 600 </dev/null >/dev/null 2>&1 &
    agent_holder=$!
    at_exit "kill $agent_holder"
    wait_until 5 agent_find_process
}

agent_find_process()
{
    local pid=$agent_holder child
    while child=$(cat "/proc/$pid/task/$pid/children") && [ -n "$child" ]; do
        pid=${child%% *}
    done
    [ "$(cat "/proc/$pid/comm")" = sleep ] && agent_process=$pid
}

as_root()
{
    nsenter --net="/proc/$agent_process/ns/net" timeout 20 "$@"
}

probe_script='
import errno, socket, sys, time
kind, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
s = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(3)
began = time.monotonic()
try:
    s.connect((address, port))
    if kind == "udp":
        s.send(b"probe")
        s.recv(100)
    result = "ok"
except TimeoutError:
    result = "timeout"
except OSError as error:
    result = errno.errorcode[error.errno]
print(result, int((time.monotonic() - began) * 1000))
'

probe()
{
    in_agent python3 -c "$probe_script" "$@"
}

# refused PROTOCOL ADDRESS PORT ERRNO: at once, with that errno.
refused()
{
    local result
    result=$(probe "$1" "$2" "$3")
    echo "$result"
    [ "${result% *}" = "$4" ] && [ "${result#* }" -lt "$(patience 50)" ]
}

reached()
{
    local result
    result=$(probe "$1" "$2" "$3")
    echo "$result"
    [ "${result% *}" = ok ]
}

records()
{
    local tries
    for tries in 1 2 3 4 5 6 7 8 9 10; do
        cat "$guard_audit"/log/*.jsonl | jq -c "select($1)" 2>/dev/null | grep -q . && return 0
        sleep 0.1
    done
    return 1
}

blocked()
{
    records ".status == \"BLOCKED\" and .code == \"$1\" and .call.address == \"$2\" and (.reason | contains(\"${3:-}\"))"
}

guard_status()
{
    "$bin/failcore-netns" status "$guard_name" --json | jq -e "$1"
}

guard_pid()
{
    guard_status .pid
}

guard_down()
{
    "$bin/failcore-netns" delete "$guard_name" 2>/dev/null
}

as_ordinary_user()
{
    if ! setpriv --reuid 65533 --regid 65533 --clear-groups unshare --user --map-root-user --net --mount true 2>/dev/null; then
        echo "the leg of an ordinary user is left out: no user namespaces for them"
        return
    fi
    mkdir -p -m 755 "$work/user/build/bin" "$work/user/tests"
    mkdir -m 1777 "$work/user/tmp"
    cp "$bin"/failcore* "$work/user/build/bin/"
    cp -r "$FAILCORE_SOURCE_DIR/tests/support" "$FAILCORE_SOURCE_DIR/tests/integration" "$work/user/tests/"
    chmod -R a+rX "$work/user"
    check "as an ordinary user" setpriv --reuid 65533 --regid 65533 --clear-groups env -i PATH="$PATH" USER_LEG=yes \
        HOME="$work/user/tmp" TMPDIR="$work/user/tmp" FAILCORE_SOURCE_DIR="$work/user" FAILCORE_BUILD_DIR="$work/user/build" \
        unshare --user --map-root-user --net --mount --propagation private \
        sh -c 'mount -t tmpfs -o mode=755 none /run && mkdir /run/netns && cd / && exec "$0"' "$work/user/tests/integration/$1"
    cat "$work/output"
}
