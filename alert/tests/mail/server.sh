#!/usr/bin/env bash
# A mail server of one's own on 127.0.0.1, with STARTTLS and log-in, to test the channel `mail` on. It is the npm package smtp-server,
# installed here once, as package-lock.json has it.
#
#   server.sh fetch               install it
#   server.sh run CERT KEY        serve (server.mjs says how it behaves and what it prints) until standard input ends
set -euo pipefail
cd "$(dirname "$0")"

fail() { echo "server.sh: $*" >&2; exit 1; }

fetch() {
    # npm writes this file last. The lock is for tests that start at once.
    exec 9>.lock
    flock 9
    if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
        npm ci --no-audit --no-fund --silent >&2 || fail "smtp-server cannot be installed: see above"
        touch node_modules/.package-lock.json
    fi
    exec 9>&-
}

case ${1:-} in
fetch) fetch ;;
run)
    [ $# -eq 3 ] || fail "run CERT KEY"
    fetch
    exec node server.mjs "$2" "$3"
    ;;
*)
    sed -n '5,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
