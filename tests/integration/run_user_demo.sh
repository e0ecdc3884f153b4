#!/usr/bin/env bash
# The demo and the commands of the README as an ordinary user with no privilege: a test user, with
# device nodes as distributions ship them, behind a namespace that stands for the host.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
. "$(dirname "$0")/../support/world.sh"
need_root
need_run
user_setup
world_start
chmod 755 "$work" "$world_dir"
world_machine

as_user()
{
    ip netns exec $machine unshare --mount --propagation private sh -c '
        mount -t tmpfs -o mode=755 node /mnt && mknod -m 666 /mnt/fuse c 10 229 &&
        mknod -m 666 /mnt/tun c 10 200 && mount --bind /mnt/fuse /dev/fuse &&
        mount --bind /mnt/tun /dev/net/tun || exit 99
        user=$1 home=$2
        shift 2
        cd "$home/project" && exec setpriv --reuid "$user" --regid "$user" --clear-groups \
            --inh-caps=-all env -i PATH="$0:/usr/bin:/bin" HOME="$home" XDG_RUNTIME_DIR="$home/run" \
            XDG_STATE_HOME="$home/state" "$@"' "$user_bin" "$user_id" "$user_home" "$@"
}

project=$user_home/project
mkdir -p "$project/src" "$project/.git/hooks" "$work/outside" "$user_home/policies"
echo "# Three months of work" >"$project/README.md"
echo "print('the work of three months')" >"$project/src/main.py"
echo "ref: refs/heads/main" >"$project/.git/HEAD"
echo "API_KEY=sk-demo-0123456789" >"$project/.env"
echo "outside, and none of the agent's business" >"$work/outside/canary"
cp "$FAILCORE_SOURCE_DIR/scripts/demo.d/agent.py" "$project/"
cp "$FAILCORE_SOURCE_DIR/scripts/demo.d/policy.yaml" "$user_home/policies/"
# As a checkout that this user has built lies: the policies are found from the programs.
mkdir -p "$work/checkout/build/user"
mv "$user_bin" "$work/checkout/build/user/bin"
user_bin=$work/checkout/build/user/bin
cp -r "$FAILCORE_SOURCE_DIR/policies" "$work/checkout/"
chmod -R a+rX "$work/checkout" "$work/outside"
chown -R $user_id:$user_id "$user_home"

kept()
{
    (cd "$project" && sha256sum README.md src/main.py .git/HEAD .env "$work/outside/canary")
}
before=$(kept)

# What is missing here is what doctor says.
as_user failcore doctor --json >"$work/doctor" 2>/dev/null
network=pasta
jq -e '.. | objects | select(.name? == "pasta" and .status? == "ok")' "$work/doctor" >/dev/null ||
    command -v pasta >/dev/null || network=none
wanted_honest=6
[ $network = pasta ] || wanted_honest=5
as_user failcore run --policy "$user_home/policies/policy.yaml" --uplink $network -- \
    python3 agent.py "$work/outside" www.example.org rebind.example.com >"$work/agent" \
    2>"$work/agent.err"
status=$?
check "the agent ran: $(head -c 300 "$work/agent.err")" test $status = 0
cp "$work/agent" "$work/output"
check "its honest work is done" test "$(grep -c '^honest.*: ok' "$work/agent")" = $wanted_honest
check "every attack was refused" test "$(grep -c '^attack.*: refused' "$work/agent")" -ge 19
check_fails "none got through" grep -q 'GOT THROUGH' "$work/agent"
check "nothing was lost" test "$(kept)" = "$before"
check_fails "the world never saw a private address" world_saw ' 10\.0\.0\.1'
check "the log is intact" as_user failcore audit verify
check "and says what was blocked" test "$(as_user failcore show --blocked --json |
    grep -c BLOCKED)" -ge 10

# The commands of the README.
check "run, files only" as_user failcore run --policy fs_safe --no-net -- cat README.md
check_exit "explain" 77 as_user failcore policy explain safe fs write .env
check "check" as_user failcore policy check "$user_home/policies/policy.yaml"
check "a file from the workspace by name, with nothing installed or set up" as_user failcore run \
    --policy safe --no-net -- sh -c 'echo x >made && test "$(cat made)" = x'
if [ $network = pasta ]; then
    check "a network by name" as_user failcore-netns exec user$$ --policy net_safe -- \
        curl -s --max-time 10 -o /dev/null http://www.example.org/
    check "and away with it" as_user failcore-netns delete user$$
fi
