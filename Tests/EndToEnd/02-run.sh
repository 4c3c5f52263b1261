#!/bin/bash
# `make run` prints a key and two commands that work when pasted; a second run keeps key and data; a taken port is said
# clearly.
source "$(dirname "$0")/lib.sh"
read -r port admin_port other_port other_admin <<<"$(free_ports 4)"

run() { # log port admin_port
  start "$1" make --no-print-directory run PORT="$2" ADMIN_PORT="$3" DATA="$scratch/data"
  wait_for 600 "make run" curl -fsS "http://127.0.0.1:$3/readyz"
}

pasted() { # n: runs the n-th curl line that make run printed
  local line
  line=$(grep '^curl ' "$log" | sed -n "$1p")
  [ -n "$line" ] || fail "no curl line in $(cat "$log")"
  output=$(bash -c "$line")
}

end() {
  kill -TERM -- "-$started"
  wait "$started" || true
  wait_for 30 "the end of the service" bash -c "! curl -s http://127.0.0.1:$1/readyz"
}

log=$scratch/first.log
run "$log" "$port" "$admin_port"
pasted 1
expect_text '"message":"Event stored successfully","eventId":"evt_'
ok "the first curl line stores an event"
pasted 2
expect_text '"callId":"call-1".*"count":1'
ok "the second reads the call back"

expect_exit 2 make --no-print-directory run PORT="$port" ADMIN_PORT="$other_admin" DATA="$scratch/other"
expect_text "port $port is taken"
ok "a taken port is named"
end "$admin_port"

first_key=$(grep -o 'cfk_[A-Za-z0-9_-]*' "$log" | head -1)
log=$scratch/second.log
run "$log" "$other_port" "$other_admin"
[ "$(grep -o 'cfk_[A-Za-z0-9_-]*' "$log" | head -1)" = "$first_key" ] || fail "the second run made another key"
pasted 2
expect_text '"callId":"call-1".*"count":1'
ok "a second run keeps key and data"
end "$other_admin"
