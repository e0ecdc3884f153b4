#!/usr/bin/env bash
# Producers that lie, and files that are not a log's: each named, none believed, nobody else harmed.
. "$FAILCORE_SOURCE_DIR/tests/support/integration.sh"
failcore=$bin/failcore
log=$work/audit

# ---- rings
check "every liar is hung up on, and no one else" sh -c \
    "'$bin/audit_hostile_ring' '$log' >'$work/count'"
lies=$(cat "$work/count")
check "the log is intact" "$failcore" audit verify "$log"
check "each liar's first record is there, none of the lies" test \
    "$(grep -c '"run":"hostile".*"path":"src/a.c"' "$log"/log/*.jsonl)" = "$lies"
check "each has one record that says so" test \
    "$(grep -c '"op":"producer_corrupt"' "$log"/log/*.jsonl)" = "$lies"
check "the honest one has all of its records" test \
    "$(grep -c '"run":"honest".*"path":"honest"' "$log"/log/*.jsonl)" = "$lies"
check "the writer has gone" wait_until 10 sh -c "test ! -e '$log.writer'"

# ---- files: each on a copy, each judged in a moment
bad=$work/bad
segment=log/00000000000000000000.jsonl
judged()
{
    local name=$1 code=$2
    shift 2
    check_exit "$name" "$code" timeout 20 "$failcore" audit verify "$@" "$bad"
}
change()
{
    rm -rf "$bad"
    cp -a "$log" "$bad"
}
change && rm "$bad/$segment" && mkfifo "$bad/$segment"
judged "a segment that is a FIFO" 77
check_exit "a reader of it does not wait either" 125 timeout 20 "$failcore" audit export --format jsonl --audit "$bad"
change && rm "$bad/$segment" && mkdir "$bad/$segment"
judged "a segment that is a directory" 77
change && mv "$bad/$segment" "$bad/elsewhere" && ln -s ../elsewhere "$bad/$segment"
judged "a segment that is a link" 77
change && rm "$bad/$segment" && ln -s /dev/zero "$bad/$segment"
judged "a segment that is a link to a device" 77
for name in checkpoint vkey tile/0/000.p; do
    change && rm -rf "${bad:?}/$name" && mkfifo "$bad/$name"
    check_fails "a FIFO for $name" timeout 20 "$failcore" audit verify "$bad"
    test "$(cat "$work/output")" != "" || failed "a FIFO for $name: no word"
done
change && rm -r "$bad/log" && ln -s "$log/log" "$bad/log" && rm "$bad/checkpoint"
judged "no checkpoint beside a link to a true log" 77
change && head -c 300M /dev/zero | tr '\0' x | zstd -q >"$bad/$segment.zst" && rm "$bad/$segment"
judged "300 MB in one line, packed in nothing" 77
change && yes '{"v":1}' | head -c 1G | zstd -q >"$bad/$segment.zst" && rm "$bad/$segment"
judged "a gigabyte of short lines, packed in nothing" 77
change && { head -c 70000 /dev/zero | tr '\0' x; echo; } >>"$bad/$segment"
judged "a line longer than any record" 77
change && printf '{"v":1,"seq":' >>"$bad/$segment"
judged "a torn line behind the signed ones is said" 0
change && printf '%s' "$(tail -n 1 "$bad/$segment")" >>"$bad/$segment"
judged "so is a whole one without its end" 0

# A last line that says what no writer would, with a true hash of its own.
while read -r from to; do
    change
    check "a line is made: $to" "$FAILCORE_SOURCE_DIR/tests/support/audit_reword.py" "$bad/$segment" "$from" "$to"
    judged "and not believed" 77
    # Not only because it was never signed.
    [[ $(<"$work/output") =~ (members are not those|more producers|pseq is not the next) ]] ||
        failed "$to: $(<"$work/output")"
done <<'END'
"producer":0 "producer":9223372036854775808
"producer":0 "producer":18446744073709551615
"producer":0 "producer":18446744073709551616
"producer":0 "producer":-0
"producer":0 "producer":0e0
"producer":0 "producer":0,"producer":0
"source":"audit" "source":"audit","x":1
"tool":"" "tool":"\xc3\x28"
"tool":"" "tool":"\xed\xa0\x80"
"tool":"" "tool":"\xf4\x90\x80\x80"
"tool":"" "tool":"","tool":""
END

# ---- pins and keys that belong together, and not to this log
check "another log" "$bin/audit_emitter" "$work/other" 1 50
"$failcore" audit pin --audit "$work/other" >"$work/pin"
judged_log() { check_exit "$1" "$2" timeout 20 "$failcore" audit verify "${@:3}" "$log"; }
judged_log "its pin" 77 --pin "$work/pin"
judged_log "its pin under its key" 77 --pin "$work/pin" --key "$work/other/vkey"
change && cp "$work/other/vkey" "$work/other/checkpoint" "$bad"
judged "its key and checkpoint put in" 77
judged "its key, checkpoint and pin" 77 --pin "$work/pin"
"$failcore" audit pin --audit "$log" | sed '2s/.*/9999999999999999999999/' >"$work/pin"
check_fails "a pin of more records than can be" "$failcore" audit verify --pin "$work/pin" "$log"
"$failcore" audit pin --audit "$log" | sed '2s/^/0/' >"$work/pin"
check_fails "a pin whose number is spelled otherwise" "$failcore" audit verify --pin "$work/pin" "$log"
: >"$work/pin"
check_fails "an empty pin" "$failcore" audit verify --pin "$work/pin" "$log"
check "a pin through a pipe holds" bash -c "'$failcore' audit verify --pin <('$failcore' audit pin --audit '$log') '$log'"
