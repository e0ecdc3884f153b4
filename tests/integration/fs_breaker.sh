#!/bin/bash
# The circuit breaker in a mount of its own: what is counted, what is refused before it happens, the
# ways around it, and what stays tripped.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"
at_exit 'rm -f /run/failcore/breaker-*-"$(stat -c %i "$source")"-*'

export XDG_RUNTIME_DIR=$work/runtime
mkdir -p "$XDG_RUNTIME_DIR"

breaker_policy() # NAME RULE...
{
    local name=$1 rule
    shift
    {
        printf 'version: 1\nname: %s\nfilesystem:\n  default: allow\n  rules:\n' "$name"
        printf '    - {id: secret, action: deny, paths: ["secret/**"]}\n'
        printf 'breaker:\n'
        for rule in "$@"; do printf '  - {%s}\n' "$rule"; done
    } | policy_file "$name"
}

# Files that were there before, in a fresh SOURCE (its own board: another inode).
fresh()
{
    if grep -q " $mount " /proc/self/mountinfo; then unmount_tree; fi
    rm -rf "$source"
    mkdir -p "$source/d" "$source/secret"
    for i in $(seq 1 "${1:-10}"); do echo "precious $i" >"$source/d/f$i"; done
    audit=$(mktemp -d "$work/audit.XXXXXX") # a log of its own: its writer outlives the mount a little
    # A file of the run before may not be taken for this one's: inode numbers are used again.
    rm -f /run/failcore/breaker-*-"$(stat -c %i "$source")"-*
}
left()
{
    find "$source" -name 'f*' -type f -size +0 | wc -l
}
breaker_records()
{
    records 'select(.kind == "BREAKER") | [.call.state, .call.event, .call.count, .call.seen, .call.action]' | sort
}
recorded() # NAME TEXT: waits, the log is written a moment later
{
    check "$1" wait_until 5 has_record "$2"
}
has_record()
{
    breaker_records | grep -qF "$1"
}

deletes=$(breaker_policy deletes 'event: delete, count: 3, within: 1h, action: readonly')

# ---- deletes ---------------------------------------------------------------------------------

fresh
mount_tree --policy "$deletes"
check_fails "rm -rf does not complete" rm -rf "$mount/d"
said "and says why not" 'Permission denied'
check "three went, the fourth did not" test "$(left)" = 7
recorded "the BREAKER record has the counts" '["tripped","delete",3,4,"readonly"]'
check "one of them" test "$(breaker_records | wc -l)" = 1
refusals()
{
    records 'select(.code == "BREAKER_TRIPPED" and .kind == "DECISION") | [.policy.rule, .reason, .errno]'
}
refused_so()
{
    refusals | grep -qF "$1"
}
check "the refusal names rule and reason" wait_until 5 refused_so '["breaker.delete","more than 3 deletes within 1h","EACCES"]'
check "the agent can read why" grep -q 'BREAKER_TRIPPED.*breaker.delete' "$mount/.failcore/denials"
check "reading goes on" cat "$mount/d/f10"
check_fails "writing does not" sh -c "echo x >'$mount/d/f10'"
check_fails "nor making" touch "$mount/new"
check_fails "nor modes" chmod 600 "$mount/d/f10"
check_fails "nor renames" mv "$mount/d/f10" "$mount/d/f11"
check "nothing was changed by any of them" test "$(left)$(cat "$source/d/f10")" = "7precious 10"

# A server that is killed and started again finds it tripped; so does one that was ended in order.
kill -9 "$server_pid"
wait "$server_pid" 2>/dev/null
rm -f "$work/ready"
mount_tree --policy "$deletes"
check_fails "tripped still after a crash" rm -f "$mount/d/f10"
check "the server says so" grep -q 'has tripped before (more than 3 deletes' "$work/server.errors"
unmount_tree
mount_tree --policy "$deletes"
check_fails "and after an orderly end" rm -f "$mount/d/f10"
# Nor does another policy help.
sed -i 's/count: 3/count: 1000/' "$deletes"
check "reload" "$bin/failcore-mount" --reload "$mount"
check_fails "tripped still after a reload" rm -f "$mount/d/f10"
sed -i '/^breaker:/,$d' "$deletes"
check "reload without a breaker" "$bin/failcore-mount" --reload "$mount"
check_fails "tripped still" rm -f "$mount/d/f10"
check "the operator resumes" "$bin/failcore-mount" --resume "$mount"
check "and it goes on" rm -f "$mount/d/f10"
recorded "which is recorded" '["resumed","delete",3,4,"readonly"]'
check_exit "there is nothing to resume then" 2 "$bin/failcore-mount" --resume "$mount"
unmount_tree
deletes=$(breaker_policy deletes 'event: delete, count: 3, within: 1h, action: readonly')

# What was made here may go again, however much it is; the host's may not.
fresh
mount_tree --policy "$deletes"
check "a thousand of our own" sh -c "cd '$mount' && mkdir own && cd own && for i in \$(seq 1 1000); do echo \$i >o\$i; done"
check "may go" rm -rf "$mount/own"
check "nothing was counted" test -z "$(breaker_records)"
echo theirs >"$source/d/theirs"
rm -f "$source/d/f1"
echo "the host wrote it anew" >"$source/d/f1"
check "what fails is not counted" sh -c "cd '$mount/d' && for i in \$(seq 1 20); do rmdir '$mount/d' 2>/dev/null; unlink none 2>/dev/null; done; rm f9"
check_fails "what the host made meanwhile is not ours" rm -f "$mount"/d/{theirs,f1,f2}
check "one of them stayed" test "$(ls "$source/d" | grep -c -e theirs -e 'f[12]$')" = 1

# ---- ways around -----------------------------------------------------------------------------

fresh
mount_tree --policy "$deletes"
check "moving first" sh -c "mkdir '$mount/bin' && mv '$mount'/d/* '$mount/bin'"
check_fails "does not help: what is moved is what it was" rm -rf "$mount/bin"
check "three went" test "$(left)" = 7

fresh
mount_tree --policy "$deletes"
check "under another name by a link" sh -c "cd '$mount/d' && for i in f1 f2 f3 f4 f5; do ln \$i own-\$i; done"
check_fails "it is the same object" sh -c "cd '$mount/d' && for i in f1 f2 f3 f4 f5; do unlink \$i || exit 1; unlink own-\$i || exit 1; done"
check "not more than three names went" test "$(ls "$source/d" | wc -l)" = 12

fresh
mount_tree --policy "$deletes"
check "exchanged with what is ours" python3 - "$mount" <<'PY'
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
mount = sys.argv[1]
for i in range(1, 6):
    open(f"{mount}/mine{i}", "w").write("mine")
    if libc.renameat2(-100, f"{mount}/mine{i}".encode(), -100, f"{mount}/d/f{i}".encode(), 2) != 0:
        sys.exit(1)
PY
check_fails "the precious one is counted under our name" rm "$mount"/mine{1,2,3,4,5}
check "three went" test "$(grep -rl precious "$source" | wc -l)" = 7

# Two servers of one SOURCE count together.
fresh
mount_tree --policy "$deletes"
check "two here" rm "$mount"/d/f{1,2}
mkdir -p "$work/mount2"
check "another mount of the same source" "$bin/failcore-mount" --policy "$deletes" --audit "$audit" "$source" "$work/mount2"
at_exit "umount -l '$work/mount2'"
check "one there" rm "$work/mount2/d/f3"
check_fails "the next trips" rm "$work/mount2/d/f4"
check_fails "here as well" rm "$mount/d/f5"
check "unmount" "$bin/failcore-mount" --unmount "$work/mount2"

# ---- overwrites ------------------------------------------------------------------------------

overwrites=$(breaker_policy overwrites 'event: overwrite, count: 2, within: 1h, action: freeze')
attack_overwrites() # NAME: shell code about $f, run for each of five files; at most two may lose
{
    local name=$1
    shift
    fresh 5
    mount_tree --policy "$overwrites" ${options:-}
    check_fails "$name" sh -c "cd '$mount/d' && for f in f1 f2 f3 f4 f5; do $* || exit 1; done"
    check "$name: three are as they were" test "$(cat "$source"/d/f* | grep -c precious)" = 3
    check "$name: refused by the breaker" wait_until 5 has_record '"overwrite",2,3,"freeze"'
}
attack_overwrites "a truncating open" ': >$f'
attack_overwrites "truncate(2)" 'truncate -s 0 $f'
attack_overwrites "writing into it" 'dd if=/dev/zero of=$f bs=16 count=1 conv=notrunc status=none'
attack_overwrites "a rename onto it" 'echo mine >tmp && mv tmp $f'
attack_overwrites "a hole in it" 'fallocate -p -o 0 -l 4096 $f && sync $f'
attack_overwrites "zeros in it" 'fallocate -z -o 0 -l 10 $f'
attack_overwrites "a copy over it" "python3 -c 'import os,sys
s=os.open(\"src\",os.O_RDWR|os.O_CREAT); os.pwrite(s,b\"0\"*32,0)
d=os.open(sys.argv[1],os.O_WRONLY); os.copy_file_range(s,d,32,0,0)' \$f"
attack_overwrites "through a shared mapping" "python3 -c 'import mmap,sys
f=open(sys.argv[1],\"r+b\"); m=mmap.mmap(f.fileno(),0); m[:]=b\"0\"*len(m); m.flush()' \$f"
options=--passthrough
attack_overwrites "writing into it, past the server" 'dd if=/dev/zero of=$f bs=16 count=1 conv=notrunc status=none'
options=

# An open file from before the trip writes no more.
fresh 5
mount_tree --policy "$overwrites"
exec 7>>"$mount/d/f5"
echo appended >&7
check_fails "three truncations" sh -c "cd '$mount/d' && : >f1 && : >f2 && : >f3"
check_fails "an open file is closed to writing" sh -c 'echo more >&7'
exec 7>&-
check "what was appended before is there" grep -q appended "$source/d/f5"
check "nothing after" test "$(wc -l <"$source/d/f5")" = 2

# Honest work on what is there: appending, making, writing what is new.
fresh 5
mount_tree --policy "$overwrites"
check "appending is no loss" sh -c "cd '$mount/d' && for i in 1 2 3 4 5; do echo more >>f\$i; done"
check "nor is touching" touch "$mount"/d/f{1,2,3,4,5}
check "nor making longer" truncate -s 100 "$mount"/d/f{1,2,3,4,5}
check "nor work on what is ours" sh -c "cd '$mount' && for i in 1 2 3 4 5 6; do echo a >o && echo b >o && : >o && echo c >tmp && mv tmp o; done"
check "nothing has tripped" test -z "$(breaker_records)"

# ---- renames, refusals, executions ---------------------------------------------------------

renames=$(breaker_policy renames 'event: rename, count: 2, within: 1h, action: readonly')
fresh
mount_tree --policy "$renames"
check "a directory is one" mv "$mount/d" "$mount/e"
check "our own are none" sh -c "cd '$mount' && for i in 1 2 3 4; do touch o\$i && mv o\$i p\$i; done"
check "two" mv "$mount/e/f1" "$mount/e/g1"
check_fails "three" mv "$mount/e/f2" "$mount/e/g2"
check "is refused before it happens" test -e "$source/e/f2"

fresh
mount_tree --policy "$renames"
check_fails "an exchange of two that were there is two" python3 - "$mount/d" <<'PY'
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
d = sys.argv[1].encode()
for i in (1, 3):
    if libc.renameat2(-100, d + b"/f%d" % i, -100, d + b"/f%d" % (i + 1), 2) != 0:
        sys.exit(1)
PY
check "the second was not done" test "$(cat "$source/d/f1" "$source/d/f3" | tr '\n' ' ')" = "precious 2 precious 3 "

blocked=$(breaker_policy blocked 'event: blocked, count: 4, within: 1h, action: kill')
fresh
mount_tree --policy "$blocked"
for i in 1 2 3 4; do cat "$mount/secret/x" 2>/dev/null; done
check "four refusals are permitted" touch "$mount/ok"
cat "$mount/secret/x" 2>/dev/null
check_fails "the fifth trips" touch "$mount/late"
recorded "as the log says" '["tripped","blocked",4,5,"kill"]'

execs=$(breaker_policy execs 'event: exec, count: 2, within: 1h, action: readonly')
fresh
cp /bin/true "$source/tool"
mount_tree --policy "$execs"
check "two executions" sh -c "'$mount/tool' && '$mount/tool'"
check_fails "are enough" "$mount/tool"

# ---- many at once ----------------------------------------------------------------------------

races=$(breaker_policy races 'event: delete, count: 50, within: 1h, action: readonly' 'event: delete, count: 80, within: 2h, action: kill')
fresh 400
mount_tree --policy "$races"
find "$mount/d" -type f | xargs -P 8 -n 10 rm -f 2>/dev/null
check "never more than the count, however many delete at once ($(left) left)" test "$(left)" -ge 350
check "and not far less" test "$(left)" -le 358
check "one record" wait_until 5 test "$(breaker_records | wc -l)" = 1
unmount_tree
