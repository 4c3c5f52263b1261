# Sourced by the numbered tests: a scratch folder that stays where a test failed, and the few words the tests are
# written in.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
binary=${CALLFLOW_BINARY:-$root/.build/release/callflow}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/callflow-e2e-XXXXXX")
children=()
# A setting of the caller's is not for the tests.
for name in "${!CALLFLOW_@}"; do [ "$name" = CALLFLOW_BINARY ] || unset "$name"; done

finish() {
  local status=$?
  for child in "${children[@]}"; do kill -KILL -- "-$child" 2>/dev/null || true; done
  if [ $status = 0 ]; then rm -rf "$scratch"; else echo "*** FAILED; kept for inspection: $scratch" >&2; fi
}
trap finish EXIT

fail() {
  echo "FAIL $*" >&2
  exit 1
}

ok() { echo "  ok   $*"; }

free_ports() { # count
  python3 -c "import sys; sys.path.insert(0, '$root/Tests/EndToEnd'); import harness; print(*harness.free_ports($1))"
}

# Starts a program in a process group of its own, its output in a file; its pid in $started.
start() { # log command...
  local log=$1
  shift
  setsid "$@" >"$log" 2>&1 </dev/null &
  started=$!
  children+=("$started")
}

wait_for() { # seconds what command...
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fail "$what: not in time"
    sleep 0.05
  done
}

# Runs a command that must end with the given status; its output, both streams, in $output.
expect_exit() { # status command...
  local expected=$1 status=0
  shift
  output=$("$@" 2>&1 </dev/null) || status=$?
  [ "$status" = "$expected" ] || fail "exit $status, expected $expected: $*
$output"
}

expect_text() { # pattern: extended regular expression that $output must contain
  grep -Eq -- "$1" <<<"$output" || fail "no '$1' in: $output"
}
