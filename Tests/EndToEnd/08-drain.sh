#!/bin/bash
# A smaller load with 3 times TERM: exit 0, and no request that was accepted stays without its answer.
exec python3 "$(dirname "$0")/restart_test.py" --signal TERM --times 3 --events 30000 --calls 3000 "$@"
