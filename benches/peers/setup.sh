#!/bin/sh
# Makes the programs that `pages` compares with: Scrapy in an environment of its own, and the one with colly. Both go into
# target/peers; what is not on the machine (python3, go) is left out.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target="${CARGO_TARGET_DIR:-$here/../../target}/peers"
mkdir -p "$target"
if command -v python3 >/dev/null; then
    [ -x "$target/venv/bin/python" ] || python3 -m venv "$target/venv"
    "$target/venv/bin/pip" install --quiet --disable-pip-version-check 'scrapy==2.19.0'
else
    echo "python3 is not there: Scrapy is left out" >&2
fi
if command -v go >/dev/null; then
    (cd "$here/colly" && go build -o "$target/colly" .)
else
    echo "go is not there: colly is left out" >&2
fi
