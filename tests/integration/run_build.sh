#!/usr/bin/env bash
# failcore itself, configured and built with make -j2 inside a run: each file is the one that the
# same commands make outside, and its unit tests end as they do there.
#
# In the suite without optimisation, and of the tests' programs a few; scripts/self-build: all, as it
# is shipped, and once more through ccache.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run
whole=${FAILCORE_SELF_BUILD:-}
for tool in cmake make cc ctest pkg-config; do
    command -v $tool >/dev/null || skip "needs $tool"
done
mkdir "$ws/src"
tar -C "$FAILCORE_SOURCE_DIR" --exclude=./build --exclude=./.git -cf - . | tar -C "$ws/src" -xf -

# As a developer would give it to an agent.
inside()
{
    "$bin/failcore" run --no-net --policy fs_sandbox --workspace "$ws" --audit "$audit" -- sh -ec "$1"
}
outside()
{
    (cd "$ws" && sh -ec "$1")
}
if [ -n "$whole" ]; then
    options='-DCMAKE_BUILD_TYPE=RelWithDebInfo -DFAILCORE_WERROR=ON'
    targets=all
else
    options='-DCMAKE_BUILD_TYPE=Debug -DFAILCORE_WERROR=ON'
    targets='failcore failcore-auditd failcore-mount failcore-netguard failcore-netns'
fi
configure="cmake -G 'Unix Makefiles' $options -S src -B src/build"
build="make -C src/build -j2 $targets"

# built WHERE COMMAND...: its output in $work/WHERE.log, its tree in $work/WHERE, its time in $took
built()
{
    local where=$1 began
    began=$(date +%s%3N)
    check "$where: configured" "$where" "$configure"
    check "$where: built" "$where" "$build"
    took=$(($(date +%s%3N) - began))
    cp "$work/output" "$work/$where.log"
}
