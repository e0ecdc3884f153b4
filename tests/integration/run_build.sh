#!/usr/bin/env bash
# failcore itself, configured, built with make -j2 and tested inside a run: each file is the one that
# the same commands make outside, and each unit test ends as it does there.
#
# In the suite all libraries and programs, without optimisation, and some of the unit tests;
# scripts/self-build: all that there is, as `dev` builds it, then once more with ccache.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run
whole=${FAILCORE_SELF_BUILD:-}
for tool in cmake make ctest cc pkg-config ${whole:+ccache}; do
    command -v $tool >/dev/null || skip "needs $tool"
done

tree=src/build/own
configure="cmake -G 'Unix Makefiles' -S src -B $tree -DFAILCORE_WERROR=ON -DCMAKE_BUILD_TYPE"
if [ -n "$whole" ]; then
    configure="$configure=RelWithDebInfo"
    fewest=80
    build="make -C $tree -j2"
    try="ctest --test-dir $tree -L unit -j2"
else
    configure="$configure=Debug"
    fewest=20
    build="make -C $tree -j2 failcore failcore-auditd failcore-mount failcore-netguard failcore-netns libfailcore"
    try=:
    for area in base crypto confine breaker; do
        build="$build && make -C $tree/tests/unit/$area -j2"
        try="$try; ctest --test-dir $tree/tests/unit/$area -L unit -j2"
    done
fi
mkdir "$ws/src"
tar -C "$FAILCORE_SOURCE_DIR" --exclude=./build --exclude=./.git -cf - . | tar -C "$ws/src" -xf -

# As a developer would give it to an agent.
inside()
{
    "$bin/failcore" run --no-net --policy fs_sandbox --workspace "$ws" --audit "$audit" \
        --env CCACHE_DIR="$ws/.ccache" -- sh -ec "$1"
}
# The same commands at the same place, with the variables of the run.
inside 'env -0' >"$work/environment"
mapfile -d '' environment <"$work/environment"
outside()
{
    (cd "$ws" && env -i "${environment[@]}" sh -ec "$1")
}

# made inside|outside: in $work/WHERE the tree, in $work/WHERE.tests how each test ended
made()
{
    local began
    check "$1: configured" "$1" "$configure"
    began=$(date +%s%3N)
    check "$1: built" "$1" "$build"
    [ $checks_failed = 0 ] || exit 1
    echo "$1: built in $(($(date +%s%3N) - began)) ms"
    cp -a "$ws/$tree" "$work/$1"
    "$1" "$try" </dev/null >"$work/tests" 2>&1
    sed -n 's/^ *[0-9]*\/[0-9]* Test *#[0-9]*: \([^ ]*\) [ .]*\([A-Za-z* ]*[a-z]\) *[0-9.]* sec.*/\1 \2/p' "$work/tests" |
        sort >"$work/$1.tests"
}
# Two logs of CMake's name files that had a name by chance.
named_alike()
{
    find "$1" -name 'CMake*.log' -exec sed -i -E \
        's/TryCompile-[A-Za-z0-9]+/TryCompile/g; s/cmTC_[0-9a-f]+/cmTC/g; s,/tmp/cc[A-Za-z0-9]+,/tmp/cc,g' {} +
}

made inside
check "make has nothing left to do" test "$(inside "$build" | grep -cE 'Building|Linking')" = 0
touch "$ws/src/shared/base/failure.c"
check "and after a change what it makes for that" test "$(inside "$build" | grep -c 'Building C')" = 1
check "make clean is nobody's mass deletion" inside "make -C $tree clean"
check "it is clean" test "$(find "$ws/$tree" -name '*.o' | wc -l)" = 0
rm -rf "${ws:?}/src/build"
made outside

named_alike "$work/inside"
named_alike "$work/outside"
check "every file is the one that is made outside" diff -rq "$work/inside" "$work/outside"
check "the programs and libraries are among them" test "$(find "$work/inside" -name '*.o' | wc -l)" -ge \
    "$(find "$FAILCORE_SOURCE_DIR"/{auditd,cli,fusefs,libfailcore,netguard,shared} -name '*.c' | wc -l)"
check "every unit test ends as outside" diff "$work/inside.tests" "$work/outside.tests"
check "all of them well" test "$(grep -vc ' Passed$' "$work/inside.tests")" = 0
check "enough of them: $(wc -l <"$work/inside.tests")" test "$(wc -l <"$work/inside.tests")" -ge "$fewest"
check "the log of it all is intact" "$bin/failcore" audit verify "$audit"

if [ -n "$whole" ]; then
    rm -rf "${ws:?}/src/build"
    compiled=()
    for round in first second; do
        check "ccache, $round: configured" inside "$configure -DCMAKE_C_COMPILER_LAUNCHER=ccache"
        check "ccache, $round: built" inside "$build"
        compiled+=("$(outside 'ccache --print-stats' | sed -n 's/^cache_miss[^0-9]*//p')")
        cp -a "$ws/$tree" "$work/ccache-$round"
        rm -rf "${ws:?}/src/build"
    done
    check "the first time all is compiled: ${compiled[0]}" test "${compiled[0]}" -ge 300
    check "the second time nothing is: ${compiled[*]}" test "${compiled[1]}" = "${compiled[0]}"
    for round in first second; do
        check "the same objects, ccache's $round" bash -c 'cd "$1" && find . -name "*.o" -exec cmp {} "$2"/{} \; | (! grep .)' \
            sh "$work/ccache-$round" "$work/outside"
    done
fi
