#!/usr/bin/env bash
# The tools that agents use, unmodified, inside a run: the same results as outside. What a whole build
# makes is in run_build.sh.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run

inside()
{
    run_failcore -- sh -ec "$1"
}
have()
{
    command -v "$1" >/dev/null 2>&1 || { echo "without $1"; return 1; }
}

if have git; then
    check "git: a repository, commits, a branch, a merge, a stash" inside '
        mkdir r; cd r; git init -q -b main .; git config user.email a@example.org
        git config user.name a; echo 1 >f; git add f; git commit -qm one
        git checkout -qb other; echo 2 >g; git add g; git commit -qm two
        git checkout -q main; git merge -q other; echo 3 >>f; git stash -q; git stash pop -q
        git commit -qam three; git gc -q; git fsck --strict; git log --oneline | wc -l | grep -qx 3
        test -z "$(git status --porcelain)"; git clone -q . ../c; cd ../c; git log -1 --format=%s'
    check "outside git reads the same" git -c safe.directory='*' -C "$ws/r" fsck --strict
fi

cat >"$ws/hello.c" <<'C'
#include <stdio.h>
#include <pthread.h>
static void *say(void *x) { puts(x); return x; }
int main(void) { pthread_t t; pthread_create(&t, 0, say, "hello"); return pthread_join(t, 0); }
C
if have gcc; then
    check "gcc: compile, link, run" inside 'gcc -O2 -Wall -pthread hello.c -o hello; ./hello | grep -qx hello'
    gcc -O2 -Wall -pthread "$ws/hello.c" -o "$work/hello"
    check "the same program as outside" cmp "$work/hello" "$ws/hello"
fi
if have cmake && have ninja; then
    mkdir "$ws/p"
    printf 'cmake_minimum_required(VERSION 3.16)\nproject(p C)\nadd_executable(p ../hello.c)\nfind_package(Threads REQUIRED)\ntarget_link_libraries(p Threads::Threads)\nenable_testing()\nadd_test(NAME t COMMAND p)\n' \
        >"$ws/p/CMakeLists.txt"
    check "cmake, ninja, ctest" inside 'cd p; cmake -G Ninja -B b . >/dev/null; cmake --build b; ctest --test-dir b'
fi
if have make; then
    printf 'all: x1 x2 x3\n\tcat $^ >all\n%%: \n\techo $@ >$@\nclean:\n\trm -f x1 x2 x3 all\n' >"$ws/Makefile"
    check "make -j, and clean" inside 'make -j4 all; test "$(cat all | wc -l)" = 3; make clean; test ! -e x1'
fi
if [ -x /usr/bin/python3 ]; then
    check "python3: a virtual environment that works" inside '
        /usr/bin/python3 -m venv --without-pip v; . v/bin/activate
        python -c "import sys, ssl, sqlite3, subprocess, multiprocessing as m
assert sys.prefix.endswith(\"/v\")
assert subprocess.check_output([\"echo\", \"x\"]) == b\"x\\n\"
p = m.Pool(2); assert p.map(abs, [-1, -2]) == [1, 2]; p.close()
d = sqlite3.connect(\"t.db\"); d.execute(\"create table t (x)\"); d.commit()
import tempfile, socket
socket.create_server((\"127.0.0.1\", 0)).close()
tempfile.TemporaryFile().write(b\"x\")"'
fi
if [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import ensurepip' 2>/dev/null; then
    mkdir "$ws/package"
    echo 'answer = 42' >"$ws/package/offline_package.py"
    printf 'from setuptools import setup\nsetup(name="offline-package", version="1", py_modules=["offline_package"])\n' \
        >"$ws/package/setup.py"
    check "pip, offline: into a virtual environment, and out again" inside '
        /usr/bin/python3 -m venv w; . w/bin/activate
        pip install -q --no-index --no-build-isolation ./package
        python -c "import offline_package; assert offline_package.answer == 42"
        pip list --format=freeze | grep -qx "offline.package==1"; pip check
        pip uninstall -q -y offline-package; ! python -c "import offline_package" 2>/dev/null'
fi
if have node; then
    check "node: files, workers, children" inside "node -e '
        const fs = require(\"fs\"), w = require(\"worker_threads\"), c = require(\"child_process\");
        if (c.execSync(\"echo x\").toString() !== \"x\\n\") process.exit(1);
        fs.writeFileSync(\"n\", \"1\"); fs.renameSync(\"n\", \"m\");
        new w.Worker(\"require(\\\"worker_threads\\\").parentPort.postMessage(7)\", {eval: true})
            .on(\"message\", x => process.exit(x === 7 ? 0 : 2));'"
fi
if have npm; then
    check "npm, offline: init, pack, install of a local package, scripts" inside '
        mkdir -p n/lib; cd n/lib; npm init -y >/dev/null
        echo "module.exports = 42" >index.js; npm pack --silent >/dev/null; cd ..
        npm init -y >/dev/null; npm install --offline --no-audit --no-fund ./lib/lib-1.0.0.tgz
        node -e "process.exit(require(\"lib\") === 42 ? 0 : 1)"'
fi
check "tar, find, sort, sed, awk" inside '
    mkdir t; for i in $(seq 200); do echo $i >t/$i; done; tar cf t.tar t; mkdir u; tar xf t.tar -C u
    diff -r t u/t; find u -type f | wc -l | grep -qx 200; cat u/t/* | sort -n | tail -1 | grep -qx 200
    sed -i s/1/one/ u/t/1; awk "{print}" u/t/1 | grep -qx one; rm -rf t u t.tar'
check "a shell with job control and process substitution" run_failcore -- bash -c '
    diff <(seq 3) <(seq 3) && { sleep 0.1 & wait $!; } && [[ $(cat <<<x) = x ]]'
