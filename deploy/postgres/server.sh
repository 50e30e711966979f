#!/usr/bin/env bash
# A PostgreSQL server of one's own, to try Wanglou with or to test it: in a folder, on a free port of 127.0.0.1, no container,
# nothing else on the machine touched. It needs Debian's package `postgresql` (any version from 15).
#
#   deploy/postgres/server.sh start DIR   make it where it is absent, start it, and print its url
#   deploy/postgres/server.sh stop DIR    stop it; what is in DIR stays
#   deploy/postgres/server.sh run DIR     for tests: make it fast and forgetful in a new DIR, print its url, and when standard input
#                                         ends (whoever holds its other end is gone, however it went) stop it and remove DIR
#
# PostgreSQL does not run as root: as root, it runs as the user postgres where there is one, and as nobody otherwise.
set -euo pipefail

usage() { sed -n '5,8s/^# //p' "$0" >&2; exit 2; }
fail() { echo "server.sh: $*" >&2; exit 1; }

[ $# -eq 2 ] || usage
verb=$1
mkdir -p "$(dirname "$2")"
dir=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
data=$dir/data

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -x "$bin/initdb" ] || fail "there is no PostgreSQL server under /usr/lib/postgresql: apt-get install postgresql"

as=()
owner=$(id -un)
if [ "$(id -u)" -eq 0 ]; then
    owner=nobody
    id -u postgres >/dev/null 2>&1 && owner=postgres
    as=(runuser -u "$owner" --)
fi
# Started where any user may be.
cd /

make_it() {
    install -d -m 700 -o "$owner" "$dir"
    # A password of its own, though only this machine can reach it: other users of the machine are others too.
    local password
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    printf '%s' "$password" | "${as[@]}" tee "$dir/password" >/dev/null
    chmod 600 "$dir/password"
    "${as[@]}" "$bin/initdb" -D "$data" -U wanglou -A scram-sha-256 --pwfile="$dir/password" -E UTF8 --locale=C.UTF-8 "$@" >"$dir.log" 2>&1 \
        || { cat "$dir.log" >&2; fail "the server cannot be made in $dir"; }
    rm -f "$dir.log"
}

# Nobody can hold a port free for another: try until one is.
start_it() {
    local try port
    for try in 1 2 3 4 5 6 7 8; do
        port=$((20000 + RANDOM % 12000))
        if "${as[@]}" "$bin/pg_ctl" -D "$data" -l "$dir/log" -w -t 60 -s -o \
            "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories= $*" start >/dev/null 2>&1; then
            echo "$port" | "${as[@]}" tee "$dir/port" >/dev/null
            return
        fi
        grep -q 'Address already in use' "$dir/log" 2>/dev/null || break
    done
    cat "$dir/log" >&2
    fail "the server in $dir does not start"
}

running() { "${as[@]}" "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1; }
print_url() { echo "postgres://wanglou:$(cat "$dir/password")@127.0.0.1:$(cat "$dir/port")/wanglou"; }
make_database() {
    PGPASSWORD=$(cat "$dir/password") "$bin/createdb" -h 127.0.0.1 -p "$(cat "$dir/port")" -U wanglou wanglou 2>/dev/null || true
}

case $verb in
start)
    [ -d "$data" ] || make_it
    running || start_it
    make_database
    print_url
    ;;
stop)
    [ -d "$data" ] || fail "there is no server in $dir"
    ! running || "${as[@]}" "$bin/pg_ctl" -D "$data" -m fast -w -s stop
    ;;
run)
    [ ! -e "$dir" ] || fail "$dir is there already: run makes its folder, and removes it"
    gone() {
        ! running || "${as[@]}" "$bin/pg_ctl" -D "$data" -m immediate -w -s stop || true
        rm -rf "$dir"
    }
    trap gone EXIT
    trap 'exit 1' INT TERM HUP
    make_it --no-sync
    # A crash of the machine may cost it everything; the tests do not crash the machine.
    start_it -c fsync=off -c max_connections=200
    make_database
    print_url
    cat >/dev/null
    ;;
*) usage ;;
esac
