#!/usr/bin/env bash
# The run's root: exactly the names of the view, and a record of each look at another one.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run
user_setup

# The paths of the looks outside the view that $1 (a jq condition) selects.
looks()
{
    records ".code==\"OUTSIDE_VIEW\" and .status==\"BLOCKED\" and ($1)" | jq -r .call.path
}

listing()
{
    run_failcore -- ls -A "$1" | sort
}


check "an agent's looks end as if nothing were there" test "$(run_failcore -- sh -c '
    for path in /root/.ssh/id_rsa /etc/shadow /home/x/notes /var/log/syslog /data /sys/module; do
        cat $path && echo seen
    done 2>/dev/null; [ ! -e /etc/shadow ] && echo absent')" = absent
for path in /root/.ssh /etc/shadow /home/x /var/log /data /sys/module; do
    check "a look at $path is recorded" test -n "$(looks ".call.path==\"$path\"")"
done
check "with who looked and how it ended" test "$(records '.call.path=="/etc/shadow"' | jq -r '
    [.kind, .source, .call.op, .actor.comm, .policy.rule, .errno, .phase] | join(" ")' |
    sort -u)" = "DECISION fs lookup cat builtin ENOENT policy"
check "by a process that the machine knows" test "$(records '.call.path=="/etc/shadow"' |
    jq '.actor.pid > 1 and (.actor.exe | endswith("/cat"))')" = true

before=$(looks true | wc -l)
check "what programs look for by themselves is no refusal" run_failcore -- sh -c \
    'ls -l / >/dev/null; cat /etc/ld.so.preload; test -e /run/nscd || :'
check "and leaves no record" test "$(looks true | wc -l)" = "$before"

check "to list a place of others is refused" test "$(run_failcore -- sh -c \
    'ls /root 2>&1')" = "ls: cannot open directory '/root': Permission denied"
check "and recorded" test "$(records '.call.op=="list" and .code=="OUTSIDE_VIEW"' |
    jq -r '.call.path+" "+.errno' | head -1)" = "/root EACCES"

# A loop over one name, a thousand processes' worth of looks: one record.
run_failcore -- sh -c 'i=0; while [ $i -lt 1000 ]; do [ -e /loop/$i ]; i=$((i + 1)); done
    for i in 1 2 3 4 5 6 7 8 9 10; do cat /loop/x 2>/dev/null; done; true'
check "a loop does not fill the log" test "$(looks '.call.path=="/loop"' | wc -l)" = 1
began=$SECONDS # what was folded is published each second
run_failcore -- python3 -c '
import os
for i in range(20000):
    os.path.exists(f"/many/../many-{i}")
    os.path.exists(f"/etc/many-{i}")'
check "nor does one over many names" test "$(looks '.call.path|startswith("/etc/many")' |
    wc -l)" -le $((200 + 20 * (SECONDS - began)))
check "of which none is lost" test "$(records '.code=="OUTSIDE_VIEW" and
    (.call.path|startswith("/etc/many"))' | jq '.count // 1' | awk '{ n += $1 } END { print n }')" \
    -ge 20000

check "the root is exactly the view" test "$(listing /)" = "$(
    { printf '%s\n' dev etc home proc root run sys tmp var
      for name in usr bin sbin lib lib32 lib64 libx32; do
          if [ -e "/$name" ] || [ -L "/$name" ]; then echo "$name"; fi
      done; echo "${ws#/}" | cut -d/ -f1; } | sort -u)"
check "nothing of /etc is there that is not in the table" test -z "$(comm -23 \
    <(listing /etc) <(grep -o 'ROW("[^"]*"' "$FAILCORE_SOURCE_DIR/cli/run/view_tables.h" |
    sed 's/ROW("//; s/"//; s,^etc/,,; s,/.*,,' | sort -u))"
check "the files of /etc are the machine's" run_failcore -- cmp /etc/nsswitch.conf - \
    </etc/nsswitch.conf

for attempt in 'touch /new' 'mkdir /etc/new' 'rm /etc/passwd' 'mv /root /gone' 'ln -s x /etc/new' \
    'chmod 777 /' 'echo x >/etc/hostname' 'rmdir /sys' 'setfattr -n user.x -v y /etc'; do
    check "$attempt is refused" test "$(run_failcore -- sh -c "($attempt) 2>/dev/null || echo no")" \
        = no
done
check "the root has no devices, no set-id programs, no writing" test "$(run_failcore -- sh -c '
    head -1 /proc/self/mountinfo' | cut -d" " -f5,6)" = "/ ro,nosuid,nodev,relatime"

check "an ordinary user's run is the same" test "$(as_user "$user_bin/failcore" run --no-net \
    --policy "$allow_all" -- sh -c 'cat /etc/shadow /root/.ssh/id_rsa 2>/dev/null
    ls -A /root 2>&1')" = "ls: cannot open directory '/root': Permission denied"
check "with its records" test -n "$(cat "$user_home"/state/failcore/audit/log/*.jsonl \
    "$user_home"/state/audit/log/*.jsonl 2>/dev/null |
    jq -c 'select(.code=="OUTSIDE_VIEW" and .call.path=="/root/.ssh")')"
nested=$policies/nested.yaml
sed 's/allow-all/nested/; $a sandbox: {nested: true}' "$allow_all" >"$nested"
check "a run that may nest sees the same" test "$("$bin/failcore" run --no-net --policy "$nested" \
    --workspace "$ws" --audit "$audit" -- sh -c 'cat /nested/x 2>/dev/null; ls -A /root 2>&1')" \
    = "ls: cannot open directory '/root': Permission denied"
check "and leaves the same" test -n "$(looks '.call.path=="/nested"')"
strict=$(run_failcore --strict -- sh -c 'cat /strict/a; cat /strict/b' 2>/dev/null || :)
check "strictly, each look has its record" test "$strict$(looks '.call.path=="/strict"' |
    wc -l)" = 2

check "why says what it means" bash -c '"$0" why --audit "$1" --color=never 2>&1 |
    grep -q "outside what this run can see"' "$bin/failcore" "$audit"
check "the run itself can read it" bash -c '[[ $("$@") == *OUTSIDE_VIEW* ]]' sh "$bin/failcore" run \
    --no-net --policy "$allow_all" --workspace "$ws" --audit "$audit" -- \
    sh -c 'cat /etc/shadow 2>/dev/null; cat .failcore/denials'
check "replay leaves it as it was" bash -c '"$0" replay --audit "$1" --policy "$2" 2>&1 |
    grep -q "0 differences"' "$bin/failcore" "$audit" "$allow_all"
