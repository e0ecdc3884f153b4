# For tests of `failcore run`. Sourced after integration.sh:
#
#   need_run                     skips unless the parts of a run are built
#   $ws $audit $policies         a workspace, an audit directory and a directory of policy files
#   allow_all                    a policy that allows every file of the workspace, no network
#   run_failcore OPTION... -- CMD    failcore run with those, without a network
#   as_user CMD...               CMD as an ordinary user with an openable /dev/fuse, all in a mount
#                                namespace of its own; $user_bin has the programs, $user_home a home
#   records FILTER               the audit records that the jq filter selects
need_run()
{
    local program
    for program in failcore failcore-auditd failcore-mount; do
        [ -x "$bin/$program" ] || skip "needs $program"
    done
    [ -c /dev/fuse ] || skip "needs /dev/fuse"
    chmod 0711 "$work"
    ws=$work/ws audit=$work/audit policies=$work/policies
    mkdir -p "$ws" "$policies"
    at_exit 'kill $(pgrep -f "^[^ ]*failcore-auditd $work/"); sleep 0.2'
    allow_all=$policies/allow_all.yaml
    cat >"$allow_all" <<'POLICY'
version: 1
name: allow-all
filesystem:
  rules:
    - {id: all, action: allow, paths: ["**"]}
POLICY
}

run_failcore()
{
    "$bin/failcore" run --no-net --policy "$allow_all" --workspace "$ws" --audit "$audit" "$@"
}

# $user_bin is a copy: the build tree may lie where an ordinary user may not look.
user_setup()
{
    need_root
    user_id=64123
    user_home=$work/home
    user_bin=$work/bin
    mkdir -p "$user_home/run" "$user_home/state" "$user_home/ws" "$user_bin"
    cp "$bin"/failcore* "$user_bin/"
    chown -R $user_id:$user_id "$user_home"
    chmod -R a+rX "$policies" "$user_bin"
}

as_user()
{
    unshare --mount --propagation private sh -c '
        mount -t tmpfs node /mnt && mknod -m 666 /mnt/fuse c 10 229 &&
        mount --bind /mnt/fuse /dev/fuse || exit 99
        user=$1 home=$2
        shift 2
        cd "$home/ws" && exec setpriv --reuid "$user" --regid "$user" --clear-groups \
            --inh-caps=-all env HOME="$home" XDG_RUNTIME_DIR="$home/run" \
            XDG_STATE_HOME="$home/state" \
            FAILCORE_STATE="$home/state" "$@"' sh "$user_id" "$user_home" "$@"
}

records()
{
    cat "$audit"/log/*.jsonl | jq -c "select($1)"
}
