#!/usr/bin/env bash
# The hostile battery from Python and bash, and from root of a namespace that the workload made.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/run.sh"
need_root
need_run
user_setup
battery=$FAILCORE_SOURCE_DIR/tests/hostile
echo secret >"$work/outside"
mkdir -p "$ws/denied" "$user_home/ws/denied"
echo x >"$ws/denied/x"
cp "$ws/denied/x" "$user_home/ws/denied/"
chown -R $user_id:$user_id "$user_home/ws"
cat >"$policies/hostile.yaml" <<'POLICY'
version: 1
name: hostile
filesystem:
  rules:
    - {id: all, action: allow, paths: ["**"]}
    - {id: denied, action: deny, paths: ["denied/**"]}
process:
  rules: [{id: no-id, action: deny, executables: ["/usr/bin/id"]}]
POLICY
chmod a+r "$policies/hostile.yaml" "$work/outside"

attempts()
{
    sed -n 's/^\([0-9]*\) held, .*/\1/p' "$work/output"
}

for form in "python3 hostile.py" "bash hostile.sh"; do
    cp "$battery/${form#* }" "$ws/"
    install -o $user_id "$battery/${form#* }" "$user_home/ws/"
    places=("$audit" "$policies/hostile.yaml" "$work/outside" /usr/bin/id)
    check "$form, started by root: nothing gets through" "$bin/failcore" run --workspace "$ws" \
        --audit "$audit" --policy "$policies/hostile.yaml" -- $form "${places[@]}"
    check "of enough attempts: $(attempts)" test "$(attempts)" -ge 50
    check "$form, started by an ordinary user: nothing gets through" as_user \
        "$user_bin/failcore" run --policy "$policies/hostile.yaml" -- $form "${places[@]}"
    check "as many" test "$(attempts)" -ge 50
done
check "one at least for each rule" test "$(grep -ho 'SR[0-9]*' "$battery/hostile.py" |
    sort -u | wc -l)" = 11

# Root of a user namespace of its own, with all capabilities there, where a policy lets agents
# sandbox their children: rights over what it made itself, and over nothing of the run's.
if [ -x "$bin/hostile" ]; then
    printf 'version: 1\nname: nested\nextends: [./hostile.yaml]\nsandbox: {nested: true}\n' \
        >"$policies/nested.yaml"
    chmod a+r "$policies/nested.yaml" "$bin/hostile"
    sed -n 's/^own | *//p' "$battery/nested.expect" | sort >"$work/own"
    for by in root user; do
        runner=("$bin/failcore" run --workspace "$ws" --audit "$audit")
        [ $by = root ] || runner=(as_user "$user_bin/failcore" run)
        "${runner[@]}" --policy "$policies/nested.yaml" -- sh -c '
            cat >/tmp/h; chmod +x /tmp/h; exec unshare -Ur /tmp/h --as-root' \
            <"$bin/hostile" >"$work/found" 2>"$work/err"
        sed -n 's/^THROUGH \(.*[^ ]\) *$/\1/p' "$work/found" | sort >"$work/through"
        cp "$work/found" "$work/output"
        check "root inside, started by $by: enough attempts" test "$(attempts)" -ge 230
        comm -23 "$work/through" "$work/own" >"$work/unexpected"
        check "root inside, started by $by: $(head -3 "$work/unexpected" | tr '\n' ';')" \
            test ! -s "$work/unexpected"
    done
fi
