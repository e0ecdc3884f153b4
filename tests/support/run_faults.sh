#!/usr/bin/env bash
# Faults of a run's launcher, guard and log writer under load; run by scripts/faults.
#
#   ROUNDS=N SEED=N tests/support/run_faults.sh [FAULT]...
#
# In each round a command in a run writes files, reads one that is denied, and asks an allowed and
# two forbidden addresses, while the fault strikes at a random moment. Whatever happens: the denied
# file stays where it is, the world never sees what was forbidden, every file that was made is in the
# log, the command ends with the run, the log verifies, and the next run works.
. "$(dirname "$0")/integration.sh"
. "$(dirname "$0")/run.sh"
. "$(dirname "$0")/world.sh"
need_root
need_run
world_start
cat >"$policies/web.yaml" <<'POLICY'
version: 1
name: web
filesystem:
  rules:
    - {id: all, action: allow, paths: ["**"]}
    - {id: secrets, action: deny, paths: ["**/.env"]}
network:
  rules:
    - {id: web, action: allow, hosts: ["*.example.org"], ports: [80]}
POLICY
echo "KEY=stays" >"$ws/.env"
cat >"$ws/agent.sh" <<'AGENT'
i=0
while :; do
    i=$((i + 1))
    echo "$i" >"made-$1-$i"
    cat .env >>"stolen" 2>/dev/null
    curl -s -o /dev/null --max-time 1 http://www.example.org/ && echo "$i" >"fetched-$1-$i"
    curl -s -o /dev/null --max-time 1 http://10.0.0.1/ && echo leak >>stolen
    curl -s -o /dev/null --max-time 1 http://denied.example.net/ && echo leak >>stolen
done
AGENT
# Programs that an upgrade can replace.
installed=$work/installed
mkdir "$installed"
cp "$bin"/failcore* "$installed"
bin=$installed
world_host denied.example.net 93.184.216.99
RANDOM=${SEED:-1}

below()
{
    local pid
    for pid in $(cat "/proc/$1/task"/*/children 2>/dev/null); do
        echo "$pid"
        below "$pid"
    done
}

# part NAME: the processes of this run's part.
part()
{
    local pid
    if [ "$1" = failcore-auditd ]; then
        pgrep -f "^[^ ]*failcore-auditd $audit\$"
        return
    fi
    for pid in $(below "$launcher"); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "${1:0:15}" ] && echo "$pid"
    done
}

signal_part()
{
    local pid
    for pid in $(part "$2"); do
        kill -"$1" "$pid" 2>/dev/null
    done
}

agent_gone()
{
    ! pgrep -f "agent.sh $tag\$" >/dev/null
}

strike()
{
    case $1 in
    run-launcher-kill) kill -KILL "$launcher" ;;
    run-launcher-stop) kill -STOP "$launcher"; sleep 0.7; kill -CONT "$launcher" ;;
    run-guard-kill) signal_part KILL failcore-netguard ;;
    run-guard-stop) signal_part STOP failcore-netguard; sleep 1; signal_part CONT failcore-netguard ;;
    run-upgrade)
        for part in "$installed"/*; do cp "$part" "$part.new" && mv "$part.new" "$part"; done
        sleep 0.5
        ;;
    run-mount-kill) signal_part KILL failcore-mount ;;
    run-writer-kill) signal_part KILL failcore-auditd ;;
    run-writer-stop) signal_part STOP failcore-auditd; sleep 1; signal_part CONT failcore-auditd ;;
    *) echo "no fault named $1" >&2; exit 2 ;;
    esac
}

all_recorded()
{
    local file
    cat "$audit"/log/*.jsonl >"$work/all"
    for file in $(cd "$ws" && ls | grep -e '^made-' -e '^fetched-'); do
        grep -qF "\"path\":\"$file\"" "$work/all" || { echo "not in the log: $file"; return 1; }
    done
}

faults=${*:-run-launcher-kill run-launcher-stop run-guard-kill run-guard-stop run-mount-kill run-writer-kill run-writer-stop run-upgrade}
for fault in $faults; do
    before=$checks_failed
    for round in $(seq "${ROUNDS:-3}"); do
        tag=$fault-$round-$$
        "$bin/failcore" run --policy "$policies/web.yaml" --workspace "$ws" --audit "$audit" \
            --uplink "netns:$world_ns" -- sh agent.sh "$tag" >"$work/run.out" 2>&1 </dev/null &
        launcher=$!
        check "$fault: the run began" wait_until 15 test -e "$ws/made-$tag-1"
        sleep "$((RANDOM % 2)).$((RANDOM % 9))"
        strike "$fault"
        sleep 0.5
        kill -TERM "$launcher" 2>/dev/null
        check "$fault: the command ends with its run" wait_until 15 agent_gone
        wait "$launcher" 2>/dev/null
        check_fails "$fault: nothing was stolen" test -s "$ws/stolen"
        check_fails "$fault: the world never saw the private address" world_saw '10.0.0.1'
        check_fails "$fault: nor the name that no rule allows" world_saw 'denied.example.net'
        check "$fault: every file that was made is in the log" wait_until 10 all_recorded
        check "$fault: the log verifies" "$bin/failcore" audit verify "$audit"
        check "$fault: the next run works" "$bin/failcore" run --policy "$policies/web.yaml" \
            --workspace "$ws" --audit "$audit" --uplink "netns:$world_ns" -- \
            sh -c 'curl -s --max-time 5 http://www.example.org/ | grep -q world && ! cat .env'
    done
    echo "$fault: ${ROUNDS:-3} rounds, $(find "$ws" -name "made-$fault-*" | wc -l) files made," \
        "$(find "$ws" -name "fetched-$fault-*" | wc -l) answers, $((checks_failed - before)) broken"
done
