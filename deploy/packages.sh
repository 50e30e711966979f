#!/usr/bin/env bash
# The Debian packages that the tests need: a browser for the console, a Chinese font so that its pictures can be read, and
# PostgreSQL, which the tests run for themselves (deploy/postgres/server.sh).
set -euo pipefail

missing=()
command -v chromium >/dev/null || missing+=(chromium)
fc-list :lang=zh 2>/dev/null | grep -q . || missing+=(fontconfig fonts-noto-cjk)
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
for tool in cargo npm cc make; do
    command -v "$tool" >/dev/null || { echo "missing: $tool (see README.md, \"What you need\")" >&2; exit 1; }
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    # The server is wanted, not a cluster that Debian makes and starts beside it.
    if [[ " ${missing[*]} " == *" postgresql "* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        mkdir -p /etc/postgresql-common
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    fi
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null
else
    echo "the tests need packages that are not installed; run this line, then again:" >&2
    echo "    sudo apt-get install -y ${missing[*]}" >&2
    exit 1
fi
