#!/usr/bin/env bash
# Somebody who may rename in the workspace's parent puts a link in its place while a run starts:
# what is served is the directory that was checked, or the run is refused (SR9).
. "${FAILCORE_SOURCE_DIR:-$(dirname "$0")/../..}/tests/support/integration.sh"
need_root

mkdir -p "$work/parent/ws" "$work/target" "$work/policies"
echo MINE >"$work/parent/ws/secret"
echo THEIRS >"$work/target/secret"
cat >"$work/policies/all.yaml" <<'YAML'
version: 1
name: all
filesystem:
  default: allow
YAML

# 40 starts, the swap a little later in each.
swap()
{
    python3 - "$bin/failcore" "$work" <<'PY'
import os, subprocess, sys, time
failcore, work = sys.argv[1:]
ws, aside = work + "/parent/ws", work + "/parent/aside"
own = stolen = 0
for i in range(40):
    run = subprocess.Popen(
        [failcore, "run", "--no-net", "--no-report", "--audit", work + "/audit", "--policy",
         work + "/policies/all.yaml", "--workspace", ws, "--", "sh", "-c", "pwd; cat secret"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.002 * i)
    os.rename(ws, aside)
    os.symlink(work + "/target", ws)
    out = run.communicate(timeout=30)[0]
    os.unlink(ws)
    os.rename(aside, ws)
    own += "MINE" in out
    # A start after the swap follows the link and checks the target, as it would any other, and pwd
    # says so. Under the workspace's own name it was never checked.
    stolen += "parent/ws" in out and "THEIRS" in out
print(own, "own,", stolen, "stolen")
sys.exit(stolen > 0 or own == 0)
PY
}
check "no swapped workspace is served" swap
