#!/usr/bin/env bash
# An Isso server of one's own on 127.0.0.1 (comments for sites), to try a crawl on or to test it. It is installed from PyPI into a
# virtual environment of its own, once.
#
#   isso.sh fetch              install it
#   isso.sh run DIR            serve comments that are kept in a new DIR, print the address, and when standard input ends (whoever holds
#                              its other end is gone, however it went) stop it and remove DIR
#   isso.sh comment URL URI AUTHOR TEXT [PARENT]   comment on a thread of the server at URL, print the answer
#
# It needs Python 3 with its module venv (Debian: python3-venv).
set -euo pipefail

version=0.14.0
here=$(cd "$(dirname "$0")" && pwd)
home="$here/target/isso-$version"

fail() { echo "isso.sh: $*" >&2; exit 1; }

fetch() {
    mkdir -p "$here/target"
    # The mark is written last, so that an install that was cut off begins again; the lock, for tests that start at once.
    exec 9>"$here/target/lock"
    flock 9
    if [ ! -e "$home/complete" ]; then
        rm -rf "$home"
        python3 -m venv "$home" >&2 || fail "no virtual environment can be made: install Python's venv (Debian: python3-venv)"
        "$home/bin/pip" install --quiet --disable-pip-version-check "isso==$version" "setuptools<81" >&2 || fail "Isso cannot be installed: see above"
        touch "$home/complete"
    fi
    exec 9>&-
}

case ${1:-} in
fetch) fetch ;;
run)
    [ $# -ge 2 ] || fail "run DIR"
    fetch
    [ ! -e "$2" ] || fail "$2 is there already: run makes its folder, and removes it"
    mkdir -p "$2"
    dir=$(cd "$2" && pwd)
    server=''
    gone() {
        [ -z "$server" ] || { kill -KILL "$server" && wait "$server"; } 2>/dev/null || true
        rm -rf "$dir"
    }
    trap gone EXIT
    trap 'exit 1' INT TERM HUP
    for try in 1 2 3 4 5 6 7 8; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
        cat >"$dir/isso.cfg" <<CONFIG
[general]
dbpath = $dir/comments.db
host = http://127.0.0.1:$port/
latest-enabled = true
max-age = 1d
[server]
listen = http://127.0.0.1:$port
[guard]
enabled = false
[moderation]
enabled = false
CONFIG
        "$home/bin/isso" -c "$dir/isso.cfg" run >"$dir/server.log" 2>&1 &
        server=$!
        for ((tenths = 0; tenths < 200; tenths++)); do
            kill -0 "$server" 2>/dev/null || { server=''; break; }
            (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break 2
            sleep 0.1
        done
    done
    [ -n "$server" ] || { cat "$dir/server.log" >&2; fail "the server does not start"; }
    echo "http://127.0.0.1:$port"
    cat >/dev/null || true
    ;;
comment)
    [ $# -ge 5 ] || fail "comment needs URL URI AUTHOR TEXT [PARENT]"
    python3 - "${@:2}" <<'PYTHON'
import json, sys, urllib.parse, urllib.request
url, uri, author, text, parent = (sys.argv[1:] + [None])[:5]
body = {"author": author, "text": text, "parent": int(parent) if parent else None, "title": uri}
request = urllib.request.Request(url + "/new?uri=" + urllib.parse.quote(uri, safe=""), json.dumps(body).encode(), {"Content-Type": "application/json", "Origin": url})
print(urllib.request.urlopen(request).read().decode())
PYTHON
    ;;
*)
    sed -n '5,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
