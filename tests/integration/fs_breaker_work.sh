#!/bin/bash
# The breaker of fs_sandbox: mass deletion stops, and everyday work on a project that was there
# before does not trip it: git, make, package managers, editors.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"
at_exit 'rm -f /run/failcore/breaker-*-"$(stat -c %i "$source")"-*'
for tool in git make python3; do command -v $tool >/dev/null || skip "needs $tool"; done

policy=$FAILCORE_SOURCE_DIR/policies/fs_sandbox.yaml
export HOME=$work/home GIT_CONFIG_GLOBAL=$work/home/gitconfig GIT_CONFIG_NOSYSTEM=1
mkdir -p "$HOME"
git config --global user.name tester
git config --global user.email tester@example.org
git config --global init.defaultBranch main
git config --global gc.auto 0
git config --global gc.autoDetach false
git config --global maintenance.auto false
git config --global --add safe.directory '*'

not_tripped()
{
    test -z "$(records 'select(.kind == "BREAKER")')"
}
work_on() # NAME CMD...: in the mount
{
    local name=$1
    shift
    check "$name" sh -c "cd '$mount' && $*"
}
begin()
{
    if grep -q " $mount " /proc/self/mountinfo; then unmount_tree; fi
    rm -f /run/failcore/breaker-*-"$(stat -c %i "$source")"-*
    audit=$(mktemp -d "$work/audit.XXXXXX")
    mount_tree --policy "$policy"
}

# ---- a project with a history, made before: two branches that differ in 300 files -------------

(
    cd "$source" && git init -q . && mkdir src doc
    for i in $(seq 1 300); do echo "int f$i(void) { return $i; }" >"src/f$i.c"; done
    for i in $(seq 1 40); do echo "page $i" >"doc/p$i.md"; done
    printf 'OBJECTS = $(patsubst %%.c,%%.o,$(wildcard src/*.c))\nall: prog\nprog: $(OBJECTS)\n\tcat $(OBJECTS) >prog\n%%.o: %%.c\n\tcp $< $@\nclean:\n\trm -f $(OBJECTS) prog\n' >Makefile
    printf '*.o\nprog\nnode_modules\n.venv\n' >.gitignore
    git add . && git commit -qm first
    git checkout -qb other
    for i in $(seq 1 300); do echo "int g$i(void) { return -$i; }" >"src/f$i.c"; done
    git rm -q doc/p*.md
    git commit -qam "all of it anew"
    git checkout -q main
    for i in $(seq 1 30); do echo "int f$i(void) { return $i + 1; }" >"src/f$i.c"; git commit -qam "step $i"; done
    make -s
) >"$work/output" 2>&1 || { cat "$work/output"; exit 1; }
loose=$(find "$source/.git/objects" -type f | wc -l)

begin
work_on "git status" git status --short
work_on "git checkout of a branch in which 300 files differ and 40 are gone" git checkout -q other
check "really" test "$(cat "$source/src/f300.c")" = "int g300(void) { return -300; }"
work_on "and back" git checkout -q main
work_on "git stash of 200 changes" 'for i in $(seq 1 200); do echo >>src/f$i.c; done; git stash -q && git stash pop -q && git checkout -q .'
work_on "git rebase of 30 commits" 'git checkout -qb topic HEAD~30 && echo x >new.c && git add new.c && git commit -qm new && git rebase -q main'
work_on "git merge and reset" 'git checkout -q main && git merge -q topic && git reset -q --hard HEAD~1'
work_on "git clone into a subdirectory, and its end" 'git clone -q . copy && rm -rf copy/src copy/doc copy/.git/objects'
work_on "git gc with $loose loose objects" git gc -q --prune=now
check "which are gone" test "$(find "$source/.git/objects" -type f | grep -vc -e pack -e info)" -lt 20
check "none of it trips" not_tripped

begin
work_on "make clean of 300 objects that an earlier build made" make -s clean
check "they are gone" test -z "$(find "$source/src" -name '*.o')"
work_on "make and make clean" 'make -s -j2 && make -s clean'
work_on "sed -i over 200 files" "sed -i 's/return/return 0 +/' src/f1*.c src/f2*.c"
check "none of it trips" not_tripped

# Package managers: what is there goes and comes by the hundred.
mkdir -p "$source/node_modules"
for i in $(seq 1 100); do
    mkdir -p "$source/node_modules/p$i/lib"
    touch "$source/node_modules/p$i/"{package.json,index.js,lib/a.js}
done
python3 -m venv --without-pip "$source/.venv" 2>/dev/null && touch "$source"/.venv/f{1..200}
begin
work_on "dependencies renamed aside, replaced, removed (as npm does)" 'cd node_modules && for i in $(seq 1 100); do mv p$i .p$i-old && mkdir p$i && echo x >p$i/index.js && rm -rf .p$i-old; done'
work_on "all of node_modules" rm -rf node_modules
work_on "a virtual environment" rm -rf .venv
if command -v npm >/dev/null; then
    mkdir -p "$source/dep" && echo '{"name":"dep","version":"1.0.0"}' >"$source/dep/package.json"
    for i in $(seq 1 200); do touch "$source/dep/f$i.js"; done
    work_on "npm install, ci, uninstall" 'mkdir app && cd app && echo "{\"name\":\"app\",\"version\":\"1.0.0\"}" >package.json &&
        npm install --offline --no-audit --no-fund --install-links ../dep && npm ci --offline --no-audit --no-fund --install-links && npm uninstall dep'
fi
check "none of it trips" not_tripped

# ---- mass deletion ---------------------------------------------------------------------------

files()
{
    find "$source" -path "$source/.git" -prune -o -type f -print | wc -l
}
before=$(files)
begin
check_fails "rm -rf of the workspace does not complete" sh -c "cd '$mount' && rm -rf ./* .gitignore"
check "no more than 50 files are gone ($before before, $(files) after)" test "$(files)" -ge $((before - 50))
check "the breaker says so" wait_until 5 sh -c "! [ -z \"\$(cat '$audit'/log/*.jsonl | grep '\"kind\":\"BREAKER\"')\" ]"
git -C "$source" checkout -q . 2>/dev/null

# A workspace of few files, none of them in excess of any count.
small()
{
    if grep -q " $mount " /proc/self/mountinfo; then unmount_tree; fi
    rm -rf "$source"
    mkdir -p "$source/src" "$source/node_modules/a"
    touch "$source/node_modules/a/f"{1..60}
    for i in 1 2 3 4 5 6 7 8 9 10; do echo "three months $i" >"$source/src/f$i.c"; done
    (cd "$source" && git init -q . && echo node_modules >.gitignore && git add . && git commit -qm first &&
        git checkout -qb other && echo more >>src/f1.c && git rm -q src/f2.c src/f3.c && git commit -qam less &&
        git checkout -q main) >"$work/output" 2>&1 || { cat "$work/output"; exit 1; }
    begin
}
of_the_project()
{
    find "$source/src" -name 'f*.c' | wc -l
}
mv "$source" "$source.large"
small
check_fails "rm -rf of a small one does not complete either" sh -c "cd '$mount' && rm -rf node_modules src .gitignore"
check "nearly half of it is there ($(of_the_project))" test "$(of_the_project)" -ge 4
check "of what counts: node_modules is gone" test ! -e "$source/node_modules/a/f1"
small
check_fails "find -delete" sh -c "cd '$mount' && find . -path ./.git -prune -o -type f -delete"
check "nor that ($(of_the_project))" test "$(of_the_project)" -ge 4
small
check "git in a small one" sh -c "cd '$mount' && git checkout -q other && git checkout -q main && echo x >>src/f1.c && git stash -q &&
    git stash pop -q && git commit -qam second && git branch b1 && git branch b2 && git gc -q --prune=now && git checkout -q b1 &&
    touch a b c d e f g h && git clean -qfd && git checkout -q main && git branch -qD b1 b2"
check "trips nothing" not_tripped
unmount_tree
rm -rf "$source"
mv "$source.large" "$source"

begin
check_fails "nor after moving it to where nothing counts" sh -c "cd '$mount' && mkdir -p build && { mv src build/src 2>/dev/null; rm -rf build/src src; }"
check "it is there" test "$(find "$source/src" -name '*.c' | wc -l)" -ge 250
git -C "$source" checkout -q . 2>/dev/null

begin
check "a directory of one's own, filled with what counts" sh -c "cd '$mount' && mkdir own && mv src/*.c own && mkdir -p build"
check "cannot be renamed to where nothing counts: EXDEV" python3 -c '
import errno, os, sys
os.chdir(sys.argv[1])
try: os.rename("own", "build/own")
except OSError as error: sys.exit(error.errno != errno.EXDEV)
sys.exit(1)' "$mount"
check "nor a file by itself" python3 -c '
import errno, os, sys
os.chdir(sys.argv[1])
try: os.rename("own/f1.c", "build/f1.c")
except OSError as error: sys.exit(error.errno != errno.EXDEV)
sys.exit(1)' "$mount"
check "what is made here may" sh -c "cd '$mount' && echo x >new.tmp && mv new.tmp build/new && mkdir out && mv out/ build/"
check_fails "and deleting it counts" rm -rf "$mount/own"
check "they are there" test "$(find "$source" -name 'f*.c' | wc -l)" -ge 250
mv "$source"/own/*.c "$source/src/" 2>/dev/null
git -C "$source" checkout -q . 2>/dev/null

begin
check "one at a time, below the short window's rate" sh -c "cd '$mount/src' && for i in 1 2 3 4 5 6 7 8 9 10; do rm f\$i.c; done"
check "is ordinary work" not_tripped
unmount_tree
