#!/usr/bin/env bash
# Three months of work, and every way to lose them at once that is not an editor's: under fs_sandbox
# not much more than its fifty files are gone, whatever does it. What may be lost all the same is in
# docs/threat-model.md.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"
unset XDG_RUNTIME_DIR # a board of its own for each mount
files=120
most=51 # fifty, and the one that was found empty as it was closed

project()
{
    rm -rf "$source" "$work/elsewhere"
    audit=$(mktemp -d "$work/audit.XXXXXX")
    mkdir -p "$source"/{src,notes,build} "$work/elsewhere"
    for i in $(seq 1 $((files / 2))); do
        echo "three months $i" >"$source/src/f$i.c"
        echo "three months $i" >"$source/notes/n$i"
    done
}
left() # by content, wherever it is now
{
    grep -rhc "three months" "$source" "$work/elsewhere" | grep -c '^1$'
}
lost_at_most() # NAME COMMAND: shell code, in the workspace
{
    project
    mount_tree --policy "${policy:-fs_sandbox}" ${options:-}
    (cd "$mount" && elsewhere=$work/elsewhere timeout 60 bash -c "$2") >"$work/output" 2>&1
    sync "$mount"
    unmount_tree
    check "$1: $((files - $(left))) lost" test "$(left)" -ge $((files - most))
}
not_tripped()
{
    test -z "$(records 'select(.kind == "BREAKER")')"
}
each='for f in src/* notes/*; do'

lost_at_most "rm -rf" 'rm -rf * .[!.]*'
lost_at_most "find -delete" 'find . -mindepth 1 -delete'
lost_at_most "eight threads" 'find . -type f -print0 | xargs -0 -P 8 -n 3 rm -f'
lost_at_most "all moved to one name" "$each mv -f \$f heap; done"
lost_at_most "all moved to one name that is ours" "touch heap; $each mv -f \$f heap; done"
lost_at_most "each over the next" 'p=; for f in src/* notes/*; do [ -z "$p" ] || mv -f $p $f; p=$f; done'
lost_at_most "a redirection into each" "$each : >\$f; done"
lost_at_most "truncate(1)" 'truncate -s 0 src/* notes/*'
lost_at_most "truncate(2)" 'python3 -c "import os,sys
for f in sys.argv[1:]: os.truncate(f, 0)" src/* notes/*'
lost_at_most "nothing copied over each" "$each cp /dev/null \$f; done"
lost_at_most "sed that keeps no line" 'sed -i d src/* notes/*'
lost_at_most "an empty file moved over each" "$each : >t; mv -f t \$f; done"
lost_at_most "moved to where nothing counts" 'mv src notes build/; rm -rf build'
lost_at_most "called what does not count" "$each mv \$f \$f.o; done; rm -f src/*.o notes/*.o"
lost_at_most "linked to where nothing counts" "$each ln \$f build/; done; truncate -s 0 build/*; rm -rf build src notes"
lost_at_most "exchanged with what is ours" 'python3 -c "import ctypes,os,sys
c=ctypes.CDLL(None)
for i,f in enumerate(sys.argv[1:]):
    open(f\"t{i}\",\"w\").close(); c.renameat2(-100,f\"t{i}\".encode(),-100,f.encode(),2); os.unlink(f\"t{i}\")" src/* notes/*'
lost_at_most "from eight threads at the edge" 'python3 -c "import os,sys,threading
def go(part):
    for f in part:
        try: os.unlink(f)
        except OSError: pass
t=[threading.Thread(target=go,args=(sys.argv[1+i::8],)) for i in range(8)]
[x.start() for x in t]; [x.join() for x in t]" src/* notes/*'
if command -v git >/dev/null; then
    lost_at_most "git clean" 'git -c init.defaultBranch=m init -q t && mv t/.git . ; git clean -fdxq'
fi
command -v rsync >/dev/null && lost_at_most "rsync --delete" 'mkdir e; rsync -a --delete e/ src/; rsync -a --delete e/ notes/'
command -v perl >/dev/null && lost_at_most "perl that prints nothing" 'perl -ni -e 1 src/* notes/*'

# Two writers of one file at the moment that counts: what one is refused, the other does not do.
policy=$(policy_file overwrites <<'POLICY'
version: 1
name: overwrites
filesystem: {default: allow}
breaker: [{event: overwrite, count: 50, within: 1h, action: readonly}]
POLICY
)
most=50
lost_at_most "overwritten by two threads each" 'python3 -c "import os,sys,threading
def put(fd,b):
    b.wait()
    try: os.pwrite(fd,b\"XXXXXXXXXXXX\",0)
    except OSError: pass
for f in sys.argv[1:]:
    try: fd=os.open(f,os.O_WRONLY)
    except OSError: continue
    w=threading.Barrier(4); t=[threading.Thread(target=put,args=(fd,w)) for _ in range(4)]
    [x.start() for x in t]; [x.join() for x in t]; os.close(fd)" src/* notes/*'

# What is new in the place of what was there is no loss: an editor, a formatter, a build.
policy=
project
mount_tree --policy fs_sandbox
check "every file written anew" bash -c "cd '$mount' && $each echo better >\$f; done"
check "every file replaced" bash -c "cd '$mount' && $each echo best >t && mv t \$f; done"
check "every file in place" bash -c "cd '$mount' && sed -i s/best/good/ src/* notes/*"
check "a hundred truncated first and written then" python3 - "$mount" <<'PY'
import os, sys
os.chdir(sys.argv[1])
names = [f"src/f{i}.c" for i in range(1, 61)] + [f"notes/n{i}" for i in range(1, 41)]
held = [open(name, "w") for name in names]
for file in held:
    file.write("good")
    file.close()
PY
check "nothing has tripped" not_tripped
unmount_tree
