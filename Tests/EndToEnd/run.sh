#!/bin/bash
# `make run`: builds the service, makes sure that there is a key, prints two commands to paste and serves on the
# embedded store.
set -euo pipefail
cd "$(dirname "$0")/../.."

port=${PORT:-8080}
admin_port=${ADMIN_PORT:-9464}
data=${DATA:-data}
binary=${CALLFLOW_BINARY:-.build/release/callflow}
export -n CALLFLOW_BINARY

fail() {
  printf 'make run: %s\n' "$*" >&2
  exit 1
}

check_port() { # port variable
  case $1 in '' | *[!0-9]*) fail "$2=$1 is not a port" ;; esac
  if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
    fail "port $1 is taken by another program; choose a free one, for example: make run $2=$(($1 + 1))"
  fi
}

# The key of this folder, made once. The service keeps only its hash, so the plain one is kept beside it, readable by
# its owner.
find_key() {
  local file="$data/make-run.key" name
  if [ -s "$file" ]; then
    read -r name key <"$file"
    if "$binary" keys list | grep -w -- "$name" | grep -vwE 'revoked|expired' >/dev/null; then return; fi
  fi
  name="make-run-$(date -u +%Y%m%dT%H%M%SZ)"
  key=$("$binary" keys create --name "$name" | grep -o 'cfk_[A-Za-z0-9_-]*' | head -1) || true
  [ -n "$key" ] || fail "callflow keys create gave no key"
  (umask 077 && printf '%s %s\n' "$name" "$key" >"$file")
}

check_port "$port" PORT
check_port "$admin_port" ADMIN_PORT
[ "$port" != "$admin_port" ] || fail "PORT and ADMIN_PORT are both $port"
Tests/EndToEnd/prepare.sh build
if [ -z "${CALLFLOW_BINARY:-}" ]; then Tests/EndToEnd/build.sh; fi
mkdir -p "$data"

export CALLFLOW_HTTP_LISTEN="127.0.0.1:$port" CALLFLOW_ADMIN_LISTEN="127.0.0.1:$admin_port"
export CALLFLOW_STORAGE_DATA="$data"
export CALLFLOW_LOG_FORMAT=${CALLFLOW_LOG_FORMAT:-text}
find_key
url="http://127.0.0.1:$port/v1/callflow/events"
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
event='{"callId":"call-1","eventType":"initiated","timestamp":"'$now'","metadata":{"callerNumber":"+4930123456"}}'
cat <<END

Key: $key   (data folder: $data)

Store an event, from another terminal:
curl -sS -X POST '$url' -H 'x-api-key: $key' -H 'Content-Type: application/json' -d '$event'

Read the call back:
curl -sS '$url?callId=call-1' -H 'x-api-key: $key'

Ctrl-C ends the service.

END
exec "$binary" serve
