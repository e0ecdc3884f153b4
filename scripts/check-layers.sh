#!/usr/bin/env bash
# Holds every #include in the tree against scripts/layers.txt.
set -eu
cd "$(dirname "$0")/.."

awk '
function folder_of(path,    best, name) {
    best = ""
    for (name in allowed) {
        if (index(path, name "/") == 1 && length(name) > length(best)) { best = name }
    }
    return best
}
FILENAME == "scripts/layers.txt" {
    if ($0 ~ /^#/ || NF == 0) { next }
    allowed[$1] = " "
    for (i = 2; i <= NF; i++) { allowed[$1] = allowed[$1] $i " " }
    next
}
FNR == 1 { here = folder_of(FILENAME) }
/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, part, "\"")
    there = folder_of(part[2])
    files++
    if (there == "") {
        printf "%s:%d: \"%s\" is not named from the top of the tree\n", FILENAME, FNR, part[2]
        bad++
    } else if (there != here && index(allowed[here], " " there " ") == 0) {
        printf "%s:%d: %s may not include %s\n", FILENAME, FNR, here, there
        bad++
    }
    next
}
/^[ \t]*#[ \t]*include[ \t]*</ {
    split($0, part, /[<>]/)
    header = part[2]
    split(header, word, /[\/.]/)
    library = word[1]
    if (library ~ /^fuse/) { library = "fuse" }
    if (library ~ /^(yaml|idn2|libpsl|zstd|openssl|seccomp|fuse|liburing|libmnl|libnftnl|libnetfilter_queue|libnetfilter_conntrack|cmocka|jansson|ldns)$/) {
        if (library == "libpsl") { library = "psl" }
        if (index(allowed[here], " " library " ") == 0) {
            printf "%s:%d: %s may not use <%s>\n", FILENAME, FNR, here, header
            bad++
        }
    }
}
END {
    if (files == 0) { print "check-layers: no include read: run it from a full checkout"; exit 1 }
    exit bad > 0
}
' scripts/layers.txt $(find shared auditd fusefs netguard cli tests -name '*.[ch]' | sort)
