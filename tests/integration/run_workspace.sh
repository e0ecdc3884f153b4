#!/usr/bin/env bash
# Which directories may be given to a run, where they are seen, and what a bad policy starts.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run

run_in()
{
    (cd "$1" && shift && "$bin/failcore" run --no-net --policy "$allow_all" --audit "$audit" "$@")
}

check_exit "the root is refused" 125 run_in / -- true
check_exit "the home directory is refused" 125 env HOME="$ws" bash -c 'cd "$0" && "$@"' "$ws" \
    "$bin/failcore" run --no-net --policy "$allow_all" --audit "$audit" -- true
mkdir -p "$work/parent/inside" "$work/log"
check_exit "what holds the home directory is refused" 125 env HOME="$work/parent/inside" \
    "$bin/failcore" run --no-net --audit "$audit" --workspace "$work/parent" -- true
check_exit "the audit directory is refused" 125 "$bin/failcore" run --no-net --policy "$allow_all" \
    --audit "$work/log" --workspace "$work/log" -- true
check_exit "what would hold the audit directory is refused" 125 "$bin/failcore" run --no-net \
    --policy "$allow_all" --audit "$ws/new/log" --workspace "$ws" -- true
check_fails "and nothing was made in it" test -e "$ws/new"
check_exit "what lies inside the audit directory is refused" 125 "$bin/failcore" run --no-net \
    --policy "$allow_all" --audit "$work" --workspace "$ws" -- true
check_exit "the policy's directory is refused" 125 run_in "$policies" -- true
ln -s "$policies" "$work/link"
check_exit "a link to it as well" 125 "$bin/failcore" run --no-net --policy "$allow_all" \
    --audit "$audit" --workspace "$work/link" -- true
mkdir "$work/bound"
if mount --bind "$policies" "$work/bound"; then
    at_exit "umount $work/bound"
    check_exit "a bind mount of it as well" 125 "$bin/failcore" run --no-net \
        --policy "$allow_all" --audit "$audit" --workspace "$work/bound" -- true
fi
check_exit "our own programs' directory is refused" 125 "$bin/failcore" run --no-net \
    --audit "$audit" --workspace "$bin" -- true
for path in / /proc /proc/x /etc /etc/x /usr /usr/bin/x /dev/shm relative /run/x /lib; do
    check_exit "--mount $path is refused" 125 run_failcore --mount "$path" -- true
done

echo content >"$ws/file"
run_failcore -- sh -c 'pwd; cat file; cat "$PWD/file"' >"$work/seen"
check "the workspace is seen at its own path" test "$(head -1 "$work/seen")" = "$ws"
check "its content there" test "$(grep -c content "$work/seen")" = 2
# /var/tmp is a link in the view.
mkdir "/var/tmp/failcore-test.$$"
at_exit "rm -rf /var/tmp/failcore-test.$$"
check_exit "a workspace in /var/tmp is refused" 125 "$bin/failcore" run --no-net --policy "$allow_all" \
    --audit "$audit" --workspace "/var/tmp/failcore-test.$$" -- true
check "with a way out" bash -c '"$@" 2>&1 | grep -q "try: --mount /workspace"' sh "$bin/failcore" run --no-net \
    --policy "$allow_all" --audit "$audit" --workspace "/var/tmp/failcore-test.$$" -- true
check "that leads out" "$bin/failcore" run --no-net --policy "$allow_all" --audit "$audit" \
    --mount /workspace --workspace "/var/tmp/failcore-test.$$" -- touch here
check "really" test -e "/var/tmp/failcore-test.$$/here"
check "or where --mount says" test "$(run_failcore --mount /project -- pwd)" = /project
run_failcore --mount /project -- sh -c 'echo made >made; mkdir -p d/e; echo x >d/e/f'
check "what the run writes is there outside" grep -qx made "$ws/made"
check "and belongs to the workspace's owner" test "$(stat -c %u "$ws/d/e/f")" = 0
check "a link by the path that --mount says stays inside" test "$(run_failcore --mount /project -- sh -c '
    mkdir -p links && ln -s /project/made links/one && ln -s /project/links/one links/two && cat links/one links/two')" = "made
made"
check "and below it only" run_failcore --mount /project -- sh -c '
    ! ln -s /project/../home links/bad && ! ln -s /projects links/bad && ! ln -s /project/../root/x links/bad && ! test -L links/bad'
mkdir "$work/taken"
check "not where the host has a place of that name" run_failcore --mount "$work/taken" -- sh -c '
    ! ln -s "$PWD/made" links/taken && ! test -L links/taken'
check "inside it belongs to the run's user" \
    test "$(run_failcore -- stat -c %U file)" = agent

cat >"$policies/bad.yaml" <<'POLICY'
version: 1
filesystem:
  rulez: []
POLICY
check_exit "a bad policy starts nothing" 65 "$bin/failcore" run --no-net --policy \
    "$policies/bad.yaml" --audit "$work/none" --workspace "$ws" -- touch "$ws/started"
said=$(cat "$work/output")
check "and is named with its line" grep -q 'bad.yaml:3:3' <<<"$said"
check_fails "not even a log" test -e "$work/none"
check_fails "nor a command" test -e "$ws/started"

check_exit "no policy at all: the command runs" 7 "$bin/failcore" run --no-net --audit "$audit" \
    --workspace "$ws" -- sh -c 'exit 7'
check_fails "but reads nothing of the workspace" "$bin/failcore" run --no-net --audit "$audit" \
    --workspace "$ws" -- cat "$ws/file"
check_fails "and writes nothing" "$bin/failcore" run --no-net --audit "$audit" \
    --workspace "$ws" -- sh -c "echo x >'$ws/other'"
check_fails "nothing came of it" test -e "$ws/other"

check "--plan starts nothing and says what would be" run_failcore --plan -- touch "$ws/planned"
check_fails "really nothing" test -e "$ws/planned"
check "--plan --json is one object" bash -c '"$@" | jq -e "(.layers | length) > 5 and
    .command == [\"true\"]"' sh "$bin/failcore" run --plan --json --no-net --policy "$allow_all" \
    --workspace "$ws" --audit "$audit" -- true

# What --plan and START say is what holds: a run whose agent may nest is without three layers.
sed 's/allow-all/nested/; $a sandbox: {nested: true}\nlimits: {wall_time: 20s, output_bytes: 1MiB}' "$allow_all" \
    >"$policies/nested.yaml"
planned()
{
    "$bin/failcore" run --plan --json --no-net --policy "$1" --workspace "$ws" --audit "$audit" -- true |
        jq -r '.layers[]'
}
started()
{
    "$bin/failcore" run --no-net --policy "$1" --workspace "$ws" --audit "$audit" --env SECRET=hush -- true
    records '.kind == "START"' | tail -1 | jq -r "$2"
}
check "what nesting takes away is not among the layers" test "$(comm -23 <(planned "$allow_all" |
    sort) <(planned "$policies/nested.yaml" | sort) | tr '\n' ' ')" = "landlock no-nesting proc-masks "
check "START says the same as --plan" test "$(started "$policies/nested.yaml" '.call.layers[]')" = \
    "$(planned "$policies/nested.yaml")"
check "without nesting as well" test "$(started "$allow_all" '.call.layers[]')" = "$(planned "$allow_all")"
check "the guard is one where there is one" test "$("$bin/failcore" run --plan --json --uplink none \
    --policy "$allow_all" --workspace "$ws" --audit "$audit" -- true | jq '[.layers[] |
    select(. == "guard")] | length')" = 1
check "limits are planned with their means" test "$("$bin/failcore" run --plan --json --no-net --policy \
    "$policies/nested.yaml" --workspace "$ws" --audit "$audit" -- true | jq -c .limits)" = \
    '{"wall_time":"supervisor","output_bytes":"supervisor"}'
check "for people as well" bash -c '"$@" -- true | grep -q "^limits *wall_time by supervisor"' sh "$bin/failcore" \
    run --plan --no-net --policy "$policies/nested.yaml" --workspace "$ws" --audit "$audit"
check "START names the variables that the run has" test "$(started "$allow_all" '.call.environment[]' |
    grep -cxE 'SECRET|PATH|HOME')" = 3
check_fails "not what they hold" grep -rq hush "$audit/log"

if (need_strace) >/dev/null; then
    need_strace
    # A kernel whose Landlock has no scopes.
    old=(strace -f -o /dev/null -e trace=landlock_create_ruleset
        -e inject=landlock_create_ruleset:retval=3:when=1+)
    check_exit "--strict refuses an older Landlock" 65 "${old[@]}" "$bin/failcore" run --strict --no-net \
        --policy "$allow_all" --workspace "$ws" --audit "$audit" -- touch "$ws/weak"
    said=$(cat "$work/output")
    check "and says why" grep -q 'ABI 3' <<<"$said"
    check_fails "nothing was started" test -e "$ws/weak"
    check "--plan there does not list the scopes" test "$("${old[@]}" "$bin/failcore" run --plan --json \
        --no-net --policy "$allow_all" --workspace "$ws" --audit "$audit" -- true |
        jq '[.layers[] | select(. == "landlock-scopes")] | length')" = 0
fi
