#!/usr/bin/env bash
# The hostile battery from inside a run: started by root, and by an ordinary user.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
. "$(dirname "$0")/../support/hostile_host.sh"
need_root
need_run
user_setup
hostile=$bin/hostile
[ -x "$hostile" ] || skip "needs the hostile program"

check "the machine has something to find" host_attractions

cat >"$work/inside" <<'INSIDE'
cat >/tmp/hostile && chmod +x /tmp/hostile && exec /tmp/hostile "$@"
INSIDE
inside=$(cat "$work/inside")

# How many attempts the last battery counted.
held()
{
    sed -n 's/^\([0-9]*\) held, .*/\1/p' "$work/output"
}

check "started by root: nothing gets through" run_failcore -- sh -c "$inside" <"$hostile"
check "of enough attempts" test "$(held)" -ge 280
chmod a+r "$hostile"
check "started by an ordinary user: nothing gets through" as_user "$user_bin/failcore" run \
    --no-net --policy "$allow_all" -- sh -c "$inside" <"$hostile"
check "the same number of attempts" test "$(held)" -ge 280

check_exit "the battery refuses to work on the machine itself" 3 "$hostile"

# Who the workload is to the kernel.
check "root's run has a user id that nobody has" bash -c '
    "$@" -- sleep "5.$$" & run=$! # no other program on the machine sleeps just so long
    for i in $(seq 100); do
        pid=$(pgrep -f "^sleep 5[.]$$\$" | tail -1); [ -n "$pid" ] && break; sleep 0.05
    done
    uid=$(stat -c %u /proc/$pid); kill $run; wait $run
    [ "$uid" -ge 1879048192 ]' sh "$bin/failcore" run --no-net --policy "$allow_all" \
    --workspace "$ws" --audit "$audit"
check "inside, accounts look ordinary" \
    test "$(run_failcore -- id -un)" = agent
check "a user keeps its number" test "$(as_user "$user_bin/failcore" run --no-net --policy \
    "$allow_all" -- id -u)" = "$user_id"

# A core would be handed to whatever the machine's core_pattern names, outside: the limit that stops
# that cannot be changed, and who changes it for its own safety goes on.
check "nothing of a run ends as a core" run_failcore -- python3 -c '
import os, resource, signal
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
crashed = os.fork() or os.kill(os.getpid(), signal.SIGSEGV)
status = os.waitpid(crashed, 0)[1]
exit(resource.getrlimit(resource.RLIMIT_CORE) != (1, 1) or os.WCOREDUMP(status) or os.path.exists("core"))'
# By itself, whoever owns what lies behind: read-only but for the run's own, and never set-id or devices.
check "mounts are read-only and powerless" run_failcore -- awk '
    { own = $5 ~ "^/dev/(full|null|pts|random|shm|tty|urandom|zero)$" || $5 == "/tmp" ||
          $5 == "/proc" || $5 == ENVIRON["HOME"] || $5 == ENVIRON["PWD"]
      device = $5 ~ "^/dev/[a-z]*$" || $4 == "/null" }
    ($6 ~ /^rw/ && !own) || $6 !~ /nosuid/ || ($6 !~ /nodev/ && !device) { print; bad = 1 }
    END { exit bad || NR < 20 }' /proc/self/mountinfo
