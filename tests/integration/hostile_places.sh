#!/usr/bin/env bash
# Attacks on where things lie: the workspace, the log and the policies seen by another name.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run

no_secrets=$policies/no_secrets.yaml
cat >"$no_secrets" <<'POLICY'
version: 1
name: no-secrets
filesystem:
  rules:
    - {id: all, action: allow, paths: ["**"]}
    - {id: secrets, action: deny, paths: ["**/.env"]}
POLICY

# A workspace that the run's own read-only system directories show as well.
if system=$(mktemp -d /usr/local/failcore-test.XXXXXX); then
    at_exit "rm -rf $system"
    chmod 0755 "$system"
    echo SECRET >"$system/.env"
    chmod 0644 "$system/.env"
    check_exit "a workspace that /usr shows, mounted elsewhere" 125 "$bin/failcore" run --no-net \
        --policy "$no_secrets" --audit "$audit" --workspace "$system" --mount /w -- \
        cat "$system/.env"
    check_fails "mounted where /usr shows it: covered" "$bin/failcore" run --no-net \
        --policy "$no_secrets" --audit "$audit" --workspace "$system" -- cat "$system/.env"
    mkdir "$system/bound"
    if mount --bind "$ws" "$system/bound"; then
        at_exit "umount $system/bound"
        echo SECRET >"$ws/.env"
        check_exit "a workspace that is bound below /usr" 125 "$bin/failcore" run --no-net \
            --policy "$no_secrets" --audit "$audit" --workspace "$ws" -- \
            cat "$system/bound/.env"
        umount "$system/bound"
        rm "$ws/.env"
    fi
fi

# The log, in the workspace by a bind mount of a part of it.
mkdir -p "$ws/part/log" "$work/bound"
if mount --bind "$ws/part" "$work/bound"; then
    at_exit "umount -l $work/bound"
    check_exit "an audit directory that is a part of the workspace" 125 "$bin/failcore" run \
        --no-net --policy "$allow_all" --workspace "$ws" --audit "$work/bound" -- true
    check_exit "or lies in one" 125 "$bin/failcore" run --no-net --policy "$allow_all" \
        --workspace "$ws" --audit "$work/bound/log" -- true
    check_fails "failcore-mount refuses it as well" "$bin/failcore-mount" --policy "$allow_all" \
        --audit "$work/bound/log" "$ws" "$work/mnt"
    cp "$allow_all" "$ws/part/policy.yaml"
    check_exit "a policy in it" 125 "$bin/failcore" run --no-net \
        --policy "$work/bound/policy.yaml" --workspace "$ws" --audit "$audit" -- true
    umount -l "$work/bound"
fi

# Policies that the run could write, or lead elsewhere.
cp "$allow_all" "$ws/inside.yaml"
ln -s "$ws/inside.yaml" "$policies/link.yaml"
printf 'version: 1\nname: child\nextends: ["%s"]\n' "$ws/inside.yaml" >"$policies/child.yaml"
printf 'version: 1\nname: grandchild\nextends: ["./child.yaml"]\n' >"$policies/grandchild.yaml"
ln -s "$policies" "$ws/way"
ln -s "$ws/way/allow_all.yaml" "$policies/there_and_back.yaml"
at_exit "umount -l $work/mnt"
mkdir -p "$work/config/failcore/policies" "$work/mnt"
ln -s "$ws/inside.yaml" "$work/config/failcore/policies/named.yaml"
for policy in link child grandchild there_and_back; do
    check_exit "a policy by way of the workspace: $policy" 125 "$bin/failcore" run --no-net \
        --policy "$policies/$policy.yaml" --workspace "$ws" --audit "$audit" -- true
    check_fails "the same for a mount: $policy" "$bin/failcore-mount" \
        --policy "$policies/$policy.yaml" --audit "$audit" "$ws" "$work/mnt"
done
check_exit "an installed name that leads there" 125 env XDG_CONFIG_HOME="$work/config" \
    "$bin/failcore" run --no-net --policy named --workspace "$ws" --audit "$audit" -- true
check "a policy that lies elsewhere is still taken" run_failcore -- true

# What decides about the next run, wherever the caller keeps it: as the workspace, and as a bind.
for place in XDG_CONFIG_HOME XDG_STATE_HOME FAILCORE_STATE; do
    mkdir -p "$ws/own/failcore" "$work/elsewhere"
    check_exit "$place in the workspace" 125 env $place="$ws/own" "$bin/failcore" run --no-net \
        --policy "$allow_all" --workspace "$ws" --audit "$audit" -- true
    cp "$work/output" "$work/said"
    check "which is why" grep -q "the run must not be able to write" "$work/said"
    printf 'version: 1\nname: bound\nextends: ["./allow_all.yaml"]\nsandbox: {read_write: ["%s"]}\n' \
        "$ws/own" >"$policies/bound.yaml"
    check_exit "$place in a bind" 125 env $place="$ws/own" "$bin/failcore" run --no-net \
        --policy "$policies/bound.yaml" --workspace "$work/elsewhere" --audit "$audit" -- true
    cp "$work/output" "$work/said"
    check "which is why" grep -q "the run must not be able to write" "$work/said"
done
