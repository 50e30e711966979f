#!/usr/bin/env bash
# What the tests need from Debian: a browser for the console, a Chinese font so that its pictures can be read, PostgreSQL, which the
# tests run for themselves (deploy/postgres/server.sh), and the programs that check the files under deploy/ (systemd-analyze,
# docker-compose, promtool), and real sites to crawl (deploy/sites): WordPress with PHP and MariaDB, and Python for Isso. From npm, a mail server
# (alert/tests/mail).
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v chromium >/dev/null || missing+=(chromium)
fc-list :lang=zh 2>/dev/null | grep -q . || missing+=(fontconfig fonts-noto-cjk)
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
command -v systemd-analyze >/dev/null || missing+=(systemd)
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || missing+=(docker-compose)
[ -e /usr/share/wordpress/wp-load.php ] || missing+=(wordpress)
command -v php >/dev/null || missing+=(php-cli)
php -m 2>/dev/null | grep -qx mysqli || missing+=(php-mysql)
[ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
for tool in cargo npm cc c++ make perl java mvn; do
    command -v "$tool" >/dev/null || { echo "missing: $tool (see README.md, \"What you need\")" >&2; exit 1; }
done

if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        # The server is wanted, not a cluster that Debian makes and starts beside it.
        if [[ " ${missing[*]} " == *" postgresql "* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
            mkdir -p /etc/postgresql-common
            echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
        fi
        # Programs are wanted, not the services that Debian starts with them.
        [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; policy=ours; }
        trap '[ -z "${policy:-}" ] || rm -f /usr/sbin/policy-rc.d' EXIT
        apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null
        [ -z "${policy:-}" ] || rm -f /usr/sbin/policy-rc.d
        trap - EXIT
    else
        echo "the tests need packages that are not installed; run this line, then again:" >&2
        echo "    sudo apt-get install -y ${missing[*]}" >&2
        exit 1
    fi
fi

# promtool comes with the package of the whole Prometheus, which would start a server: its one program is taken out.
tools=$(realpath -m "${CARGO_TARGET_DIR:-target}/tools")
if ! command -v promtool >/dev/null && [ ! -x "$tools/promtool" ]; then
    unpacked=$(mktemp -d)
    trap 'rm -rf "$unpacked"' EXIT
    # apt hands the download to a user of its own, who must be able to write here.
    chmod 0777 "$unpacked"
    fetch() { (cd "$unpacked" && rm -f ./*.deb && apt-get download -qq prometheus && dpkg -x prometheus_*.deb x) >&2; }
    # A list of packages that is absent or old names what cannot be fetched.
    if ! fetch && ! { [ "$(id -u)" -eq 0 ] && apt-get update -qq && fetch; }; then
        echo "promtool is missing: install Prometheus' promtool (Debian: in the package prometheus; perhaps apt-get update first)" >&2
        exit 1
    fi
    install -D "$unpacked/x/usr/bin/promtool" "$tools/promtool"
fi

deploy/sites/isso.sh fetch
alert/tests/mail/server.sh fetch
