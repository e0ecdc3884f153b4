#!/usr/bin/env bash
# libfailcore as another program sees it: the header, the pkg-config file and the symbols that are
# installed; the example is compiled against them, decides, records, and is verified.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
command -v cc >/dev/null && command -v pkg-config >/dev/null || skip "no cc or no pkg-config"
prefix=$work/prefix
export XDG_STATE_HOME=$work/state HOME=$work

check "it is installed" cmake --install "$FAILCORE_BUILD_DIR" --prefix "$prefix"
library=$(find "$prefix" -name 'libfailcore.so')
check "the library is there" test -n "$library"
directory=$(dirname "$library")
# As installed elsewhere: the prefix is in the file.
sed -i "s#^prefix=.*#prefix=$prefix#; s#^libdir=.*#libdir=$directory#; s#^includedir=.*#includedir=$prefix/include#" "$directory/pkgconfig/libfailcore.pc"
export PKG_CONFIG_PATH=$directory/pkgconfig LD_LIBRARY_PATH=$directory

nm -D --defined-only "$library" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
grep -oE '\bfailcore_[a-z_]+\(' "$prefix/include/failcore.h" | tr -d '(' | grep -v '^failcore_run$' | sort -u >"$work/declared"
check "what is exported is what is declared" diff "$work/declared" "$work/exported"
check "with versions" sh -c "nm -D '$library' | grep -q ' T failcore_decide@@FAILCORE_1'"
check "by a soname" sh -c "readelf -d '$library' | grep -q 'SONAME.*libfailcore.so.1'"

mkdir "$work/programs"
cp "$bin/failcore-auditd" "$work/programs/"
# The runtime of a sanitizer must come first, with the program.
# shellcheck disable=SC2046 # flags are words
check "the example compiles" cc ${FAILCORE_SANITIZE:+-fsanitize="$FAILCORE_SANITIZE"} -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$work/programs/example" \
    "$FAILCORE_SOURCE_DIR/libfailcore/example.c" $(pkg-config --cflags --libs libfailcore)
cat >"$work/policy.yaml" <<'Y'
version: 1
name: library
filesystem:
  rules:
    - {id: sources, action: allow, operations: [read], paths: ["src/**"]}
    - {id: secrets, action: deny, paths: ["**/.env"], message: keys stay with the operator}
Y
example() { "$work/programs/example" "$work/policy.yaml" "$work/audit" "$1"; }
check "what a rule allows" example src/main.c
cp "$work/output" "$work/said"
check "is said so" grep -q "may be read" "$work/said"
check_exit "what a rule denies" 77 example src/.env
cp "$work/output" "$work/said"
check "with its code" grep -q "PATH_DENIED by its policy" "$work/said"
check "and the log is intact" grep -q "records, intact" "$work/said"
check_exit "what is not a policy" 1 "$work/programs/example" "$work/none.yaml" "$work/audit" src/main.c
check_exit "an audit directory that cannot be: nothing is decided" 1 \
    "$work/programs/example" "$work/policy.yaml" /proc/nowhere src/main.c
check "the refusal is in the log" sh -c "cat '$work'/audit/log/*.jsonl | jq -se 'any(.[]; .code == \"PATH_DENIED\" and .policy.rule == \"secrets\" and .call.path == \"src/.env\")'"
check "failcore shows the run" sh -c "'$bin/failcore' show --audit '$work/audit' | grep -q PATH_DENIED"
check "and tells why" sh -c "'$bin/failcore' why --audit '$work/audit' | grep -q 'policy.yaml:6'"
check "replay decides the same" "$bin/failcore" replay --audit "$work/audit"
