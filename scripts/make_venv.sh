#!/bin/sh
# Make .venv with a Python of 3.11 or newer, also where Debian keeps the venv module in a package of its own.
set -eu
python=$1
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "criterial needs Python 3.11 or newer; $python is older" >&2; exit 1; }
"$python" -m venv .venv >/dev/null 2>&1 && exit 0
rm -rf .venv
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  sh scripts/system_packages.sh python3-venv
  "$python" -m venv .venv && exit 0
  rm -rf .venv
fi
"$python" -m pip install --quiet --user --break-system-packages virtualenv
"$python" -m virtualenv --quiet .venv
