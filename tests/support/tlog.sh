# Sourced: tlog_build makes $tlog_check, a judge of our log out of Debian's golang-go and
# golang-golang-x-mod-dev, or says in $tlog_missing what is not there. Nothing is downloaded.
tlog_sources=${GOPATH_SOURCES:-/usr/share/gocode}
tlog_check=$work/tlog_check

tlog_build()
{
    tlog_missing="needs golang-go"
    command -v go >/dev/null || return 1
    tlog_missing="needs golang-golang-x-mod-dev"
    [ -d "$tlog_sources/src/golang.org/x/mod/sumdb/tlog" ] || return 1
    tlog_missing="tests/support/tlog_check.go does not build: $(
        env GO111MODULE=off GOFLAGS= GOPROXY=off GOPATH="$tlog_sources" GOCACHE="$work/gocache" HOME="$work" \
            go build -o "$tlog_check" "$FAILCORE_SOURCE_DIR/tests/support/tlog_check.go" 2>&1
    )"
    [ -x "$tlog_check" ]
}
